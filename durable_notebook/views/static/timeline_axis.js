// Where a moment stands. The knots come from `views/axis.py`: between two of them time
// runs evenly, behind the last one a second takes a second.

/** The place of a moment (ms since the epoch), in seconds of the run's life. */
function placeOf(knots, moment) {
  if (knots.length === 0) return 0;
  let low = 0, high = knots.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (knots[middle][0] <= moment) low = middle + 1; else high = middle;
  }
  if (low === 0 || low === knots.length) {
    const [known, place] = knots[Math.max(low - 1, 0)];
    return place + (moment - known) / 1000;
  }
  const [[before, left], [after, right]] = [knots[low - 1], knots[low]];
  return left + (right - left) * (moment - before) / (after - before);
}

/** Round places of a stretch of the axis, some `count` of them. */
function roundPlaces(from, to, count) {
  const rough = Math.max((to - from) / count, 1e-6);
  const power = 10 ** Math.floor(Math.log10(rough));
  const steps = rough < 20 ? [1, 2, 5, 10].map((n) => n * power)
    : [15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400];
  const step = steps.find((n) => n >= rough * 0.8) ?? 86400 * Math.ceil(rough / 86400);
  const found = [];
  for (let i = Math.ceil(from / step); i * step <= to; i++) found.push(i * step);
  return found;
}

/** A place of the axis in words: the time that the run has lived. */
function sayPlace(seconds) {
  if (seconds === 0) return "0";
  if (seconds < 1) return `${+(seconds * 1000).toPrecision(4)} ms`;
  if (seconds < 60) return `${+seconds.toPrecision(5)} s`;
  return sayDuration(seconds * 1000);
}

/** A duration with three digits and its unit, as `words.duration` has it. */
function sayDuration(ms) {
  const seconds = ms / 1000;
  if (seconds < 1) return `${ms.toFixed(0)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** Which part of the axis is shown. */
class TimeWindow {
  constructor(changed) {
    this.changed = changed; // Told what is shown now, in words.
    this.knots = [];
    this.folds = [];
    this.sessions = {};
    this.known = 0; // The last moment that the kernel has told of.
    this.isOpen = false; // Something goes on: the axis grows.
    this.offset = 0; // The kernel's clock before this page's, in milliseconds.
    this.zoom = null; // [from, to]; null for all.
  }

  took({ knots, folds, sessions, end }, now, isOpen) {
    Object.assign(this, { knots, folds, sessions, known: end, isOpen, offset: now - Date.now() });
  }

  now() { return Date.now() + this.offset; }
  place(moment) { return placeOf(this.knots, moment); }
  end() { return Math.max(this.place(this.isOpen ? Math.max(this.now(), this.known) : this.known), 1e-3); }
  shown() { return this.zoom ?? [0, this.end()]; }

  /** Where a place is seen, in percent of the window. */
  share(place) {
    const [from, to] = this.shown();
    return 100 * (place - from) / (to - from);
  }

  zoomTo(zoom) {
    this.zoom = zoom;
    this.changed(zoom ? `From ${sayPlace(zoom[0])} to ${sayPlace(zoom[1])} of the run` : "The whole run");
  }

  /** Show more or less, with a share of the window staying where it is. */
  zoomBy(by, around) {
    const [from, to] = this.shown(), end = this.end();
    const size = Math.max((to - from) * by, 1e-3);
    if (size >= end) return this.zoomTo(null);
    const left = Math.min(Math.max(from + (to - from - size) * around, 0), end - size);
    this.zoomTo([left, left + size]);
  }

  move(by) {
    if (!this.zoom) return;
    const [from, to] = this.zoom, size = to - from;
    const left = Math.min(Math.max(from + by * size, 0), Math.max(this.end() - size, 0));
    this.zoomTo([left, left + size]);
  }

  /** The marks of the axis as [kind, percent, words], and the ground behind the bars. */
  marks(count) {
    const ground = [], marks = [];
    for (const tick of roundPlaces(...this.shown(), count)) {
      const x = this.share(tick);
      ground.push(`linear-gradient(var(--dn-line), var(--dn-line)) ${x}% 0 / 1px 100% no-repeat`);
      if (x < 97) marks.push(["dn-tl-tick", Math.max(x, 1), sayPlace(tick)]);
    }
    const shade = "color-mix(in srgb, var(--dn-interrupted) 16%, transparent)";
    for (const [start, end, said] of this.folds) {
      const a = Math.max(this.share(this.place(start)), 0), b = Math.min(this.share(this.place(end)), 100);
      if (b < 0 || a > 100) continue;
      ground.push(`linear-gradient(90deg, transparent ${a}%, ${shade} ${a}% ${b}%, transparent ${b}%)`);
      marks.push(["dn-tl-away", Math.min(Math.max((a + b) / 2, 8), 92), `down ${said}`]);
    }
    return { marks, ground: ground.join(", ") };
  }
}
