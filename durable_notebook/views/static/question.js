// A question of a run with the form that answers it: in a panel, in the inbox and on the
// page of a server alike.

const LONGEST_SHOWN = 4000;

/** What was asked: its text, and what else the event says. */
function askedOf(question) {
  const fields = Object.entries(question.asked?.fields ?? {}).filter(([, value]) => value !== null && value !== "");
  const texts = fields.filter(([, value]) => typeof value === "string");
  const main = texts.find(([name]) => /^(question|prompt|prefix|message|text|title)$/i.test(name)) ?? texts[0];
  const rest = fields.filter((field) => field !== main);
  const text = (value) => {
    const whole = typeof value === "string" ? value : JSON.stringify(value, null, 1);
    return whole.length > LONGEST_SHOWN ? `${whole.slice(0, LONGEST_SHOWN)} … ${whole.length - LONGEST_SHOWN} more characters` : whole;
  };
  return { text: main ? text(main[1]) : "This run waits for an answer.", facts: rest.slice(0, 30).map(([name, value]) => [clipped(name, 80), text(value)]) };
}

/** The question in full. */
function askedElement(question) {
  const { text, facts } = askedOf(question);
  return h("div", { class: "dn-asked" },
    h("div", { class: text.length > 160 ? "dn-question-text dn-long" : "dn-question-text" }, text),
    facts.length ? h("div", { class: "dn-facts" }, facts.flatMap(([name, value]) => [h("span", {}, name), h("span", {}, value)])) : null,
    needed(question));
}

/** What an answer must say, whoever gives it. */
function needed({ requirements = {} }) {
  const facts = Object.entries(requirements).slice(0, 30).map(([name, value]) => `${clipped(name, 80)} = ${clipped(JSON.stringify(value), 200)}`);
  return facts.length
    ? h("div", { class: "dn-requirement" }, "Only an answer with ", h("b", {}, facts.join(", ")), " counts; it is sent along.") : null;
}

/** How long there is left, in words. */
function leftOf(due, now = Date.now()) {
  const seconds = Math.ceil((due - now) / 1000);
  if (seconds <= 0) return "";
  const [d, hours, m, s] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  if (d) return `${d} d ${hours} h left`;
  if (hours) return `${hours} h ${m} min left`;
  return m ? `${m} min ${String(s).padStart(2, "0")} s left` : `${s} s left`;
}

/** A clock that counts down to a time; `over` is called when it has come. */
function countdown(due, over) {
  if (!due) return null;
  const until = Date.parse(due);
  const element = h("span", { class: "dn-left", title: `until ${new Date(until).toLocaleString()}`, role: "timer" });
  let wasShown = false;
  const tick = () => {
    wasShown ||= element.isConnected;
    if (wasShown && !element.isConnected) return; // nobody looks any more
    const left = leftOf(until);
    element.textContent = left || "The time for an answer is over.";
    element.classList.toggle("dn-soon", until - Date.now() < 60_000);
    if (left) setTimeout(tick, 1000 - ((Date.now() - until) % 1000 + 1000) % 1000 || 1000);
    else over();
  };
  tick();
  return element;
}

/** The forms of a question: one, or one for each class that answers it. */
function questionForm(question, { send, check, paths, word = "Send answer" }) {
  const kinds = question.forms?.length ? question.forms : [{ name: question.answer, schema: null }];
  const without = Object.keys(question.requirements ?? {});
  const body = h("div");
  let form = null, isOver = false;
  function draw(kind) {
    form = makeForm(kind.schema, {
      word, without, paths,
      send: (values) => send(values, kind.name),
      check: check && ((values) => check(values, kind.name)),
    });
    if (isOver) form.off("");
    body.replaceChildren(form.element);
  }
  draw(kinds[0]);
  const choice = kinds.length < 2 ? null : h("label", { class: "dn-field" }, h("span", { class: "dn-label" }, "Answer with"),
    h("select", { onchange(event) { draw(kinds[event.target.value]); } }, kinds.map(({ name }, n) => h("option", { value: n }, clipped(name, 80)))));
  const clock = countdown(question.due, () => { isOver = true; form?.off(""); });
  return h("div", { class: "dn-question" }, clock, choice, body);
}
