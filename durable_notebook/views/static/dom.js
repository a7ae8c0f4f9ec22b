// What every live view starts with. Values only ever become text, never markup.

/** Make an element. Properties are attributes; `on...` are listeners; children are
 *  elements or text. */
function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A state, as a coloured word. */
function badge(state, word = state) {
  return h("span", { class: "dn-badge", "data-state": state }, word);
}

const DEATHS = ["autorestarting", "restarting", "dead", "terminating"];

/** Stand in for the static twin while the kernel lives; gives how to stop that. */
function standIn(model, el) {
  const style = h("style");
  style.textContent = `.dn-twin[data-view="${model.get("twin")}"] { display: none }`;
  el.classList.add("dn-live");
  el.append(style);
  // A kernel that is killed says no goodbye, and the page keeps its widgets. This is no
  // public interface: without it a dead view stays, as every other widget does.
  const changed = model.widget_manager?.kernel?.statusChanged;
  const end = (_, status) => {
    if (DEATHS.includes(status)) el.replaceChildren();
  };
  changed?.connect?.(end);
  return () => changed?.disconnect?.(end);
}

/** Put what an element says on the clipboard, or select it where the page may not. */
async function copied(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return false;
  }
}

/** Bring what a view has shown below itself into sight; only JupyterLab has such. */
function reveal(element) {
  setTimeout(() => {
    let place = element.closest(".jp-OutputArea-child")?.nextElementSibling;
    while (place && !place.innerText.trim()) place = place.nextElementSibling;
    place?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }, 300);
}
