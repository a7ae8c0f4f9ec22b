"""Every view and terminal text, given what nobody should have named anything.

All of it shows as text that does nothing, and no output grows with the values of a run:
a twin is written into the notebook's file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

import pytest

from durable_notebook._graph import Graph, Node
from durable_notebook._model import (
    Attempt,
    AttemptStatus,
    Ending,
    EndingKind,
    EventView,
    Json,
    Prompt,
    RunInfo,
    RunStatus,
)
from durable_notebook.doctor._finding import Cause, Examined, Finding
from durable_notebook.journal._printed import Output, Printed
from durable_notebook.journal._progress import Progress
from durable_notebook.operations._questions import Question
from durable_notebook.views import (
    figures,
    findings,
    graph,
    html,
    printed,
    questions,
    serving,
    text,
    timeline,
)
from tests.hostile import acts
from tests.views.samples import BEGAN, attempt, info
from tests.views.test_views import HOSTILE, Tags

LONGEST_HTML, LONGEST_TEXT = 100_000, 100_000
LINES = "one\r\ntwo\rthree\u2028\u200fשם\u200e"
BAD = [*HOSTILE, LINES, "\x00\ud800\u2066\x9b31m", "x" * 1_000_000, "<&\"'>" * 100_000]


class Said(NamedTuple):
    html: str
    text: str


def run_of(bad: str) -> RunInfo:
    return info(
        run_id=bad,
        workflow=bad,
        status=RunStatus.FAILED,
        waits_for=bad,
        error=bad,
        executor_id=bad,
        start_event=EventView(bad, {bad: bad}),
    )


def row_of(bad: str, value: Json = None, second: float = 0) -> Attempt:
    return replace(
        attempt(second),
        step=bad,
        received=EventView(bad, {bad: bad if value is None else value}),
        returned=(EventView(bad, {bad: bad}),) * 30,
        error=bad,
        status=AttemptStatus.FAILED,
        store=({"op": "add", "path": f"/state_data/_data/{bad}", "value": bad},),
        code=bad,
    )


def rows_of(bad: str) -> list[Attempt]:
    return [row_of(bad, second=n / 2) for n in range(60)]


def prompt_of(bad: str) -> Prompt:
    schema = {"properties": {bad: {"type": "string"}}, "required": [bad]}
    asked = EventView(bad, {"question": bad, bad: bad})
    return Prompt(bad, 0, asked, (bad,), {bad: bad}, BEGAN, (schema,))


def inbox_of(bad: str) -> list[Question]:
    ended = Ending(EndingKind.ANSWERED, BEGAN, bad, EventView(bad, {bad: bad}))
    # Each is another one: of a question that has ended no form is shown.
    prompts = [replace(prompt_of(bad), number=n) for n in range(151)]
    asked = [Question(bad, prompt) for prompt in prompts[:150]]
    return [*asked, Question(bad, prompts[150], ended)]


def report(bad: str) -> Said:
    found = Finding(Cause.FAILED, bad, bad, ((bad, bad),), BEGAN, BEGAN, (bad,) * 3)
    runs = [Examined(run_of(bad), [found, found])] * 20
    cures = lambda each: [" ".join(c) for c in each.commands]  # noqa: E731
    return Said(
        findings.html([found], runs, cures), findings.text([found], runs, cures)
    )


def graph_of(bad: str) -> Graph:
    nodes = (Node("1", "event", bad, bad), Node("2", "step", bad, bad))
    return Graph(bad, nodes, (("1", "2"), ("2", "1")))


def drawn(bad: str) -> Said:
    found = graph_of(bad)
    done = graph.doings(run_of(bad), [row_of(bad)])
    return Said(*graph.twin(found, run_of(bad), done))


def panel(bad: str) -> Said:
    run, rows = run_of(bad), rows_of(bad)
    return Said(
        html.panel(run, rows, note=bad, result=bad),
        text.panel(run, rows, note=bad, result=bad),
    )


def output(bad: str) -> Said:
    found = Output(tuple(Printed(bad, bad, 1) for _ in range(3)), session=2)
    return Said(printed.html(found), printed.text(found))


def progress(bad: str) -> Said:
    found = Progress(done=3, total=10, label=bad)
    return Said(figures.progress_html(found), figures.progress_text(found))


def server(bad: str) -> Said:
    found = serving.Served("http://127.0.0.1:1", {bad[:200]: bad}, bad, (bad,))
    return Said(found._repr_html_().partition("</style>")[2], repr(found))


VIEWS: dict[str, Callable[[str], Said]] = {
    "journal": lambda bad: Said(
        html.journal(run_of(bad), rows_of(bad)), text.journal(run_of(bad), rows_of(bad))
    ),
    "timeline": lambda bad: Said(*timeline.twin(run_of(bad), rows_of(bad)[:40])),
    "long timeline": lambda bad: Said(*timeline.twin(run_of(bad), rows_of(bad))),
    "graph": drawn,
    "panel": panel,
    "runs": lambda bad: Said(html.runs([run_of(bad)] * 300), text.runs([run_of(bad)])),
    "inbox": lambda bad: Said(
        questions.inbox_html(inbox_of(bad)), questions.inbox_text(inbox_of(bad))
    ),
    "question": lambda bad: Said(
        questions.open_html(prompt_of(bad), bad), questions.open_text(prompt_of(bad))
    ),
    "doctor": report,
    "printed": output,
    "progress": progress,
    "server": server,
}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: ascii(bad[:12]))
@pytest.mark.parametrize("view", VIEWS)
def test_it_shows_as_text_and_is_bounded(view: str, bad: str) -> None:
    said = VIEWS[view](bad)

    tags = Tags()
    tags.feed(said.html)
    assert "script" not in tags.seen
    assert not {name for name in tags.attributes if name.startswith("on")}
    assert all(src.startswith("data:image/svg+xml,") for src in tags.sources)
    assert not acts(said.html)
    assert not acts(said.text)
    assert len(said.html) < LONGEST_HTML
    assert len(said.text) < LONGEST_TEXT


@pytest.mark.parametrize("size", [10, 1_000])
def test_a_report_of_many_runs_says_how_many_it_leaves_out(size: int) -> None:
    found = Finding(Cause.FAILED, "It says " + "x" * size, "a")
    runs = [Examined(info(run_id=f"run {n}"), [found] * 2) for n in range(300)]

    said = findings.text([], runs, lambda _: [])
    markup = findings.html([], runs, lambda _: [])

    for each in (said, markup):
        shown = each.count("run ") - each.count("older run ")
        assert 10 < shown <= 50
        assert f"{300 - shown} older runs are in the frame." in each
        assert len(each) < LONGEST_HTML
        assert "run 0" in each


def test_a_report_of_one_run_says_how_many_causes_it_leaves_out() -> None:
    found = Finding(Cause.FAILED, "x" * 1_000, "a", evidence=("y" * 1_000,) * 20)

    said = findings.text([], [Examined(info(), [found] * 9)], lambda _: [])

    assert "and 8 more causes" in said


def test_a_million_keys_take_no_time_in_any_view() -> None:
    many: Json = dict.fromkeys(map(str, range(1_000_000)), 1)
    row = replace(row_of("a", many), error=None, returned=(EventView("E", many),))
    run = replace(run_of("a"), start_event=EventView("E", many))
    asked = replace(prompt_of("a"), asked=EventView("E", many), requirements=many)

    for shown in (
        html.journal(run, [row]),
        text.journal(run, [row]),
        *timeline.twin(run, [row]),
        html.panel(run, [row], note="", result=None),
        questions.open_html(asked, "a"),
        questions.open_text(asked),
    ):
        assert len(shown) < 20_000


def test_a_journal_of_ordinary_rows_is_bounded_and_says_what_is_left_out() -> None:
    rows = [
        replace(
            attempt(n / 2),
            received=EventView("Leg", {"city": "Lisbon", "note": "n" * 500}),
            returned=(EventView("Priced", {"city": "Lisbon", "note": "n" * 500}),),
        )
        for n in range(1_000)
    ]

    markup = html.journal(info(), rows)

    assert len(markup) < LONGEST_HTML
    assert "earlier rows are in the frame" in markup
    assert timedelta(0) < rows[-1].finished - rows[0].started  # type: ignore[operator]
