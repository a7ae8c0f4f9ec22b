// A timeline whose rows are in the page only while they are seen. Rows come from
// `views/live.py`: [step, state, also, start, end, attempt, session, position].

const HEAD = 38, MOST_SEEN = 14;

const pointOf = ({ clientX, clientY }) => `${clientX},${clientY}`;

class Timeline {
  constructor(model, el) {
    this.model = model;
    this.id = `dn-${model.get("twin")}`;
    this.rows = [];
    this.counts = new Map();
    this.known = new Map(); // Details, by row.
    this.shown = null; // Rows that pass the filter; null for all.
    this.run = { is_final: true, status: "", steps: "", said: "", run_id: "", workflow: "" };
    this.time = new TimeWindow((words) => { this.said.textContent = words; this.redraw(); });
    this.step = "";
    this.states = new Set();
    this.active = -1; // A row, not a place on the screen.
    this.previewed = -1;
    this.dismissed = -1; // A row whose card was closed: it opens when that is asked for.
    this.pinned = false;
    this.follows = true; // The newest row stays in sight.
    this.pool = [];
    this.build(el);
  }

  build(el) {
    this.head = h("div", { class: "dn-tl-head" });
    this.chips = h("div", { class: "dn-tl-chips", role: "group", "aria-label": "Show only these states" });
    const search = h("input", {
      type: "search", placeholder: "Filter by step", "aria-label": "Filter by step",
      oninput: () => { this.step = search.value.trim().toLowerCase(); this.filter(); },
    });
    const zoom = (label, name, by) => h("button", { title: name, "aria-label": name, onclick: () => this.time.zoomBy(by, this.middle()) }, label);
    this.whole = h("button", { title: "Show the whole run (0)", onclick: () => this.time.zoomTo(null) }, "Whole run");
    this.ticks = h("div", { class: "dn-tl-axis", role: "columnheader", "aria-label": "Time" });
    this.space = h("div", { class: "dn-tl-space", role: "rowgroup" });
    this.grid = h("div", {
      class: "dn-tl-grid", role: "grid", tabindex: 0, "aria-colcount": 4,
      onscroll: () => this.scrolled(), onkeydown: (e) => this.pressed(e),
      onfocus: () => this.focused(), onblur: () => this.preview(-1),
      onpointerleave: (e) => this.hover(-1, e), onpointermove: (e) => { this.pointed = pointOf(e); },
    },
      h("div", { class: "dn-tl-columns", role: "row", "aria-rowindex": 1 },
        h("span", { role: "columnheader" }, "step"), h("span", { role: "columnheader" }, "state"),
        this.ticks, h("span", { role: "columnheader" }, "duration")),
      this.space);
    this.grid.addEventListener("wheel", (e) => this.wheeled(e), { passive: false });
    this.ground = h("div", { class: "dn-tl-ground" });
    this.grid.insertBefore(h("div", { class: "dn-tl-behind", "aria-hidden": true }, this.ground), this.space);
    this.none = h("div", { class: "dn-tl-none", hidden: true });
    this.grid.append(this.none);
    this.count = h("span");
    this.said = h("div", { class: "dn-unseen", role: "status" });
    this.card = h("div", { class: "dn-tl-card", popover: "manual", role: "region", tabindex: 0,
      onkeydown: (e) => { if (e.key === "Escape") { this.unpin(); this.grid.focus(); } } });
    this.root = h("div", { class: "dn-tl", "data-lm-suppress-shortcuts": true },
      h("div", { class: "dn-tl-top" }, this.head, h("div", { class: "dn-tl-zoom" },
        zoom("−", "Zoom out (−)", 2), zoom("+", "Zoom in (+)", 0.5), this.whole)),
      h("div", { class: "dn-tl-tools" }, search, this.chips),
      this.grid,
      h("div", { class: "dn-tl-foot" }, this.count,
        h("span", {}, "↑ ↓ move · Enter details · Ctrl + wheel zooms, Shift + wheel moves in time")),
      this.said, this.card);
    el.append(this.root);
  }

  // -- what the kernel says ---------------------------------------------------------

  heard(message) {
    if (message.kind === "rows") this.took(message);
    if (message.kind === "stopped") this.stopped(message.why);
    if (message.kind === "details") {
      this.known.set(message.row, message);
      if (message.row === this.cardRow()) this.showCard();
    }
  }

  took({ total, at, rows, run, axis, now }) {
    const was = this.run.status;
    this.run = run;
    for (const dropped of this.rows.splice(total)) this.counted(dropped, -1);
    at.forEach((i, n) => {
      if (this.rows[i]) this.counted(this.rows[i], -1);
      this.rows[i] = rows[n];
      this.counted(rows[n], 1);
      this.known.delete(i);
    });
    const isOpen = Boolean(this.counts.get("running") || this.counts.get("waiting"));
    this.time.took(axis, now, isOpen && !run.is_final);
    if (this.cardRow() >= 0 && !this.known.has(this.cardRow())) this.showCard();
    this.showHead(was);
    this.showChips();
    this.filter();
  }

  counted(row, by) {
    this.counts.set(row[1], (this.counts.get(row[1]) ?? 0) + by);
  }

  stopped(why) {
    this.run = { ...this.run, is_final: true };
    this.time.isOpen = false;
    this.isLeft = true;
    this.head.append(h("div", { class: "dn-quiet" }, why));
  }

  showHead(was) {
    const { workflow, run_id, status, steps, said } = this.run;
    this.head.replaceChildren(h("b", {}, workflow), " · run ", h("code", {}, run_id), " ",
      badge(status), " ", h("span", { class: "dn-quiet" }, said ? `${steps} · ${said}` : steps));
    this.grid.setAttribute("aria-label", `Executions of run ${run_id}`);
    if (was && was !== status) this.said.textContent = `The run is ${status}.`;
  }

  showChips() {
    const there = Object.keys(LABELS).filter((s) => this.counts.get(s) || this.states.has(s));
    if (this.chips.childElementCount !== there.length || there.some((s, i) => this.chips.children[i].dataset.state !== s)) {
      this.chips.replaceChildren(...there.map((state) => h("button", {
        "data-state": state, "aria-pressed": String(this.states.has(state)), title: this.model.get("meanings")[state],
        onclick: (e) => {
          if (!this.states.delete(state)) this.states.add(state);
          e.currentTarget.setAttribute("aria-pressed", String(this.states.has(state)));
          this.filter();
        },
      }, h("span", { class: "dn-tl-dot" }), h("span", {}, LABELS[state]), h("b"))));
    }
    there.forEach((state, i) => setText(this.chips.children[i].lastChild, (this.counts.get(state) ?? 0).toLocaleString("en")));
  }

  // -- which rows, and which part of the axis ---------------------------------------

  filter() {
    const { step, states } = this;
    this.shown = null;
    if (step || states.size) {
      this.shown = [];
      this.rows.forEach((row, i) => {
        if (states.size && !states.has(row[1]) && !states.has(row[2])) return;
        if (!step || row[0].toLowerCase().includes(step)) this.shown.push(i);
      });
    }
    const all = this.rows.length.toLocaleString("en");
    const word = this.rows.length === 1 ? "execution" : "executions";
    setText(this.count, this.shown ? `${this.shown.length.toLocaleString("en")} of ${all} ${word}` : `${all} ${word}`);
    this.none.hidden = this.size() > 0;
    setText(this.none, this.rows.length ? "No execution is like that." : "Nothing has run yet.");
    this.grid.setAttribute("aria-rowcount", this.size() + 1);
    this.redraw();
  }

  size() { return this.shown ? this.shown.length : this.rows.length; }
  rowAt(place) { return this.shown ? this.shown[place] : place; }
  placeOfRow(row) { return this.shown ? this.shown.indexOf(row) : row; }

  /** The share of the window where the active row's bar is, if it is in sight. */
  middle() {
    const row = this.rows[this.active];
    if (!row || row[3] === null) return 0.5;
    const share = this.time.share(this.time.place((row[3] + (row[4] ?? this.time.now())) / 2));
    return share >= 0 && share <= 100 ? share / 100 : 0.5;
  }

  wheeled(e) {
    if (e.ctrlKey || e.metaKey) {
      const { left, width } = this.ticks.getBoundingClientRect();
      this.time.zoomBy(e.deltaY > 0 ? 1.25 : 0.8, Math.min(Math.max((e.clientX - left) / width, 0), 1));
    } else if (this.time.zoom && (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY))) {
      this.time.move(Math.sign(e.deltaX || e.deltaY) * 0.1);
    } else return;
    e.preventDefault();
  }

  // -- drawing ----------------------------------------------------------------------

  redraw() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.draw(); });
  }

  draw() {
    if (!isLaidOut(this, this.grid, () => this.redraw())) return;
    const size = this.size(), isShort = size <= MOST_SEEN;
    this.grid.classList.toggle("dn-tl-short", isShort);
    this.space.style.height = `${size * ROW}px`;
    if (this.follows && !isShort) this.grid.scrollTop = size * ROW;
    this.drawAxis(isShort ? size * ROW : this.grid.clientHeight - HEAD);
    const seen = isShort ? MOST_SEEN : Math.ceil(this.grid.clientHeight / ROW) + 2;
    while (this.pool.length < seen) {
      this.pool.push(newRow((place, e) => this.hover(place, e), (place) => this.clicked(place)));
      this.space.append(this.pool.at(-1));
    }
    const first = Math.max(0, Math.floor(this.grid.scrollTop / ROW));
    for (let place = first; place < first + this.pool.length; place++) {
      const element = this.pool[place % this.pool.length];
      if (place >= size) {
        element.style.display = "none";
        continue;
      }
      const i = this.rowAt(place), found = this.rows[i];
      const cut = place + 1 < size ? this.cutAfter(place, found) : "";
      const around = { id: `${this.id}-${i}`, isActive: i === this.active, cut, time: this.time };
      drawRow(element, place, found, around);
    }
  }

  /** What is said where a process ended after a row: to the right of it is room. */
  cutAfter(place, found) {
    const session = this.rows[this.rowAt(place + 1)][6];
    if (session === found[6]) return "";
    return `process ended · ${this.time.sessions[session] ?? `session ${session}`}`;
  }

  drawAxis(height) {
    const { marks, ground } = this.time.marks(Math.max(this.ticks.clientWidth / 90, 2));
    const key = JSON.stringify(marks);
    if (key !== this.drawn) {
      this.drawn = key;
      this.ticks.replaceChildren(...marks.map(([kind, x, said]) => h("span", { class: kind, style: `left:${x}%` }, said)));
    }
    const { offsetLeft: left, offsetWidth: width } = this.ticks;
    const style = `left:${left}px;width:${width}px;height:${height}px;background:${ground}`;
    if (style !== this.grounded) this.ground.style.cssText = this.grounded = style;
  }

  scrolled() {
    this.follows = this.grid.scrollTop + this.grid.clientHeight >= this.grid.scrollHeight - 4;
    this.redraw();
  }

  // -- one row ----------------------------------------------------------------------

  focused() {
    // A pointer chooses its row itself: moved to the first, it would press another one.
    if (this.placeOfRow(this.active) < 0 && this.size()) { if (this.grid.matches(":focus-visible")) this.activate(0); }
    else if (this.active >= 0 && this.active !== this.dismissed) this.preview(this.active);
  }

  activate(place) {
    const last = this.size() - 1;
    if (last < 0) return;
    const found = Math.min(Math.max(place, 0), last);
    this.active = this.rowAt(found);
    this.dismissed = -1;
    setAttribute(this.grid, "aria-activedescendant", `${this.id}-${this.active}`);
    const top = found * ROW, room = this.grid.clientHeight - HEAD;
    if (top < this.grid.scrollTop) this.grid.scrollTop = top;
    if (top + ROW > this.grid.scrollTop + room) this.grid.scrollTop = top + ROW - room;
    this.follows = found === last;
    this.draw();
    if (this.pinned) this.showCard(); else this.preview(this.active);
  }

  pressed(e) {
    const place = this.placeOfRow(this.active), page = Math.floor(this.grid.clientHeight / ROW) - 2;
    const zoom = (by) => this.time.zoomBy(by, this.middle());
    const keys = {
      ArrowDown: () => this.activate(place + 1), ArrowUp: () => this.activate(place - 1),
      PageDown: () => this.activate(place + page), PageUp: () => this.activate(place - page),
      Home: () => this.activate(0), End: () => this.activate(this.size() - 1),
      Enter: () => this.pin(), " ": () => this.pin(),
      Escape: () => this.unpin(),
      ArrowLeft: () => this.time.move(-0.1), ArrowRight: () => this.time.move(0.1),
      "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: () => this.time.zoomTo(null),
    };
    if (e.ctrlKey || e.metaKey || e.altKey || !(e.key in keys)) return;
    e.preventDefault();
    e.stopPropagation();
    keys[e.key]();
  }

  clicked(place) {
    const again = this.pinned && this.rowAt(place) === this.active;
    this.activate(place);
    if (again) this.unpin(); else this.pin();
  }

  hover(place, e) {
    // A row that comes under a pointer at rest, as when the card over it closes, is not
    // pointed at: the browser says so all the same.
    if (place >= 0 && pointOf(e) === this.pointed) return;
    this.pointed = pointOf(e);
    clearTimeout(this.hovering);
    // A card that jumps at each row that is passed would be in the way.
    this.hovering = setTimeout(() => this.preview(place < 0 ? -1 : this.rowAt(place)), 150);
  }

  preview(row) {
    this.previewed = row;
    if (!this.pinned) this.showCard();
  }

  pin() {
    if (this.active < 0) return;
    this.pinned = true;
    this.showCard();
    this.said.textContent = `Details of ${this.rows[this.active][0]}. Tab reads them, Escape closes.`;
  }

  unpin() {
    clearTimeout(this.hovering);
    this.dismissed = this.active;
    this.pinned = false;
    this.previewed = -1;
    this.showCard();
  }

  cardRow() { return this.pinned ? this.active : this.previewed; }

  showCard() {
    const i = this.cardRow(), row = this.rows[i];
    const isOpen = this.card.matches(":popover-open");
    if (!row) {
      if (isOpen) this.card.hidePopover();
      return;
    }
    if (!this.known.has(i) && !this.isLeft) this.model.send({ kind: "details", row: i });
    this.card.classList.toggle("dn-tl-pinned", this.pinned);
    this.card.setAttribute("aria-label", `Details of ${row[0]}`);
    fillCard(this.card, row, this.known.get(i), this.isLeft, this.pinned ? () => { this.unpin(); this.grid.focus(); } : null);
    if (!isOpen) this.card.showPopover();
    this.putCard();
  }

  putCard() {
    const place = this.placeOfRow(this.cardRow());
    if (place < 0) return;
    const grid = this.grid.getBoundingClientRect(), { height } = this.card.getBoundingClientRect();
    const row = Math.min(Math.max(grid.top + HEAD + place * ROW - this.grid.scrollTop, grid.top), grid.bottom - ROW);
    const fits = row + ROW + 4 + height < innerHeight - 4;
    const top = fits ? row + ROW + 4 : Math.max(row - height - 4, 4);
    Object.assign(this.card.style, { top: `${top}px`, right: `${Math.max(innerWidth - grid.right + 24, 8)}px` });
  }

  // -- its life ---------------------------------------------------------------------

  begin() {
    const heard = (message) => this.heard(message);
    const moved = () => { if (this.cardRow() >= 0) this.putCard(); };
    const sized = new ResizeObserver(() => this.redraw());
    const beat = setInterval(() => { if (!this.run.is_final) this.redraw(); }, 200);
    this.model.on("msg:custom", heard);
    document.addEventListener("scroll", moved, true);
    sized.observe(this.grid);
    this.model.send({ kind: "hello" });
    return () => {
      clearInterval(beat);
      clearTimeout(this.hovering);
      sized.disconnect();
      document.removeEventListener("scroll", moved, true);
      this.model.off("msg:custom", heard);
    };
  }
}

function render({ model, el }) {
  const stop = standIn(model, el);
  LABELS = model.get("labels");
  const end = new Timeline(model, el).begin();
  return () => { end(); stop(); };
}

export default { render };
