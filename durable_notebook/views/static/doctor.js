// The report of the doctor: causes, and what cures each, to press or to copy.

class Doctor {
  constructor(model, el) {
    this.model = model;
    this.body = h("div", { class: "dn-doctor" });
    this.said = new Map();
    el.append(this.body);
    this.changed = () => this.draw();
    this.heard = (message) => this.hear(message);
    model.on("change:report", this.changed);
    model.on("msg:custom", this.heard);
    model.send({ kind: "ready" });
    this.draw();
  }

  leave() {
    this.model.off("change:report", this.changed);
    this.model.off("msg:custom", this.heard);
    this.model.send({ kind: "away" });
  }

  hear(message) {
    if (message.kind === "said") this.said.set(message.run, message);
    this.isBusy = false;
    this.draw();
    if (message.is_shown) reveal(this.body);
  }

  ask(message) {
    this.isBusy = true;
    this.said.clear();
    this.model.send(message);
    this.draw();
  }

  draw() {
    const { groups, note, has_buttons } = this.model.get("report");
    const held = this.body.contains(document.activeElement) ? document.activeElement.textContent : null;
    this.hasButtons = has_buttons;
    this.body.replaceChildren(
      ...groups.filter((g) => g.findings.length).map((group) => this.group(group)),
      note ? h("p", { class: "dn-quiet" }, note) : "",
    );
    if (held) [...this.body.querySelectorAll("button")].find((b) => b.textContent === held)?.focus();
  }

  group(group) {
    const said = this.said.get(group.run);
    const head = group.run === undefined ? null
      : h("p", { class: "dn-doctor-run" }, h("b", {}, group.name), ` ${group.workflow} `, badge(group.state));
    return h("section", {}, head, group.findings.map((found) => this.finding(group.run, found)),
      said ? h("p", { class: said.is_error ? "dn-doctor-refused" : "dn-doctor-done", role: "status" }, said.text) : null);
  }

  finding(run, found) {
    return h("div", { class: "dn-doctor-finding" },
      h("p", {}, h("b", {}, found.title)),
      h("p", {}, found.says, found.when ? h("span", { class: "dn-quiet" }, ` ${found.when}`) : null),
      found.evidence.length ? h("ul", {}, found.evidence.map((line) => h("li", {}, line))) : null,
      found.cures.map((cure, n) => this.cure(run, cure, n === 0)));
  }

  cure(run, cure, isFirst) {
    const line = h("code", { class: "dn-code", tabindex: "0" }, cure.line);
    const copy = h("button", {
      "aria-label": `Copy ${cure.line}`,
      onclick: async () => { copy.textContent = (await copied(line)) ? "Copied" : "Selected: copy with Ctrl-C or ⌘C"; },
    }, "Copy");
    return h("p", { class: "dn-doctor-cure" },
      this.hasButtons && cure.verb ? h("button", {
        class: isFirst ? "dn-primary" : null, disabled: this.isBusy, onclick: () => this.ask({ kind: "do", verb: cure.verb, run }),
      }, cure.label) : null, line, copy);
  }
}

export default {
  render({ model, el }) {
    const end = standIn(model, el);
    const doctor = new Doctor(model, el);
    return () => { doctor.leave(); end(); };
  },
};
