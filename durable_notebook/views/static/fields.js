// The fields of a form that have one value: text, numbers, times, choices, JSON.
//
// A field is { element, get(wrongs, path), inner(part), say(problem) }. `get` gives the
// value as JSON, or undefined where nothing is given; what cannot be read it puts into
// `wrongs`. `place` says where a field stands: its name, its label's id, whether it is
// required, what it starts with (`start`), and whether that has to be sent although
// nobody touched it (`isWhole`: it is a part of something that is sent).

const MULTILINE = /(text|comment|note|body|message|reason|description|feedback|summary)s?$/i;
const MOST_CHOICES = 500;
let fieldsMade = 0;
const freshId = () => `dn-f${Date.now().toString(36)}-${++fieldsMade}`;

/** A node of a schema in the place of the reference to it. */
function resolved(node, root) {
  for (let n = 0; node && (node.$ref || node.allOf?.length === 1) && n < 20; n++) {
    const { $ref, allOf, ...own } = node;
    const kindName = $ref?.split("/").pop();
    const other = $ref ? root.$defs?.[kindName] : allOf[0];
    // What stands beside the reference is of this place: its description, its default.
    node = { kindName, ...other, ...own };
  }
  return node && typeof node === "object" ? node : {};
}

/** Mark an element's field as touched, and let the form check it. */
const touch = (element) => element.dispatchEvent(new Event("input", { bubbles: true }));

/** What all fields have in common. `read` gives the value that is on the screen. */
function makeField(element, place, read, inner = () => null) {
  let isTouched = false;
  const wrong = h("span", { class: "dn-wrong", id: freshId(), role: "alert" });
  element.addEventListener("input", () => { isTouched = true; });
  element.addEventListener("change", () => { isTouched = true; });
  return {
    element,
    wrong,
    inner,
    get: (wrongs, path) =>
      isTouched || place.isWhole || place.isAlways ? read(wrongs, path) : undefined,
    say(problem) {
      const text = problem && wrong.textContent ? `${wrong.textContent}; ${problem}` : problem;
      setText(wrong, text);
      for (const input of inputsOf(element)) {
        if (problem) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
      }
    },
  };
}

const OWN = "input, select, textarea";
/** The inputs of a field that are no other field's. */
const inputsOf = (element) =>
  element.matches(OWN) ? [element] : [...element.querySelectorAll(`:scope > :is(${OWN})`)];

function labelled(place, more = {}) {
  return {
    id: place.id,
    "aria-labelledby": place.labelId,
    "aria-required": place.isRequired ? "true" : undefined,
    autocomplete: "off",
    ...more,
  };
}

function textField(node, place) {
  const isLong =
    node.format === "textarea" || node.maxLength > 200 || String(place.start ?? "").includes("\n") ||
    (node.maxLength === undefined && !node.pattern && MULTILINE.test(place.name));
  const input = isLong
    ? h("textarea", labelled(place, { rows: 3 }))
    : h("input", labelled(place, { type: "text", placeholder: HINTS[node.format] }));
  input.value = place.start ?? "";
  return makeField(input, place, () => given(input.value, place));
}

const HINTS = {
  duration: "1:30:00, or PT90M", uuid: "00000000-0000-0000-0000-000000000000",
  email: "name@host", decimal: "0.00",
};

/** A text; one that was emptied is given only where a text may stand. */
function given(text, place) {
  const isEmptied = text === "" && (place.isRequired ? place.isNoText : typeof place.start !== "string");
  return isEmptied ? undefined : text;
}

function secretField(node, place) {
  const input = h("input", labelled(place, { type: "password", autocomplete: "new-password" }));
  return makeField(input, place, () => input.value || undefined);
}

function pathField(node, place) {
  const list = h("datalist", { id: freshId() });
  const input = h("input", labelled(place, {
    type: "text", list: list.id, spellcheck: "false",
    placeholder: node.format === "directory-path" ? "a folder" : "a path, from the notebook's folder",
  }));
  input.value = place.start ?? "";
  let last = null;
  input.addEventListener("input", async () => {
    const asked = input.value.replace(/[^/\\]*$/, "");
    if (!place.paths || asked === last) return;
    last = asked;
    const found = await place.paths(asked).catch(() => []);
    if (asked === last) list.replaceChildren(...found.map((value) => h("option", { value })));
  });
  return makeField(h("div", { class: "dn-one" }, input, list), place, () => input.value || undefined);
}

function numberField(node, place) {
  const isWhole = node.type === "integer";
  const { exclusiveMinimum: over, exclusiveMaximum: under } = node;
  const input = h("input", labelled(place, {
    type: "number",
    step: node.multipleOf ?? (isWhole ? 1 : "any"),
    min: node.minimum ?? (isWhole && over !== undefined ? over + 1 : over),
    max: node.maximum ?? (isWhole && under !== undefined ? under - 1 : under),
  }));
  input.value = place.start ?? "";
  return makeField(input, place, (wrongs, path) => {
    if (input.validity.badInput) wrongs[path] = "this is no number";
    if (input.value === "") return undefined;
    const number = Number(input.value);
    // As text where a number of JavaScript would be another one.
    return isWhole && Number.isInteger(number) && !Number.isSafeInteger(number) ? input.value : number;
  });
}

function dateField(node, place) {
  const type = { date: "date", time: "time", "date-time": "datetime-local" }[node.format];
  const input = h("input", labelled(place, { type, step: type === "date" ? undefined : 1 }));
  const start = /^(.*?\d)(Z|[+-]\d\d:?\d\d)?$/.exec(place.start ?? "") ?? ["", "", ""];
  input.value = type === "date" ? place.start ?? "" : start[1].slice(0, type === "time" ? 8 : 19);
  const read = (zone) => (wrongs, path) => {
    if (input.validity.badInput) wrongs[path] = "this is not complete";
    return input.value === "" ? undefined : input.value + zone();
  };
  if (type !== "datetime-local" || node.zone === "naive")
    return makeField(input, place, read(() => ""));
  const here = zoneHere();
  const zones = [...(node.zone === "aware" ? [] : [["", "no time zone"]]), [here, `${here}, as here`], ["Z", "UTC"]];
  if (start[2] && !zones.some(([zone]) => zone === start[2])) zones.push([start[2], start[2]]);
  const zone = h("select", { "aria-label": "Time zone" },
    zones.map(([value, word]) => h("option", { value, selected: value === start[2] }, word)));
  return makeField(h("div", { class: "dn-one" }, input, zone), place, read(() => zone.value));
}

function zoneHere() {
  const minutes = -new Date().getTimezoneOffset(), size = Math.abs(minutes);
  const part = (value) => String(Math.floor(value)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${part(size / 60)}:${part(size % 60)}`;
}

function choiceField(choices, place) {
  const word = (choice) => clipped(typeof choice === "string" ? choice : JSON.stringify(choice), 80);
  const start = choices.findIndex((choice) => choice === place.start);
  const none = place.isRequired ? "choose one" : "not set";
  const select = h("select", labelled(place),
    start < 0 ? h("option", { value: "" }, none) : null,
    choices.slice(0, MOST_CHOICES).map((choice, n) =>
      h("option", { value: n, selected: n === start }, word(choice))));
  return makeField(select, place, () => select.value === "" ? undefined : choices[select.value]);
}

const clipped = (text, most) => text.length > most ? `${text.slice(0, most - 1)}…` : text;

/** The one value that it can have: shown, and always sent. */
function fixedField(value, place) {
  const element = h("span", { id: place.id, class: "dn-fixed" }, clipped(typeof value === "string" ? value : JSON.stringify(value), 80));
  return makeField(element, { ...place, isAlways: true }, () => value);
}

function boolField(node, place) {
  if (typeof place.start === "boolean") {
    const tick = h("input", labelled(place, { type: "checkbox" }));
    tick.checked = place.start;
    return makeField(tick, place, () => tick.checked);
  }
  // Nobody says no by overlooking a box.
  const group = freshId();
  const words = [["true", "yes"], ["false", "no"], ...(place.isRequired ? [] : [["", "not set"]])];
  const radios = words.map(([value, word]) => {
    const radio = h("input", { type: "radio", name: group, value, checked: value === "" });
    return [radio, h("label", { class: "dn-radio" }, radio, word)];
  });
  const element = h("div", { class: "dn-one", role: "radiogroup", ...labelled(place, { autocomplete: undefined }) },
    radios.map(([, label]) => label));
  return makeField(element, place, () => {
    const chosen = radios.find(([radio]) => radio.checked)?.[0].value;
    return chosen ? chosen === "true" : undefined;
  });
}

/** Anything, as JSON: what no other field can show. */
function jsonField(node, place) {
  const input = h("textarea", labelled(place, { rows: 3, class: "dn-json", spellcheck: "false", placeholder: "JSON" }));
  input.value = place.start === undefined || place.start === null ? "" : JSON.stringify(place.start, null, 2);
  return makeField(input, place, (wrongs, path) => {
    if (!input.value.trim()) return undefined;
    try {
      return JSON.parse(input.value);
    } catch {
      wrongs[path] = 'this is no JSON; a text is written in quotes: "..."';
      return undefined;
    }
  });
}
