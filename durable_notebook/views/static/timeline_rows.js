// The rows that are in the page: each element is used again for another row.

const ROW = 24;

function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** An element for rows; `hover` and `click` are told its place, `hover` the event too. */
function newRow(hover, click) {
  const cell = (name, ...inside) => h("div", { class: name, role: "gridcell" }, ...inside);
  const row = h("div", { class: "dn-tl-row", role: "row",
    onpointerenter: (e) => hover(row.place, e), onclick: () => click(row.place) },
    cell("dn-tl-step"), cell("dn-tl-state", h("span", { class: "dn-tl-dot" }), h("span")),
    cell("dn-tl-time", h("div", { class: "dn-tl-bar" }), h("span", { class: "dn-tl-cutting", hidden: true })),
    cell("dn-tl-took"));
  return row;
}

/** Show a row at a place. `cut` is what is said of the process that ended after it. */
function drawRow(element, place, found, { id, isActive, cut, time: shown }) {
  const [step, state, also, start, end, , session] = found;
  const [stepCell, stateCell, time, tookCell] = element.children;
  const label = also ? `${LABELS[state]} · ${also}` : LABELS[state];
  const isTimed = start !== null && state !== "interrupted";
  const took = isTimed ? sayDuration(Math.max((end ?? shown.now()) - start, 0)) : "–";
  element.place = place;
  element.style.display = "";
  element.style.transform = `translateY(${place * ROW}px)`;
  if (element.id !== id) element.id = id;
  if (element.dataset.state !== state) element.dataset.state = state;
  setText(stepCell, step);
  setText(stateCell.lastChild, label);
  setText(tookCell, took);
  setAttribute(element, "aria-rowindex", place + 2);
  setAttribute(element, "aria-selected", isActive);
  setAttribute(element, "aria-label", `${step}, ${label}, ${took}, session ${session}`);
  element.classList.toggle("dn-tl-cut", Boolean(cut));
  time.lastChild.hidden = !cut;
  setText(time.lastChild, cut);
  drawBar(time.firstChild, start, end, state, shown);
}

function drawBar(bar, start, end, state, shown) {
  const left = start === null ? 101 : shown.share(shown.place(start));
  const right = start === null ? 101 : shown.share(shown.place(end ?? shown.now()));
  bar.style.display = right >= 0 && left <= 100 ? "" : "none";
  if (bar.dataset.state !== state) bar.dataset.state = state;
  const a = Math.min(Math.max(left, 0), 99.6);
  bar.style.left = `${a}%`;
  bar.style.width = `${Math.max(Math.min(right, 100) - a, 0)}%`;
}
