"""Live views in Chromium, given what nobody should have named anything.

Their scripts run in a bare page, on a model that says what the kernel would: all of it
shows as text that does nothing, and neither a message nor a page grows with the values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from jupyter_client.session import json_packer
from playwright.sync_api import Page, Route, expect

from durable_notebook._model import EventView, Json, Prompt, RunStatus
from durable_notebook.doctor._finding import Cause, Examined, Finding
from durable_notebook.errors import UnknownRunError
from durable_notebook.notebook._doctor_view import Diagnosis, DoctorView, report_of
from durable_notebook.notebook._form import FormView
from durable_notebook.notebook._graph_view import GraphView
from durable_notebook.notebook._inbox import InboxView
from durable_notebook.notebook._runs_view import RunsView, listed
from durable_notebook.notebook._timeline_view import TimelineView
from durable_notebook.notebook._view import View
from durable_notebook.server import _run_documents
from durable_notebook.server._page import text_and_policy
from durable_notebook.views import assets, graph, live, questions, states, words
from tests.browser.lab import Lab, LabPage
from tests.hostile import acts
from tests.views.test_hostile import (
    BAD,
    LINES,
    VIEWS,
    graph_of,
    inbox_of,
    prompt_of,
    row_of,
    rows_of,
    run_of,
)
from tests.views.test_views import HOSTILE

# A kernel takes its time on two busy cores.
expect.set_options(timeout=40_000)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

# All of it in one, and each thing where it would be at the beginning.
WORST = [
    "\u202egnp\x1b[31m\x9b31m\x00\ud800\u2066" + "".join(HOSTILE[::-1]),
    *HOSTILE[:2],
    LINES,
    *BAD[-2:],
]

# What is in one message or state, and what one view has in the page.
MOST_SENT, MOST_TEXT, MOST_ELEMENTS, MOST_ATTRIBUTE = 300_000, 150_000, 4_000, 2_500

PAGE = """<!doctype html><meta charset="utf-8"><body><div id="view"></div>"""
GUARD = """
window.executed = [];
window.alert = (said) => window.executed.push(said);
"""
# A model of anywidget: what is sent to it is answered as the kernel would.
SHOW = """async ({script, style, state, messages, replies}) => {
  const sheet = document.createElement("style");
  sheet.textContent = style;
  document.head.append(sheet);
  const heard = new Map(), sent = [];
  const fire = (name, given) => (heard.get(name) ?? []).forEach((hear) => hear(given));
  const model = {
    get: (key) => state[key], set: () => {}, save_changes: () => {},
    on: (name, hear) => heard.set(name, [...(heard.get(name) ?? []), hear]),
    off: () => {},
    send: (message) => {
      sent.push(message);
      const reply = replies[message.kind ?? message.do];
      const {number, row} = message;
      const told = () => fire("msg:custom", {...reply, number, row});
      if (reply) setTimeout(told);
    },
  };
  const url = URL.createObjectURL(new Blob([script], {type: "text/javascript"}));
  const el = document.querySelector("#view");
  (await import(url)).default.render({model, el});
  for (const message of messages) fire("msg:custom", message);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  window.sent = sent;
}"""
FOUND = """(at) => {
  const elements = [...at.querySelectorAll("*")];
  const attributes = elements.flatMap(
    (e) => [...e.attributes].map(({name, value}) => [e.localName, name, value]));
  const isShown = (e) => !["style", "script"].includes(e.localName);
  const texts = document.createTreeWalker(at, NodeFilter.SHOW_TEXT);
  let text = "";
  while (texts.nextNode()) {
    const {data, parentElement} = texts.currentNode;
    if (isShown(parentElement)) text += data;
  }
  return {
    executed: window.executed, text, attributes, count: elements.length,
    tags: [...new Set(elements.map((e) => e.localName))],
  };
}"""
TAGS = """
b button circle code datalist dd details div dl dt form g h2 h4 header i input label li
line main ol option p path polygon pre rect section select span style summary svg text
textarea title ul
"""
SAID = {"title", "aria-label", "placeholder"}


@dataclass
class Shown:
    """What a view is given, what a person presses in it, and what is seen then."""

    kind: type[View]
    seen: str
    state: dict[str, Json] = field(default_factory=dict)
    messages: list[Json] = field(default_factory=list)
    replies: dict[str, Json] = field(default_factory=dict)
    press: str | None = None

    def sent(self) -> list[Json]:
        return [*self.state.values(), *self.messages, *self.replies.values()]


def _timeline(bad: str) -> Shown:
    run, rows = run_of(bad), rows_of(bad)
    told = {
        "kind": "rows",
        "total": len(rows),
        "at": list(range(len(rows))),
        "rows": [live.row(row, 1, {}) for row in rows],
        "run": live.run(run),
        "axis": live.scale(rows),
        "now": rows[-1].started.timestamp() * 1000,  # type: ignore[union-attr]
    }
    details = {"kind": "details"} | live.details(rows[0], 1, bad)
    state = {"labels": states.LABELS, "meanings": states.MEANINGS}
    return Shown(
        TimelineView,
        ".dn-tl-card .dn-tl-source",
        state,
        [told],
        {"details": details},
        press=".dn-tl-row >> nth=0",
    )


def _timeline_left(bad: str) -> Shown:
    """Its kernel has ended: nothing more is asked of it."""
    shown = _timeline(bad)
    stopped = {"kind": "stopped", "why": words.sentence(str(UnknownRunError(bad)))}
    messages = [*shown.messages, stopped]
    return replace(shown, messages=messages, seen=".dn-tl-card:has-text('No more')")


def _graph(bad: str) -> Shown:
    found, run = graph_of(bad), run_of(bad)
    done = graph.doings(run, [row_of(bad)])
    told = {
        "kind": "graph",
        "run": live.run(run),
        "picture": graph.picture(found, done),
    }
    return Shown(GraphView, ".dn-graph-place svg", messages=[told])


def _graph_in_words(bad: str) -> Shown:
    found, run = graph_of(bad), run_of(bad)
    done = graph.doings(run, [row_of(bad)])
    told = {"kind": "graph", "run": live.run(run), "text": graph.text(found, run, done)}
    return Shown(GraphView, ".dn-graph-place pre", messages=[told])


def _runs(bad: str) -> Shown:
    run = run_of(bad)
    rows = [listed(each, "me") for each in (run, replace(run, run_id=bad + "2"))]
    told = {"kind": "rows", "rows": rows, "gone": [], "now": 0}
    whole = {"is_first": True, "is_whole": True}
    refused = {"kind": "said", "text": words.sentence(str(UnknownRunError(bad)))}
    said = [refused | {"id": row["id"], "is_error": True} for row in rows]
    trouble = {"kind": "trouble", "text": words.sentence(str(UnknownRunError(bad)))}
    messages = [told | whole, *said, trouble]
    # A run of which something is refused opens by itself.
    return Shown(RunsView, ".dn-runs-detail .dn-runs-refused", messages=messages)


def _doctor(bad: str) -> Shown:
    commands = (("durable-notebook", "resume", bad), ("pip", "install", bad))
    found = Finding(Cause.OWNED_ELSEWHERE, bad, bad, commands, evidence=(bad,) * 3)
    runs = [Examined(run_of(bad), [found, found])] * 20
    durable = cast(Any, SimpleNamespace(is_open=True))
    report = report_of(Diagnosis(durable, bad, [found], runs))
    told = {"kind": "said", "run": report["groups"][1]["run"], "is_error": True}
    return Shown(
        DoctorView,
        ".dn-doctor-refused",
        {"report": report},
        [told | {"text": words.sentence(str(UnknownRunError(bad)))}],
    )


def _forms(prompt: Prompt) -> list[Json]:
    names = [name.rpartition(".")[2] for name in prompt.expects]
    return [
        {"name": name, "schema": schema}
        for name, schema in zip(names, prompt.schemas, strict=True)
    ]


def _drawn(bad: str, prompt: Prompt) -> Json:
    forms = _forms(prompt)
    return questions.form_of(prompt, forms, key="k", about=f"{bad} · asked")


def _wide(bad: str) -> Prompt:
    """A question whose answer has a field of every kind."""
    bad = bad[:50_000]
    kinds: list[Json] = [
        {"type": "string", "default": bad},
        {"type": "string", "format": "password"},
        {"type": "string", "format": "file-path", "default": bad},
        {"type": "string", "format": "date-time", "default": bad},
        {"type": "integer", "default": bad},
        {"type": "boolean"},
        {"enum": [bad, bad + "2"]},
        {"const": bad},
        {"type": "array", "items": {"type": "object", "title": bad}, "default": [bad]},
        {"type": "array", "prefixItems": [{"type": "string", "description": bad}]},
        {"anyOf": [{"type": "object", "title": bad}, {"type": "null"}]},
        {"anyOf": [{"$ref": f"#/$defs/{bad}"}, {"type": "string"}]},
        {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "default": {bad: bad},
        },
        {
            "type": "object",
            "propertyNames": {"enum": [bad]},
            "additionalProperties": {"type": "string"},
            "default": {bad: bad},
        },
        {"default": {bad: bad}},
    ]
    fields = {
        f"{bad}{n}": kind | {"title": bad, "description": bad}
        for n, kind in enumerate(kinds)
    }
    schema = {"properties": fields, "required": list(fields)[:3], "$defs": {bad: {}}}
    given = replace(prompt_of(bad), requirements={}, due=None)
    return replace(given, expects=(bad, bad), schemas=(schema, schema))


def _form(bad: str) -> Shown:
    state = {"question": _drawn(bad, prompt_of(bad))}
    refused = {
        "message": words.sentence(str(UnknownRunError(bad))),
        "problems": questions.problems({bad: bad, "": bad, f"{bad}0": bad}),
    }
    seen, press = "[role=alert]:not(:empty)", ".dn-primary"
    return Shown(FormView, seen, state, replies={"answer": refused}, press=press)


def _form_of_all(bad: str) -> Shown:
    shown = _form(bad)
    return replace(shown, state={"question": _drawn(bad, _wide(bad))})


def _inbox(bad: str) -> Shown:
    rows = [questions.row(each) for each in inbox_of(bad)]
    replies = {"form": {"form": _drawn(bad, _wide(bad))}}
    seen, press = ".dn-inbox-body .dn-form", "summary >> nth=0"
    return Shown(InboxView, seen, {"rows": rows}, replies=replies, press=press)


LIVE: dict[str, Callable[[str], Shown]] = {
    "timeline": _timeline,
    "timeline that was left": _timeline_left,
    "graph": _graph,
    "graph in words": _graph_in_words,
    "runs": _runs,
    "doctor": _doctor,
    "form": _form,
    "form with a field of every kind": _form_of_all,
    "inbox": _inbox,
}


@pytest.fixture(scope="module")
def faults() -> list[str]:
    """What scripts of the page did not expect."""
    return []


@pytest.fixture(scope="module")
def page(browser: LabPage, faults: list[str]) -> Iterator[Page]:
    assert browser.page.context.browser is not None
    made = browser.page.context.browser.new_page()
    made.add_init_script(GUARD)
    made.set_default_timeout(20_000)
    made.on("pageerror", lambda e: faults.append(str(e)))
    made.route(
        "http://hostile.test/",
        lambda route: route.fulfill(body=PAGE, content_type="text/html"),
    )
    yield made
    made.close()


def check(page: Page, *own: str) -> None:
    """Nothing of the values acts, and there is not too much of them."""
    found = page.locator("body").evaluate(FOUND)
    assert found["executed"] == []
    assert set(found["tags"]) <= {*TAGS.split(), *own}
    for tag, name, value in found["attributes"]:
        assert not name.startswith("on")
        assert name not in (
            "href",
            "src",
            "xlink:href",
            "action",
            "formaction",
            "srcdoc",
        )
        if name == "style":
            assert "url(" not in value
        if name in SAID:
            assert not acts(value), (tag, name)
            assert len(value) < MOST_ATTRIBUTE, (tag, name)
    assert not {c for c in acts(found["text"]) if c != "\t"}
    # The end of a line is one, however it was written.
    assert "\\x0d" not in found["text"]
    assert len(found["text"]) < MOST_TEXT
    assert found["count"] < MOST_ELEMENTS


@pytest.mark.parametrize("view", LIVE)
def test_a_live_view_shows_it_as_text_and_is_bounded(
    page: Page, faults: list[str], view: str
) -> None:
    for bad in WORST:
        shown = LIVE[view](bad)
        for each in shown.sent():
            # As a kernel sends it, and what it weighs.
            assert len(json_packer(each)) < MOST_SENT, ascii(bad[:20])
        page.goto("http://hostile.test/")

        names = ("dom.js", *shown.kind.scripts)
        given = {"script": assets.joined(*names), "state": {"twin": "t"} | shown.state}
        given["style"] = assets.joined("theme.css", *shown.kind.styles)
        more = {"messages": shown.messages, "replies": shown.replies}
        page.evaluate(SHOW, given | more)
        if shown.press is not None:
            page.locator(shown.press).click()
        page.locator(shown.seen).first.wait_for()

        check(page)
        assert faults == []
        assert page.locator("#view").inner_text()


def _served(bad: str) -> dict[str, Json]:
    """What a server says to its page, by the beginning of a path."""
    prompt = _wide(bad)
    # No database has half of a pair in a name.
    name = bad.replace("\ud800", "")
    many = dict.fromkeys(map(str, range(9_999)), bad[:9])
    fields = {"question": bad, bad: {bad: bad}} | many
    waits = replace(
        run_of(bad),
        status=RunStatus.WAITING,
        progress=(3, 10, bad),
        prompts=(replace(prompt, asked=EventView(bad, fields)),) * 30,
    )
    run = _run_documents.listed(name, bad, waits, lambda _: _forms(prompt))
    event = {"type": bad, "types": [bad], "value": fields}
    return {
        "runs/": {"detail": bad, "problems": {bad: bad}},
        "runs": {"runs": [run], "is_all": True},
        "workflows/": {"start": prompt_of(bad).schemas[0]},
        "workflows": {"workflows": [name[:200], "w"]},
        "events/": f"id: 0\ndata: {json.dumps(event)}\n\n",
    }


def test_the_page_of_a_server_shows_it_as_text_and_is_bounded(
    page: Page, faults: list[str]
) -> None:
    text, policy = text_and_policy()
    documents: dict[str, Json] = {}

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix("http://served.test/")
        if not path:
            headers = {"Content-Security-Policy": policy, "Content-Type": "text/html"}
            return route.fulfill(body=text, headers=headers)
        found = next(d for start, d in documents.items() if path.startswith(start))
        body = found if isinstance(found, str) else json.dumps(found)
        status = 409 if path.endswith("/answer") else 200
        return route.fulfill(status=status, body=body)

    page.route("http://served.test/**", answer)
    for bad in WORST:
        documents = _served(bad)
        page.goto("http://served.test/")
        page.locator(".run").click()
        page.locator("#events summary").click()
        page.locator("#flows summary").first.click()
        page.locator("#questions .dn-primary").click()
        page.locator("#questions [role=alert]:not(:empty)").first.wait_for()

        check(page, "h1", "script")
        assert page.locator("script").count() == 1
        assert faults == []
    page.unroute("http://served.test/**")


@pytest.mark.parametrize("view", VIEWS)
def test_a_twin_in_a_page_does_nothing(page: Page, view: str) -> None:
    page.goto("http://hostile.test/")
    twins = "".join(VIEWS[view](bad).html for bad in BAD)

    page.evaluate("(twins) => { document.body.innerHTML = twins; }", twins)

    found = page.locator("body").evaluate(FOUND)
    assert found["executed"] == []
    assert not {"script", "iframe", "object"} & set(found["tags"])
    links = [value for _, name, value in found["attributes"] if name == "href"]
    assert set(links) <= {"http://127.0.0.1:1/"}
    assert not acts(found["text"])


SICK = f"""
ACTS = {WORST[0].replace(chr(0), "").replace(chr(0xD800), "")!r}
LONG = ACTS + "x" * 1_000_000
MANY = dict.fromkeys(map(str, range(5_000)), ACTS)
from workflows import Workflow, step
from workflows.events import (
    Event, HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent,
)

class Told(Event): pass
class Ask(InputRequiredEvent): pass
class Answer(HumanResponseEvent):
    '''</script><img src=x onerror=alert(1)>'''
    ok: str = LONG

class Sick(Workflow):
    @step
    async def tell(self, ev: StartEvent) -> Told:
        print(LONG)
        return Told(said=LONG, half="\\ud800", **{{ACTS: MANY}})

    @step
    async def ask(self, ev: Told) -> Ask:
        return Ask(question=LONG + "\\ud800", many=MANY, **{{ACTS: LONG}})

    @step
    async def hear(self, ev: Answer) -> StopEvent:
        raise ValueError(LONG)
"""
RUN_ID = '<img src=x onerror=alert(1)></script>"><b>'


def test_all_of_it_in_jupyterlab(lab: Lab, browser: LabPage) -> None:
    views = ["timeline", "runs", "inbox", "doctor"]
    cells = [f"%durable_{view}" for view in views]
    start = f"run = %durable_run Sick --run-id '{RUN_ID}' said=LONG many=MANY"
    first = ["%load_ext durable_notebook", SICK, start]
    lab.notebook("sick", [*first, *cells])
    browser.open(lab, "sick/sick.ipynb")
    browser.page.evaluate(f"() => {{ {GUARD} }}")
    browser.run(0, 1, 2)
    expect(browser.output(2).locator(".dn-form")).to_be_visible()
    drawn = (".dn-tl-row", ".dn-runs-row[data-run]", ".dn-inbox-row")
    for cell, seen in enumerate((*drawn, ".dn-doctor-finding"), 3):
        browser.run(cell)
        browser.finished(cell)
        # What is out of sight JupyterLab takes out of the page.
        output = browser.output(cell)
        output.scroll_into_view_if_needed()
        expect(output.locator(seen).first).to_be_visible()
        found = output.evaluate(FOUND)
        assert not {"script", "iframe", "object"} & set(found["tags"])
        assert not [n for _, n, _ in found["attributes"] if n.startswith("on")]
        # A twin has its picture in it.
        sources = [v for _, name, v in found["attributes"] if name == "src"]
        assert all(v.startswith("data:image/svg+xml,") for v in sources)
        assert not {c for c in acts(found["text"]) if c != "\t"}
        assert len(found["text"]) < MOST_TEXT
    assert browser.page.evaluate("window.executed") == []
    assert browser.errors == []
