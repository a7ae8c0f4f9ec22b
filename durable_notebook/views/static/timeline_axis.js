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
