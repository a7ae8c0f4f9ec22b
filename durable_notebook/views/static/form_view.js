// The form of a panel: the question that its run waits with.

const kept = new WeakMap();

function render({ model, el }) {
  const end = standIn(model, el);
  // Drawn again when its cell comes back into sight: what was typed must still be there.
  let shown = kept.get(model);
  if (!shown || shown.place.isConnected) {
    shown = { place: h("div"), ask: asking(model), key: null };
    kept.set(model, shown);
  }
  const { place, ask } = shown;
  function draw() {
    const question = model.get("question");
    if (question.key === shown.key) return;
    shown.key = question.key;
    place.replaceChildren(...(question.key === undefined ? [] : [
      h("div", { class: "dn-ask" },
        askedElement(question),
        h("div", { class: "dn-quiet dn-about" }, question.about),
        questionForm(question, through(ask, question.key))),
    ]));
  }
  draw();
  el.append(place);
  model.on("change:question", draw);
  return () => { model.off("change:question", draw); end(); };
}
export default { render };
