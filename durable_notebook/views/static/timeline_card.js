// The card with all there is to see of one execution.

// How each state is said; from `views/states.py`.
let LABELS = {};

function cardFields(pairs, more) {
  const list = h("dl", { class: "dn-tl-fields" },
    pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  if (more) list.append(h("dt", {}, "…"), h("dd", { class: "dn-quiet" }, `${more} more`));
  return list;
}

function cardEvent(event) {
  return h("div", { class: "dn-tl-event" }, h("b", {}, event.name),
    event.fields.length ? cardFields(event.fields, event.more)
      : h("span", { class: "dn-quiet" }, " without fields"));
}

function cardPart(title, ...content) {
  return h("section", {}, h("h4", {}, title), ...content);
}

/** Fill the card. `found` is missing while it is on its way. */
function fillCard(card, row, found, isLeft, close) {
  const [step, state, also] = row;
  const title = h("div", { class: "dn-tl-title" }, h("b", {}, step), badge(state, LABELS[state]),
    also ? h("span", { class: "dn-quiet" }, also) : null,
    close ? h("button", { class: "dn-tl-close", "aria-label": "Close", title: "Close (Esc)", onclick: close }, "×") : null);
  if (!found) {
    card.replaceChildren(title, h("p", { class: "dn-quiet" }, isLeft ? "No more is known here." : "Reading …"));
    return;
  }
  const facts = h("p", { class: "dn-tl-facts" },
    found.facts.map(([name, value]) => h("span", {}, h("i", {}, name), ` ${value}`)));
  const parts = [title, h("p", { class: "dn-quiet" }, found.meaning), facts];
  if (found.error) parts.push(cardPart("Error", h("pre", { class: "dn-tl-error" }, found.error)));
  const nothing = () => h("p", { class: "dn-quiet" }, "nothing on record");
  const events = [
    cardPart("Event in", found.received ? cardEvent(found.received) : nothing()),
    cardPart("Event out", found.returned.length ? found.returned.map(cardEvent) : nothing(),
      found.more ? h("p", { class: "dn-quiet" }, `and ${found.more} more`) : null),
  ];
  parts.push(h("div", { class: "dn-tl-pair" }, events));
  if (found.changes.length) {
    parts.push(cardPart("Store changes", cardFields(found.changes, found.more_changes)));
  }
  if (found.source) {
    const code = found.code ? ` (version ${found.code})` : "";
    const part = cardPart(`Source that ran${code}`, h("pre", {}, found.source));
    part.classList.add("dn-tl-source");
    parts.push(part);
  }
  card.replaceChildren(...parts);
}
