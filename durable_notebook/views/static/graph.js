// The graph of a run: a picture that the kernel draws, taken over piece by piece.

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = new Set(["svg", "g", "rect", "path", "polygon", "circle", "line", "text", "title"]);

/** A copy of the picture of which nothing can act: known shapes, plain attributes. */
function shapeOf(shape) {
  const element = document.createElementNS(SVG, shape.localName);
  for (const { name, value } of shape.attributes) {
    if (name !== "xmlns" && !name.startsWith("on") && !/href|style|url\(/i.test(name + value)) {
      element.setAttribute(name, value);
    }
  }
  for (const child of shape.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) element.append(child.data);
    else if (SHAPES.has(child.localName)) element.append(shapeOf(child));
  }
  return element;
}

/** Make an element like another, so that what has the focus keeps it. */
function morph(element, wanted) {
  if (element.nodeType === Node.TEXT_NODE && wanted.nodeType === Node.TEXT_NODE) {
    if (element.data !== wanted.data) element.data = wanted.data;
    return;
  }
  if (element.nodeName !== wanted.nodeName || element.childNodes.length !== wanted.childNodes.length) {
    element.replaceWith(wanted);
    return;
  }
  for (const name of element.getAttributeNames()) {
    if (!wanted.hasAttribute(name)) element.removeAttribute(name);
  }
  for (const name of wanted.getAttributeNames()) {
    const value = wanted.getAttribute(name);
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
  const children = [...wanted.childNodes];
  [...element.childNodes].forEach((child, i) => morph(child, children[i]));
}

function pictureOf(markup) {
  const parsed = new DOMParser().parseFromString(markup, "image/svg+xml").documentElement;
  const picture = shapeOf(parsed);
  picture.setAttribute("role", "group");
  for (const node of picture.querySelectorAll("g[aria-label]")) {
    node.setAttribute("role", "img");
    node.setAttribute("tabindex", "0");
  }
  return picture;
}

function render({ model, el }) {
  const stop = standIn(model, el);
  const head = h("div", { class: "dn-graph-head" });
  const place = h("div", { class: "dn-graph-place" });
  const said = h("div", { class: "dn-unseen", role: "status" });
  let status = null;
  el.append(h("div", { class: "dn-graph" }, head, place, said));

  const heard = (message) => {
    if (message.kind === "stopped") head.append(h("div", { class: "dn-quiet" }, message.why));
    if (message.kind !== "graph") return;
    const { run, picture, text } = message;
    head.replaceChildren(h("b", {}, run.workflow), " · run ", h("code", {}, run.run_id), " ",
      badge(run.status), " ", h("span", { class: "dn-quiet" }, run.said ? `${run.steps} · ${run.said}` : run.steps));
    if (status && status !== run.status) said.textContent = `The run is ${run.status}.`;
    status = run.status;
    const fresh = picture ? pictureOf(picture) : h("pre", {}, text);
    if (place.firstChild) morph(place.firstChild, fresh);
    else place.append(fresh);
  };
  model.on("msg:custom", heard);
  model.send({ kind: "hello" });
  return () => { model.off("msg:custom", heard); stop(); };
}

export default { render };
