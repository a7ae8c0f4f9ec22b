// Every question that waits for a person, oldest first. A row is one line until it is
// opened; then the kernel gives its form.

const AT_ONCE = 100;

function ageOf(time) {
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

function inboxRow(data, ask) {
  const text = h("span", { class: "dn-inbox-text" });
  const facts = h("span", { class: "dn-quiet dn-inbox-facts" });
  const state = h("span");
  const body = h("div", { class: "dn-inbox-body" });
  const summary = h("summary", {}, text, facts, state);
  const element = h("details", { class: "dn-inbox-row", ontoggle: open }, summary, body);
  let now = data, isAsked = false, isInUse = false;
  // A button that is switched off loses the focus to nobody: then it is still in use.
  body.addEventListener("focusin", () => { isInUse = true; });
  body.addEventListener("focusout", ({ relatedTarget: to }) => { isInUse = !to || body.contains(to); });

  async function open() {
    if (!element.open || isAsked || now.ended) return;
    isAsked = true;
    body.replaceChildren(h("span", { class: "dn-quiet" }, "loading …"));
    try {
      const { form } = await ask({ do: "form", key: now.key });
      if (now.ended) return;
      if (!form) throw new Error("This question is no longer asked.");
      const asked = askedElement(form), said = asked.querySelector(".dn-question-text");
      if (said.textContent === plain(now.text)) said.remove(); // it stands in the row
      body.replaceChildren(asked, h("div", { class: "dn-quiet dn-about" }, form.about),
        questionForm(form, through(ask, now.key)));
      if (element.contains(document.activeElement)) body.querySelector("input, select, textarea")?.focus();
    } catch (error) {
      isAsked = false;
      body.replaceChildren(h("span", { class: "dn-wrong", role: "alert" }, error.message));
    }
  }

  function draw(given) {
    const wasEnded = now.ended;
    now = given;
    setText(text, now.text);
    setText(facts, [now.workflow, now.run_id, now.ended ? null : `asked ${ageOf(now.asked_at)}`].filter(Boolean).join(" · "));
    const left = !now.ended && now.due ? leftOf(Date.parse(now.due)) || "time is over" : "";
    state.replaceChildren(badge(now.kind === "waiting" ? "waiting" : now.kind === "answered" ? "completed" : "cancelled",
      now.kind === "waiting" ? left || "waiting" : now.kind));
    if (now.ended) {
      isAsked = false;
      body.replaceChildren(h("span", { role: "status" }, now.ended[0].toUpperCase() + now.ended.slice(1), "."));
      // It moves to those that are over: who answered it is taken along.
      if (!wasEnded && isInUse) setTimeout(() => { summary.focus(); element.scrollIntoView({ block: "nearest" }); });
    } else if (wasEnded) {
      body.replaceChildren();
      open();
    }
  }
  draw(data);
  return { element, draw, matches: (wanted) => `${now.text} ${now.workflow} ${now.run_id}`.toLowerCase().includes(wanted), isOpen: () => !now.ended, again: () => draw(now) };
}

const inboxes = new WeakMap();

function makeInbox(model) {
  const ask = asking(model);
  const rows = new Map();
  let most = AT_ONCE, wanted = "";
  const count = h("b", { role: "status" }), order = h("span", { class: "dn-quiet" }, "oldest first");
  const search = h("input", { type: "search", placeholder: "filter by text, workflow or run", "aria-label": "Filter questions",
    oninput() { wanted = search.value.trim().toLowerCase(); most = AT_ONCE; list(); } });
  const open = h("div"), ended = h("div"), more = h("button", { type: "button", onclick() { most += AT_ONCE; list(); } });
  const endedHead = h("div", { class: "dn-quiet dn-inbox-head" }, "Answered or over since this was opened");
  const element = h("div", { class: "dn-inbox", "data-lm-suppress-shortcuts": "true" },
    h("div", { class: "dn-inbox-top" }, count, order, search), open, more, endedHead, ended);

  function draw() {
    const given = model.get("rows");
    const known = new Set(given.map(({ key }) => key));
    for (const key of rows.keys()) if (!known.has(key)) rows.delete(key);
    const sorted = given.map((data) => {
      const shown = rows.get(data.key) ?? inboxRow(data, ask);
      shown.draw(data);
      return [data.key, shown];
    });
    rows.clear();
    for (const [key, shown] of sorted) rows.set(key, shown);
    list();
  }
  function list() {
    const all = [...rows.values()].filter((row) => row.matches(wanted));
    const waiting = all.filter((row) => row.isOpen());
    const total = [...rows.values()].filter((row) => row.isOpen()).length;
    const text = total === 0 ? "No question waits for a person" : `${total} question${total === 1 ? " waits" : "s wait"}`;
    if (count.textContent !== text) count.textContent = text;
    settle(open, waiting.slice(0, most).map((row) => row.element));
    settle(ended, all.filter((row) => !row.isOpen()).slice(0, AT_ONCE).map((row) => row.element));
    const left = waiting.length - most;
    order.hidden = total < 2;
    more.hidden = left <= 0;
    more.textContent = more.hidden ? "" : `Show ${Math.min(AT_ONCE, left)} of ${left} more`;
    endedHead.hidden = !ended.children.length;
    search.hidden = rows.size < 6 && !wanted;
  }
  /** Put elements there in this order, without moving those that stand right: what a
   *  person types in stays in focus. */
  function settle(place, elements) {
    const wanted = new Set(elements);
    for (const old of [...place.children]) if (!wanted.has(old)) old.remove();
    elements.forEach((each, n) => { if (place.children[n] !== each) place.insertBefore(each, place.children[n] ?? null); });
  }
  const clock = setInterval(() => { if (element.isConnected) for (const row of rows.values()) row.again(); }, 10_000);
  model.on("change:rows", draw);
  model.on("destroy", () => clearInterval(clock));
  draw();
  return element;
}

function render({ model, el }) {
  const end = standIn(model, el);
  let element = inboxes.get(model);
  if (!element || element.isConnected) inboxes.set(model, (element = makeInbox(model)));
  el.append(element);
  return end;
}
export default { render };
