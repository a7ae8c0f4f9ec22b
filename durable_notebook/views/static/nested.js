// The fields of a form that have others in them: objects, lists, mappings, unions.

const DEEPEST = 12;
const MOST_FIELDS = 200;
const MOST_ROWS = 500;

/** The field for a node of a schema. */
function fieldFor(given, place) {
  const node = resolved(given, place.root);
  const inside = { ...place, depth: (place.depth ?? 0) + 1 };
  if (inside.depth > DEEPEST) return jsonField(node, place);
  if (node.const !== undefined) return fixedField(node.const, place);
  if (node.enum) return choiceField(node.enum, place);
  const kinds = (node.anyOf ?? node.oneOf ?? []).map((kind) => resolved(kind, place.root));
  if (kinds.length) return unionField(node, kinds, inside);
  switch (node.type) {
    case "boolean": return boolField(node, place);
    case "integer": case "number": return numberField(node, place);
    case "string": return stringField(node, place);
    case "array": return node.prefixItems ? tupleField(node, inside) : listField(node, inside);
    case "object": return objectOrMapping(node, inside);
    default: return jsonField(node, place);
  }
}

function stringField(node, place) {
  switch (node.format) {
    case "password": return secretField(node, place);
    case "date": case "time": case "date-time": return dateField(node, place);
    case "path": case "file-path": case "directory-path": return pathField(node, place);
    default: return textField(node, { ...place, isNoText: node.minLength > 0 || Boolean(node.format && node.format !== "textarea") });
  }
}

function objectOrMapping(node, place) {
  const names = Object.keys(node.properties ?? {});
  if (names.length > MOST_FIELDS) return jsonField(node, place);
  if (names.length) return objectField(node, place);
  return node.additionalProperties && typeof node.additionalProperties === "object"
    ? mappingField(node, place) : jsonField(node, place);
}

const humanised = (name) => {
  const words = name.replaceAll("_", " ").trim();
  return words ? words[0].toUpperCase() + words.slice(1) : name;
};
// What pydantic makes of a name where nobody has given a title.
const isOwnTitle = (title, name) =>
  title && title.toLowerCase().replaceAll(" ", "") !== name.toLowerCase().replaceAll("_", "");

/** A field with its label, its help, and a place for what is wrong. */
function row(name, given, place) {
  const node = resolved(given, place.root);
  const labelId = freshId(), id = freshId();
  const start = place.start !== undefined ? place.start : node.default;
  const field = fieldFor(given, { ...place, name, id, labelId, start });
  const title = isOwnTitle(given.title ?? (given.$ref ? "" : node.title), name) ? given.title ?? node.title : humanised(name);
  const isTick = field.element.matches("input[type=checkbox]");
  const label = h(field.element.matches("input, select, textarea") ? "label" : "span", {
    class: "dn-label", id: labelId, for: id, title: name,
  }, clipped(title, 120), place.isRequired ? h("span", { class: "dn-needed", "aria-hidden": "true" }, "required") : null);
  const help = node.description
    ? h("span", { class: "dn-help", id: freshId() }, clipped(node.description, 600)) : null;
  for (const input of inputsOf(field.element))
    input.setAttribute("aria-describedby", [help?.id, field.wrong.id].filter(Boolean).join(" "));
  const parts = isTick ? [h("div", { class: "dn-one" }, field.element, label)] : [label, field.element];
  return { field, element: h("div", { class: "dn-field", "data-name": name }, parts, help, field.wrong) };
}

function objectField(node, place, without = []) {
  const required = new Set(node.required ?? []);
  const start = place.start && typeof place.start === "object" ? place.start : {};
  const rows = new Map();
  for (const [name, inner] of Object.entries(node.properties)) {
    if (without.includes(name)) continue;
    const isWhole = Object.hasOwn(start, name);
    rows.set(name, row(name, inner, {
      ...place, isRequired: required.has(name), start: isWhole ? start[name] : undefined, isWhole, isAlways: false,
    }));
  }
  const element = h("div", { class: "dn-object", role: "group", "aria-labelledby": place.labelId },
    [...rows.values()].map((each) => each.element));
  const read = (wrongs, path) => {
    const found = {};
    for (const [name, { field }] of rows) {
      const value = field.get(wrongs, path ? `${path}.${name}` : name);
      if (value !== undefined) found[name] = value;
    }
    return found;
  };
  const inner = (part) => rows.get(part)?.field;
  return { ...makeField(element, { ...place, isAlways: place.isRequired }, read, inner), isEmpty: !rows.size };
}

/** Rows that are added, removed and put into another order. */
function rowsField(place, { make, read, word, least = 0, most = MOST_ROWS, isOrdered = true, inner }) {
  const rows = [];
  const list = h("div", { class: "dn-rows" });
  const add = h("button", { type: "button", class: "dn-add", onclick: () => { append().focus(); touch(element); } }, `Add ${word}`);
  const element = h("div", { class: "dn-list", role: "group", "aria-labelledby": place.labelId }, list, add);
  const tool = (sign, label, act) =>
    h("button", { type: "button", class: "dn-tool", "aria-label": label, title: label, onclick: act }, sign);
  function append(start, isWhole = false) {
    const made = make(start, isWhole);
    const move = (by) => {
      const from = rows.indexOf(made), to = from + by;
      if (to < 0 || to >= rows.length) return;
      rows.splice(to, 0, ...rows.splice(from, 1));
      draw();
      made.element.querySelector(by < 0 ? "[data-move=up]" : "[data-move=down]")?.focus();
      touch(element);
    };
    const remove = () => { rows.splice(rows.indexOf(made), 1); draw(); add.focus(); touch(element); };
    const up = tool("↑", "Move up", () => move(-1)), down = tool("↓", "Move down", () => move(1));
    up.dataset.move = "up"; down.dataset.move = "down";
    made.focus = () => made.element.querySelector("input, select, textarea")?.focus();
    made.element.append(h("div", { class: "dn-tools" }, isOrdered ? [up, down] : [], tool("×", "Remove", remove)));
    rows.push(made);
    draw();
    return made;
  }
  function draw() {
    list.replaceChildren(...rows.map((each) => each.element));
    rows.forEach((each, n) => {
      const [up, down] = each.element.querySelectorAll(":scope > .dn-tools > [data-move]");
      if (up) { up.disabled = n === 0; down.disabled = n === rows.length - 1; }
    });
    add.disabled = rows.length >= most;
  }
  draw();
  return { rows, append, least, field: makeField(element, { ...place, isAlways: place.isRequired }, read(rows), inner(rows)) };
}

function listField(node, place) {
  const made = rowsField(place, {
    word: node.items ? wordOf(resolved(node.items, place.root)) : "row",
    most: node.maxItems ?? MOST_ROWS,
    make(start, isWhole) {
      const field = fieldFor(node.items ?? {}, {
        ...place, id: freshId(), isRequired: true, isWhole, isAlways: false, start,
      });
      return { field, element: h("div", { class: "dn-row" }, h("div", { class: "dn-row-body" }, field.element, field.wrong)) };
    },
    // An untouched row is a row.
    read: (rows) => (wrongs, path) => rows.map(({ field }, n) => field.get(wrongs, `${path}[${n}]`) ?? null),
    inner: (rows) => (part) => rows[part]?.field,
  });
  if (Array.isArray(place.start)) place.start.slice(0, MOST_ROWS).forEach((start) => made.append(start, true));
  else if (place.isRequired) for (let n = 0; n < Math.min(node.minItems ?? 0, 20); n++) made.append();
  return made.field;
}

/** What a row of a list is called. */
function wordOf(node) {
  const name = node.title ?? node.kindName;
  return node.type === "object" && name ? clipped(name, 60).toLowerCase() : "row";
}

function tupleField(node, place) {
  const start = Array.isArray(place.start) ? place.start : [];
  const parts = node.prefixItems.map((inner, n) => row(String(n + 1), inner, {
    ...place, isRequired: true, isAlways: false, isWhole: n < start.length, start: start[n],
  }));
  const element = h("div", { class: "dn-object", role: "group", "aria-labelledby": place.labelId },
    parts.map((each) => each.element));
  const read = (wrongs, path) => parts.map(({ field }, n) => field.get(wrongs, `${path}[${n}]`) ?? null);
  return makeField(element, { ...place, isAlways: place.isRequired }, read, (part) => parts[part]?.field);
}

function mappingField(node, place) {
  const keys = node.propertyNames?.enum;
  const made = rowsField(place, {
    word: "entry",
    isOrdered: false,
    make(start, isWhole) {
      const key = keys
        ? h("select", { "aria-label": "Key" }, keys.slice(0, MOST_CHOICES).map((each) => h("option", { value: each }, clipped(each, 80))))
        : h("input", { type: "text", "aria-label": "Key", placeholder: "key" });
      if (start) key.value = start[0];
      const field = fieldFor(node.additionalProperties, {
        ...place, id: freshId(), isRequired: true, isWhole, isAlways: false, start: start?.[1],
      });
      const body = h("div", { class: "dn-row-body dn-pair" }, key, h("div", {}, field.element, field.wrong));
      return { key, field, element: h("div", { class: "dn-row" }, body) };
    },
    read: (rows) => (wrongs, path) => {
      const found = {};
      for (const { key, field } of rows) {
        const where = `${path}.${key.value}`;
        if (Object.hasOwn(found, key.value)) wrongs[where] = "this key is there twice";
        const value = field.get(wrongs, where) ?? null;
        // Not by assignment: a key may be called __proto__.
        Object.defineProperty(found, key.value, { value, enumerable: true, configurable: true, writable: true });
      }
      return found;
    },
    inner: (rows) => (part) => rows.find(({ key }) => key.value === part)?.field,
  });
  if (place.start && typeof place.start === "object")
    Object.entries(place.start).slice(0, MOST_ROWS).forEach((start) => made.append(start, true));
  return made.field;
}

/** One of several kinds, or none. */
function unionField(node, kinds, place) {
  const values = kinds.filter((kind) => kind.type !== "null");
  const isNullable = values.length < kinds.length;
  // Of plain choices the words are enough: Literal["a"] | Literal["b"] | None.
  if (values.length && values.every((kind) => kind.enum || kind.const !== undefined)) {
    const all = values.flatMap((kind) => kind.enum ?? [kind.const]);
    return nullable(isNullable, place, (inside) => choiceField(all, inside));
  }
  if (values.length === 1) {
    const [only] = values;
    const isPart = only.type === "object" && Object.keys(only.properties ?? {}).length > 0;
    return isPart && isNullable ? optionalPart(only, place)
      : nullable(isNullable, place, (inside) => fieldFor({ ...only, title: undefined }, inside));
  }
  return severalField(values, isNullable, place);
}

/** A field that can be none: none by itself where that is what it starts as. */
function nullable(isNullable, place, make) {
  const isNoneAtFirst = place.start === null || (place.start === undefined && !place.isRequired);
  const inside = { ...place, start: place.start ?? undefined };
  if (!isNullable || (place.start === null && !place.isRequired && !place.isWhole)) return make(inside);
  const field = make({ ...inside, isRequired: false });
  const none = h("input", { type: "checkbox", onchange: draw });
  none.checked = isNoneAtFirst && place.isWhole;
  function draw() {
    field.element.classList.toggle("dn-off", none.checked);
    field.element.inert = none.checked;
  }
  draw();
  const element = h("div", { class: "dn-one dn-nullable" }, field.element, h("label", { class: "dn-radio" }, none, "none"));
  const read = (wrongs, path) => none.checked ? null : field.get(wrongs, path);
  const made = makeField(element, place, read, field.inner);
  return { ...made, wrong: made.wrong };
}

/** An object that is not there until somebody adds it. */
function optionalPart(node, place) {
  return severalField([node], true, place);
}

/** One of several kinds of values: which one is chosen first. */
function severalField(values, isNullable, place) {
  const isAbsent = !place.isRequired || isNullable;
  const words = values.map((kind) => kindWord(kind));
  const none = place.isRequired || (place.start !== undefined && place.start !== null) ? "none" : "not set";
  const options = [...(isAbsent ? [[-1, none]] : []), ...words.map((word, n) => [n, word])];
  const hasStart = place.start !== undefined && place.start !== null;
  let chosen = hasStart ? Math.max(0, values.findIndex((kind) => fits(place.start, kind))) : isAbsent ? -1 : 0;
  const select = h("select", labelled(place),
    options.map(([value, word]) => h("option", { value, selected: value === chosen }, word)));
  const body = h("div", { class: "dn-kind" });
  const element = h("div", { class: "dn-several" }, select, body);
  let field = null;
  function draw(start, isWhole) {
    field = chosen < 0 ? null : fieldFor({ ...values[chosen], title: undefined }, {
      ...place, id: freshId(), isRequired: true, isWhole, isAlways: false, start,
    });
    body.replaceChildren(...(field ? [field.element, field.wrong] : []));
  }
  draw(hasStart ? place.start : undefined, hasStart && place.isWhole);
  select.addEventListener("change", () => { chosen = Number(select.value); draw(); touch(element); });
  const read = (wrongs, path) => {
    if (field) return field.get(wrongs, path);
    return isNullable ? null : undefined;
  };
  return makeField(element, { ...place, isAlways: place.isRequired }, read, (part) => field?.inner(part) ?? null);
}

const kindWord = (kind) => clipped(kind.title || kind.kindName || { string: "text", integer: "whole number", array: "list" }[kind.type] || kind.type || "JSON", 60);

function fits(value, kind) {
  const type = Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value;
  if (kind.type !== type && !(kind.type === "number" && type === "integer")) return false;
  const fixed = Object.entries(kind.properties ?? {}).filter(([, node]) => node.const !== undefined);
  return fixed.every(([name, node]) => value[name] === node.const);
}
