// The list of runs: rows that are on the screen only, and changes as they come.

const ROW = 30;
const BEYOND = 6;
const STATES = ["running", "waiting", "paused", "interrupted", "failed", "completed", "cancelled"];
const COLUMNS = [
  { key: "id", title: "run" },
  { key: "workflow", title: "workflow" },
  { key: "state", title: "state" },
  { key: "started", title: "age", isNumber: true },
  { key: "took", title: "duration", isNumber: true },
  { key: "steps", title: "steps", isNumber: true },
  { key: "size", title: "size", isNumber: true },
  { key: "why", title: "waits for, or error" },
];
const UNITS = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]];

/** A span in words: two units at most. */
function spell(seconds) {
  const s = Math.max(0, seconds);
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${s < 10 ? s.toFixed(1) : Math.floor(s)} s`;
  const [big, unit, small, other] = UNITS.find(([size]) => s >= size);
  const rest = Math.floor((s % big) / small);
  return `${Math.floor(s / big)} ${unit}${rest ? ` ${rest} ${other}` : ""}`;
}

/** Bytes in a unit that keeps them short. */
function bytes(count) {
  if (count === null) return "";
  if (count < 1000) return `${count} B`;
  if (count < 1e6) return `${(count / 1e3).toFixed(count < 1e4 ? 1 : 0)} kB`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
}

function counted(n, word) {
  return `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
}

/** What can be done with a run, the likeliest first. */
function actionsOf(row) {
  const found = [];
  if (row.state === "interrupted") found.push(row.mine ? "resume" : "take");
  if (row.asks) found.push("answer");
  if (row.state === "paused") found.push("resume");
  found.push("open");
  if (row.state === "running" || row.state === "waiting") found.push("pause");
  if (!row.ended) found.push("cancel");
  found.push("fork", "delete");
  return found;
}

const LABELS = {
  open: "Open", answer: "Answer", resume: "Resume", take: "Go on here",
  pause: "Pause", cancel: "Cancel", fork: "Fork", delete: "Delete",
};
const MEANS = {
  open: "Show the run below",
  answer: "Show its question below",
  resume: "Go on with it",
  take: "Its notebook is closed: go on with it in this one",
  pause: "It begins no further step until it is resumed; steps in flight end",
  cancel: "Ask it to end",
  fork: "Begin a new run that does its last turn again",
  delete: "Delete it with all that is recorded of it",
};
const ASKED_FIRST = { delete: "Delete", cancel: "Cancel" };

class Runs {
  constructor(model, el) {
    this.model = model;
    this.rows = new Map();
    this.order = [];
    this.shown = new Map();
    this.said = new Map();
    this.busy = new Set();
    this.chosen = new Set();
    this.states = new Set();
    this.sort = { key: "started", isDown: false };
    this.open = null;
    this.asking = null;
    this.at = null;
    this.offset = 0;
    this.frame = null;
    this.isWhole = false;
    this.build(el);
    this.heard = (message) => this.hear(message);
    model.on("msg:custom", this.heard);
    model.send({ kind: "ready" });
    this.clock = setInterval(() => this.draw(), 1000);
  }

  leave() {
    clearInterval(this.clock);
    this.model.off("msg:custom", this.heard);
    this.model.send({ kind: "away" });
  }

  build(el) {
    this.filter = h("input", {
      type: "search", placeholder: "Filter by run, workflow or reason", "aria-label": "Filter runs",
      oninput: () => this.arrange(),
    });
    this.chips = h("span", { class: "dn-runs-chips", role: "group", "aria-label": "States" });
    this.count = h("span", { class: "dn-quiet", role: "status" }, "Reading …");
    this.many = h("div", { class: "dn-runs-many", hidden: true });
    this.trouble = h("div", { class: "dn-runs-trouble", role: "alert", hidden: true });
    this.all = h("input", {
      type: "checkbox", "aria-label": "Select all that are shown", onchange: () => this.chooseAll(),
    });
    this.heads = new Map(COLUMNS.map((c) => [c.key, h(
      "span", { role: "columnheader", class: c.isNumber ? "dn-n" : null },
      h("button", { class: "dn-runs-sort", onclick: () => this.sortBy(c.key) }, c.title),
    )]));
    this.ground = h("div", { class: "dn-runs-ground", role: "rowgroup" });
    this.ground.addEventListener("keydown", (event) => this.pressed(event));
    this.port = h("div", { class: "dn-runs-port", onscroll: () => this.draw() }, this.ground);
    this.table = h(
      "div", { class: "dn-runs-table", role: "grid", "aria-label": "Runs" },
      h("div", { class: "dn-runs-row dn-runs-head", role: "row" },
        h("span", { role: "columnheader" }, this.all), ...this.heads.values(),
        h("span", { role: "columnheader" }, h("span", { class: "dn-unseen" }, "action"))),
      this.port,
    );
    el.append(h("div", { class: "dn-runs" },
      h("div", { class: "dn-runs-bar" }, this.filter, this.chips, this.count),
      this.many, this.trouble, this.table));
    this.detail = h("div", { class: "dn-runs-detail" });
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(this.port);
    this.watch.observe(this.detail);
  }

  // -- what comes from the kernel ---------------------------------------------------

  hear(message) {
    if (message.kind === "rows") {
      if (message.is_first) { this.rows.clear(); this.chosen.clear(); }
      for (const row of message.rows) {
        // What was said of a run was of the state that it had.
        if (this.rows.get(row.id)?.state !== row.state) this.said.delete(row.id);
        this.rows.set(row.id, row);
      }
      for (const id of message.gone) this.forget(id);
      this.offset = Date.now() / 1000 - message.now;
      this.isWhole = message.is_whole;
      this.trouble.hidden = true;
      this.arrange();
    } else if (message.kind === "said") {
      this.busy.delete(message.id);
      this.said.set(message.id, message);
      if (this.rows.has(message.id) && !this.open && message.is_error) this.toggle(message.id, true);
      if (message.is_shown) reveal(this.port);
      this.draw();
    } else if (message.kind === "trouble") {
      setText(this.trouble, message.text);
      this.trouble.hidden = false;
    }
  }

  forget(id) {
    this.rows.delete(id);
    this.chosen.delete(id);
    this.said.delete(id);
    this.busy.delete(id);
    if (this.open === id) this.open = null;
  }

  // -- which rows, in which order ---------------------------------------------------

  arrange() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const counts = new Map();
    const found = [];
    for (const row of this.rows.values()) {
      row.text ??= `${row.id} ${row.workflow} ${row.why}`.toLowerCase();
      if (!words.every((word) => row.text.includes(word))) continue;
      counts.set(row.state, (counts.get(row.state) ?? 0) + 1);
      if (!this.states.size || this.states.has(row.state)) found.push(row);
    }
    const { key, isDown } = this.sort;
    const now = this.now();
    const value = key === "took" ? (row) => this.took(row, now)
      : key === "started" ? (row) => -row.started : (row) => row[key] ?? -1;
    const sign = isDown ? -1 : 1;
    found.sort((a, b) => {
      const x = value(a), y = value(b);
      return (x < y ? -sign : x > y ? sign : 0) || b.started - a.started;
    });
    this.order = found.map((row) => row.id);
    this.drawChips(counts);
    const all = this.rows.size;
    this.count.textContent = !this.isWhole ? "Reading …"
      : found.length === all ? counted(all, "run")
      : `${found.length.toLocaleString("en")} of ${counted(all, "run")}`;
    for (const [name, head] of this.heads) {
      const is = name === key;
      head.setAttribute("aria-sort", !is ? "none" : isDown ? "descending" : "ascending");
    }
    this.draw();
  }

  sortBy(key) {
    const isNumber = COLUMNS.find((c) => c.key === key).isNumber;
    const isDown = this.sort.key === key ? !this.sort.isDown : isNumber === true && key !== "started";
    this.sort = { key, isDown };
    this.arrange();
  }

  drawChips(counts) {
    const states = STATES.filter((s) => counts.get(s) || this.states.has(s));
    const said = states.map((s) => `${s} ${counts.get(s) ?? 0} ${this.states.has(s)}`).join();
    if (said === this.chipsSaid) return;
    const had = this.chips.contains(document.activeElement) ? document.activeElement.dataset.state : null;
    this.chipsSaid = said;
    this.chips.replaceChildren(...states.map((state) => h("button", {
      class: "dn-runs-chip dn-badge", "data-state": state, "aria-pressed": String(this.states.has(state)),
      onclick: () => {
        this.states.has(state) ? this.states.delete(state) : this.states.add(state);
        this.arrange();
      },
    }, `${state} ${(counts.get(state) ?? 0).toLocaleString("en")}`)));
    if (had) this.chips.querySelector(`[data-state="${had}"]`)?.focus();
  }

  now() { return Date.now() / 1000 - this.offset; }

  took(row, now) { return (row.ended || row.state === "interrupted" ? row.updated : now) - row.started; }

  // -- drawing ----------------------------------------------------------------------

  /** Draw what is on the screen, at the next frame. */
  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.drawNow();
    });
  }

  drawNow() {
    if (!isLaidOut(this, this.port, () => this.draw())) return;
    const openAt = this.open === null ? -1 : this.order.indexOf(this.open);
    if (openAt >= 0) this.drawDetail(this.rows.get(this.open)); else this.detail.remove();
    const extra = openAt < 0 ? 0 : this.detail.offsetHeight;
    const height = this.order.length * ROW + extra;
    this.ground.style.height = `${Math.max(height, ROW)}px`;
    const top = this.port.scrollTop;
    const first = Math.max(0, Math.floor((top - extra) / ROW) - BEYOND);
    const last = Math.min(this.order.length, Math.ceil((top + this.port.clientHeight) / ROW) + BEYOND);
    const wanted = new Set(this.order.slice(first, last));
    const held = document.activeElement?.closest?.(".dn-runs-row")?.dataset.run;
    for (const [id, made] of this.shown) {
      if (wanted.has(id) || (id === held && this.rows.has(id))) continue;
      made.element.remove();
      this.shown.delete(id);
    }
    const now = this.now();
    if (this.at === null || !this.rows.has(this.at)) this.at = this.order[0] ?? null;
    for (let n = first; n < last; n++) {
      const id = this.order[n];
      const made = this.shown.get(id) ?? this.makeRow(id);
      const y = n * ROW + (openAt >= 0 && n > openAt ? extra : 0);
      if (made.y !== y) made.element.style.transform = `translateY(${(made.y = y)}px)`;
      this.fill(made, this.rows.get(id), n, now);
    }
    if (openAt >= 0) this.detail.style.transform = `translateY(${(openAt + 1) * ROW}px)`;
    this.table.setAttribute("aria-rowcount", String(this.order.length + 1));
    if (!this.order.length) this.drawNothing(); else this.nothing?.remove();
    this.drawMany();
  }

  drawNothing() {
    this.nothing ??= h("p", { class: "dn-runs-nothing dn-quiet" });
    const isEmpty = !this.rows.size;
    this.nothing.textContent = !this.isWhole ? "" : isEmpty
      ? "No runs here yet. Start one with %durable_run." : "No run fits the filter.";
    if (!this.nothing.isConnected) this.ground.append(this.nothing);
  }

  makeRow(id) {
    const box = h("input", { type: "checkbox", tabindex: "-1", onchange: () => this.choose(id, box.checked) });
    const cells = Object.fromEntries(COLUMNS.map((c) => [c.key, h(
      "span", { role: "gridcell", class: c.isNumber ? "dn-n" : c.key === "id" ? "dn-runs-id" : null })]));
    const button = h("button", { class: "dn-runs-first", tabindex: "-1" });
    const element = h("div", { class: "dn-runs-row", role: "row" },
      h("span", { role: "gridcell" }, box), ...Object.values(cells), h("span", { role: "gridcell" }, button));
    element.dataset.run = id;
    element.addEventListener("click", (event) => {
      if (event.target.closest("button, input")) return;
      if (String(getSelection()) && element.contains(getSelection().anchorNode)) return;
      this.toggle(id);
    });
    button.addEventListener("click", () => this.act(button.dataset.verb, [id]));
    const made = { element, box, cells, button, texts: {} };
    this.shown.set(id, made);
    this.ground.append(element);
    return made;
  }

  fill(made, row, n, now) {
    const { element, texts } = made;
    const said = this.said.get(row.id);
    const write = (key, text, title) => {
      if (texts[key] === text) return;
      texts[key] = text;
      setText(made.cells[key], text);
      if (title) made.cells[key].title = text;
    };
    write("id", row.name, true);
    write("workflow", row.workflow, true);
    write("started", spell(now - row.started));
    write("took", spell(this.took(row, now)));
    write("steps", String(row.steps));
    write("size", bytes(row.size));
    write("why", this.busy.has(row.id) ? "…" : said ? said.text : row.why, true);
    made.cells.why.dataset.kind = (said ? said.is_error : row.state === "failed") ? "error" : "";
    if (texts.state !== row.state) {
      texts.state = row.state;
      made.cells.state.replaceChildren(badge(row.state));
    }
    const verb = actionsOf(row)[0];
    if (texts.verb !== verb) {
      texts.verb = verb;
      made.button.dataset.verb = verb;
      made.button.textContent = LABELS[verb];
      made.button.title = MEANS[verb];
      made.button.setAttribute("aria-label", `${LABELS[verb]} ${row.name}`);
      made.box.setAttribute("aria-label", `Select ${row.name}`);
      made.button.classList.toggle("dn-primary", verb !== "open");
    }
    made.button.disabled = this.busy.has(row.id);
    made.box.checked = this.chosen.has(row.id);
    element.tabIndex = row.id === this.at ? 0 : -1;
    element.setAttribute("aria-rowindex", String(n + 2));
    element.setAttribute("aria-expanded", String(row.id === this.open));
    element.setAttribute("aria-selected", String(this.chosen.has(row.id)));
  }

  /** The strip below the row that is open: all that can be done, and what came of it. */
  drawDetail(row) {
    const said = this.said.get(row.id);
    const key = JSON.stringify([row.id, row.state, row.mine, row.asks, row.why, row.where, said, this.asking, this.busy.has(row.id)]);
    if (!this.detail.isConnected) this.ground.append(this.detail);
    if (key === this.detailKey) return;
    this.detailKey = key;
    const verbs = actionsOf(row);
    const had = this.detail.contains(document.activeElement) ? document.activeElement.textContent : null;
    const buttons = verbs.map((verb) => h("button", {
      class: verb === verbs[0] && verb !== "open" ? "dn-primary" : null, title: MEANS[verb], disabled: this.busy.has(row.id),
      onclick: () => this.act(verb, [row.id]),
    }, LABELS[verb]));
    const copy = h("button", { title: "Copy the line that shows this run in a cell", onclick: () => this.copy(row) }, "Copy code");
    this.code = h("code", { class: "dn-code", tabindex: "0", title: "Goes on with the run, or shows it, in a cell" }, row.code);
    const line = said ? h("p", { class: said.is_error ? "dn-runs-refused" : "dn-quiet" }, said.text) : null;
    this.detail.replaceChildren(
      this.asking?.ids.length === 1 && this.asking.ids[0] === row.id
        ? this.question(this.asking) : h("div", { class: "dn-runs-actions" }, buttons),
      h("div", { class: "dn-runs-actions" }, copy, this.code),
      ...[line && h("div", { role: "status" }, line),
        row.why ? h("p", {}, row.state === "failed" ? row.why : `waits for ${row.why}`) : null,
        h("p", { class: "dn-quiet" }, row.where)].filter(Boolean),
    );
    if (had) [...this.detail.querySelectorAll("button")].find((b) => b.textContent === had)?.focus();
  }

  drawMany() {
    const ids = [...this.chosen];
    const shown = this.order.length && this.order.every((id) => this.chosen.has(id));
    this.all.checked = Boolean(shown);
    this.all.indeterminate = !shown && ids.length > 0;
    this.many.hidden = !ids.length;
    const key = JSON.stringify([ids.length, this.asking]);
    if (!ids.length || key === this.manyKey) { this.manyKey = key; return; }
    this.manyKey = key;
    if (this.asking && this.asking.isMany) { this.many.replaceChildren(this.question(this.asking)); return; }
    this.many.replaceChildren(
      h("span", {}, `${counted(ids.length, "run")} selected`),
      h("button", { onclick: () => this.act("cancel", [...this.chosen], true) }, "Cancel"),
      h("button", { onclick: () => this.act("delete", [...this.chosen], true) }, "Delete"),
      h("button", { class: "dn-runs-plain", onclick: () => { this.chosen.clear(); this.draw(); } }, "Select none"),
    );
  }

  /** Asked in the place of the buttons, never by the browser. */
  question({ verb, ids, isMany }) {
    const what = isMany ? counted(ids.length, "run") : "this run";
    const text = verb === "delete" ? `Delete ${what} with all that is recorded of ${ids.length === 1 ? "it" : "them"}?`
      : `Ask ${what} to end? What ${ids.length === 1 ? "it has" : "they have"} done is kept.`;
    const yes = h("button", { class: "dn-runs-danger", onclick: () => { this.asking = null; this.send(verb, ids); } },
      isMany ? `${ASKED_FIRST[verb]} ${counted(ids.length, "run")}` : ASKED_FIRST[verb]);
    const no = h("button", { onclick: () => { this.asking = null; this.draw(); } }, verb === "delete" ? "Keep" : "Let it go on");
    const asked = h("div", { class: "dn-runs-actions", role: "alertdialog", "aria-label": text }, h("span", {}, text), yes, no);
    asked.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.asking = null;
      this.draw();
    });
    requestAnimationFrame(() => no.focus());
    return asked;
  }

  // -- what a person does -----------------------------------------------------------

  act(verb, ids, isMany = false) {
    if (!(verb in ASKED_FIRST)) { this.send(verb, ids); return; }
    if (!isMany && this.open !== ids[0]) this.toggle(ids[0], true);
    this.asking = { verb, ids, isMany };
    this.draw();
  }

  send(verb, ids) {
    for (const id of ids) {
      this.said.delete(id);
      this.busy.add(id);
    }
    this.model.send({ kind: "do", verb, ids });
    this.draw();
  }

  async copy(row) {
    const done = await copied(this.code);
    this.said.set(row.id, { text: done ? "Copied." : "The line is selected: copy it with Ctrl-C or ⌘C.", is_error: false });
    this.draw();
  }

  choose(id, is) {
    is ? this.chosen.add(id) : this.chosen.delete(id);
    if (this.asking?.isMany) this.asking = null;
    this.draw();
  }

  chooseAll() {
    if (this.all.checked) this.order.forEach((id) => this.chosen.add(id)); else this.chosen.clear();
    if (this.asking?.isMany) this.asking = null;
    this.draw();
  }

  toggle(id, isOpen = this.open !== id) {
    this.open = isOpen ? id : null;
    this.at = id;
    if (!this.asking?.isMany) this.asking = null;
    this.draw();
  }

  pressed(event) {
    if (!event.target.classList.contains("dn-runs-row")) {
      if (event.key === "Escape" && this.detail.contains(event.target)) this.focus(this.open);
      return;
    }
    const n = this.order.indexOf(this.at);
    const page = Math.max(1, Math.floor(this.port.clientHeight / ROW) - 1);
    const to = { ArrowDown: n + 1, ArrowUp: n - 1, PageDown: n + page, PageUp: n - page, Home: 0, End: Infinity }[event.key];
    if (to !== undefined) this.focus(this.order[Math.max(0, Math.min(to, this.order.length - 1))]);
    else if (event.key === "Enter") this.toggle(this.at);
    else if (event.key === " ") this.choose(this.at, !this.chosen.has(this.at));
    else if (event.key === "Escape" && this.open) this.toggle(this.open, false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Bring a row into sight and give it the keyboard. */
  focus(id) {
    if (id === undefined || id === null) return;
    this.at = id;
    const n = this.order.indexOf(id);
    const openAt = this.open === null ? -1 : this.order.indexOf(this.open);
    const y = n * ROW + (openAt >= 0 && n > openAt ? this.detail.offsetHeight : 0);
    if (y < this.port.scrollTop) this.port.scrollTop = y;
    if (y + ROW > this.port.scrollTop + this.port.clientHeight) this.port.scrollTop = y + ROW - this.port.clientHeight;
    this.drawNow();
    this.shown.get(id)?.element.focus({ preventScroll: true });
  }
}

export default {
  render({ model, el }) {
    const end = standIn(model, el);
    const runs = new Runs(model, el);
    return () => { runs.leave(); end(); };
  },
};
