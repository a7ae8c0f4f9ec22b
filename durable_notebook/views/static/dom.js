// What every live view starts with. Values only ever become text, never markup.

const LONGEST_SAID = 20_000, LONGEST_LABEL = 1_000;
// Controls, marks that turn text round, halves of pairs. What joins letters and the marks
// of a direction stay: `views/table.py` says why, and lets the same pass.
const ACTS = /(?![\n\t\u061c\u200c-\u200f])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
const LINE_ENDS = /\r\n?|[\u2028\u2029]/g;
const LABELLED = new Set(["title", "aria-label", "placeholder"]);

/** A value as it may be shown: no more than so much of it, and nothing that acts. */
function plain(value, most = LONGEST_SAID) {
  const text = String(value), more = text.length - most;
  const seen = more > 0 ? `${text.slice(0, most)} … ${more.toLocaleString("en")} more characters` : text;
  return seen.replace(LINE_ENDS, "\n").replace(ACTS, (mark) => {
    const code = mark.codePointAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
  });
}

/** Make an element. Properties are attributes; `on...` are listeners; children are
 *  elements or text. */
function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : LABELLED.has(name) ? plain(value, LONGEST_LABEL) : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined)
    .map((child) => (child instanceof Node ? child : plain(child))));
  return element;
}

/** Have an element say something else. */
function setText(element, value) {
  const text = plain(value);
  if (element.textContent !== text) element.textContent = text;
}

/** A state, as a coloured word. */
function badge(state, word = state) {
  return h("span", { class: "dn-badge", "data-state": state }, word);
}

const DEATHS = ["autorestarting", "restarting", "dead", "terminating"];

/** Hear the kernel also on a page that was busy while the view began. anywidget gives a
 *  model up that is not ready two seconds after it was made, and for good: it comes, but
 *  every message to it is dropped. Then take them as a widget of another kind does, and
 *  ask for what was missed. No public interface: without it such a view stands still. */
function hear(model) {
  const itself = model.set({});
  const own = Object.getPrototypeOf(itself ?? {}), base = Object.getPrototypeOf(own ?? {});
  if (!itself?.comm?.on_msg || !Object.hasOwn(own, "_handle_comm_msg") || !base?._handle_comm_msg) return;
  itself._handle_comm_msg({ content: { data: { method: "none" } } }).catch(() => {
    itself.comm.on_msg(base._handle_comm_msg.bind(itself));
    itself.comm.send({ method: "request_state" }, {});
  });
}

/** Stand in for the static twin while the kernel lives; gives how to stop that. */
function standIn(model, el) {
  hear(model);
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

/** Whether a view can be drawn: of one that is hidden every size and place is 0. One that
 *  is hidden for less than a frame, as while a theme is changed, is told by no observer
 *  that it is there again: so `again`, once. */
function isLaidOut(view, element, again) {
  const was = view.wasLaidOut ?? true;
  view.wasLaidOut = element.getClientRects().length > 0;
  if (was && !view.wasLaidOut) again();
  return view.wasLaidOut;
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
