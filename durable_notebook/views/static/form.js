// A form made of a JSON schema. It gives the values as JSON and holds no other truth:
// what is wrong about them says pydantic, through whoever made the form.

const CHECK_AFTER_MS = 350;

/** Where a value stands: `lines[1].qty` is lines, 1, qty. */
const partsOf = (path) => (path.match(/[^.[\]]+/g) ?? []);

/** Make a form.
 *
 *  `send(values)` sends them, and throws an error with `problems` by path if they are
 *  refused; `check(values)`, if there is one, gives such problems while a person types;
 *  `paths(folder)` gives what is in a folder. `without` are fields that are not asked
 *  for, `word` is what the button says, `more` are further elements above it.
 */
function makeForm(schema, { send, check, paths, word = "Send", without = [], more = [] }) {
  const shown = Object.keys(schema?.properties ?? {}).filter((name) => !without.includes(name));
  const isKnown = shown.length || (schema?.properties && without.length);
  const place = { root: schema ?? {}, name: "", isRequired: true, paths };
  const all = isKnown ? null : row("fields", { description: "This takes fields of any name, as one JSON object." },
    { ...place, isRequired: false });
  const root = isKnown && shown.length <= MOST_FIELDS ? objectField(schema, place, without) : null;
  const big = isKnown && !root ? row("fields", { description: "Too many fields to show: write them as one JSON object." }, place) : null;
  const field = root ?? (all ?? big).field;

  const wrong = h("span", { class: "dn-wrong", role: "alert" });
  const button = h("button", { type: "button", class: "dn-primary", onclick: submit }, word);
  const state = h("span", { class: "dn-quiet", role: "status" });
  // Not a <form>: Enter in one of many fields must not send the others half filled.
  // JupyterLab would take some keys for its own.
  const element = h("div", {
    class: "dn-form", role: "form", "data-lm-suppress-shortcuts": "true", oninput: changed, onchange: changed,
    onkeydown(event) {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); submit(); }
    },
  }, root ? root.element : (all ?? big).element, more,
  h("div", { class: "dn-send" }, button, h("span", { class: "dn-quiet dn-keys" }, "or Ctrl+Enter"), state), wrong);

  let isSending = false, isOff = false, timer = 0, asked = 0, wasRefused = false;

  /** The values, and what of them cannot be read. */
  function values() {
    const wrongs = {};
    const found = field.get(wrongs, root ? "" : "fields") ?? {};
    if (!root && (typeof found !== "object" || found === null || Array.isArray(found))) wrongs.fields ??= "this is no JSON object";
    return { found, wrongs };
  }

  /** Show what is wrong, each beside the field that it is about. */
  function show(problems, message = "") {
    const told = new Map();
    const rest = [];
    for (const [path, problem] of Object.entries(problems)) {
      let at = root ?? { inner: (part) => (part === "fields" ? field : null) };
      for (const part of partsOf(path)) at = at.inner(part) ?? at;
      if (at.say && at !== root) told.set(at, [...(told.get(at) ?? []), problem]);
      else rest.push(path ? `${path}: ${problem}` : problem);
    }
    for (const each of saying) if (!told.has(each)) each.say("");
    for (const [each, problems] of told) { each.say(""); each.say(clipped(problems.join("; "), 500)); }
    saying = new Set(told.keys());
    const text = [...rest.slice(0, 5), ...(message && !told.size && !rest.length ? [message] : [])].join("; ");
    setText(wrong, clipped(text, 1000));
  }
  let saying = new Set();

  function refuse(error) {
    wasRefused = true;
    show(error.problems ?? {}, error.message);
    const first = element.querySelector("[aria-invalid]");
    first?.focus({ preventScroll: false });
  }

  async function submit() {
    if (isSending || isOff) return;
    clearTimeout(timer);
    asked++;
    const { found, wrongs } = values();
    if (Object.keys(wrongs).length) return refuse({ problems: wrongs, message: "" });
    isSending = true;
    draw("sending …");
    try {
      await send(found);
      show({});
    } catch (error) {
      refuse(error);
    }
    isSending = false;
    draw("");
  }

  function changed() {
    clearTimeout(timer);
    if (check && !isSending) timer = setTimeout(look, CHECK_AFTER_MS);
  }

  /** What is wrong so far. What was not filled in yet is no mistake before it is sent. */
  async function look() {
    const { found, wrongs } = values();
    const number = ++asked;
    const problems = await check(found).catch(() => null);
    if (problems === null || number !== asked || isSending) return;
    const isOpen = (path, problem) => !wasRefused && /field required/i.test(problem);
    show({ ...Object.fromEntries(Object.entries(problems).filter(([path, problem]) => !isOpen(path, problem))), ...wrongs });
  }

  function draw(text) {
    button.disabled = isSending || isOff;
    setText(state, text);
  }

  return {
    element,
    button,
    values: () => values().found,
    /** Take no answer any more; `why` is said beside the button. */
    off(why) { isOff = true; draw(why); },
  };
}
