"""OpenTelemetry spans: one trace a run, whatever it survives.

A program that has configured a tracer provider gets them; here that is what
`get_tracer_provider` gives, which the program's own spans use as well.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from process_lives import launched, live, never, soon, until
from sample_workflows import (
    Answer,
    Asking,
    Counter,
    Failing,
    Logged,
    Once,
    OutOfPaperError,
    Retrying,
)
from traced_life import PROGRAM
from workflows import Context, step
from workflows.events import StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime


class Spans:
    """What was exported."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def of(self, run_id: str, name: str = "") -> list[ReadableSpan]:
        """Those of a run, in the order in which they ended."""
        ids = {id_of(s) for s in self.all if value(s, "run_id") == run_id}
        return [
            s
            for s in self.all
            if (id_of(s) in ids or parent_of(s) in ids) and s.name.startswith(name)
        ]

    def only(self, name: str) -> ReadableSpan:
        found = [s for s in self.all if s.name == name]
        assert len(found) == 1, [s.name for s in self.all]
        return found[0]

    def trace_ids(self) -> set[int]:
        return {s.context.trace_id for s in self.all}

    def tree(self) -> list[Any]:
        """Names, each with those below it; `[name, child, child]`."""
        known = {id_of(s) for s in self.all}

        def below(parent: int | None) -> list[Any]:
            spans = [s for s in self.all if parent_of(s) == parent]
            spans.sort(key=lambda s: s.start_time or 0)
            return [[s.name, *below(id_of(s))] for s in spans]

        orphans = [s for s in self.all if parent_of(s) not in known | {None}]
        assert orphans == []
        return below(None)


def id_of(span: ReadableSpan) -> int:
    return int(span.context.span_id)


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else int(span.parent.span_id)


def value(span: ReadableSpan, name: str) -> Any:
    return (span.attributes or {}).get(f"durable.{name}")


def ends(spans: list[ReadableSpan]) -> list[Any]:
    return [value(s, "ended") for s in spans]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Spans:
    """What a program gets that has configured a provider."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    return Spans(exporter)


async def test_a_run_is_a_tree_of_its_start_its_life_and_its_bodies(
    journal_url: str, spans: Spans
) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="r"))
        positions = {
            invocation: recorded.position
            for recorded in runtime.store.entries("r")
            for invocation in recorded.entry.bodies
        }
        session, executor_id = runtime.session, runtime.executor_id

    bodies = [["durable.step start"], *[["durable.step increment"]] * 5]
    assert spans.tree() == [["durable.start", ["durable.run", *bodies]]]
    run = spans.only("durable.run")
    assert dict(run.attributes or {}) == {
        "durable.run_id": "r",
        "durable.workflow": value(run, "workflow"),
        "durable.executor_id": executor_id,
        "durable.session": session,
        "durable.resumed_from": 0,
        "durable.ended": "completed",
    }
    assert str(value(run, "workflow")).endswith("Counter")
    assert run.status.status_code is StatusCode.OK
    steps = [s for s in spans.all if s.name.startswith("durable.step")]
    found = {value(s, "invocation_id"): value(s, "position") for s in steps}
    assert found == positions
    assert [value(s, "attempt") for s in steps] == [1] * 6
    assert [value(s, "is_reexecution") for s in steps] == [False] * 6


def test_a_run_that_was_interrupted_goes_on_in_its_trace(
    journal_url: str, spans: Spans
) -> None:
    """Nothing is made for what is read back; what is done again says so."""

    async def first(runtime: DBOSRuntime) -> None:
        Counter([], never, runtime=runtime).run(run_id="r")
        run = lambda: runtime.live("r")  # noqa: E731
        await until(lambda: (r := run()) and r.position == 5 and r.flight.running())

    async def second(runtime: DBOSRuntime) -> None:
        Counter(runtime=runtime)
        await soon(Client(runtime).run("r").result())

    live(journal_url, first)
    live(journal_url, second)

    one = [["durable.step start"], *[["durable.step increment"]] * 4]
    other = [["durable.step increment"]] * 2
    lives = [["durable.run", *one], ["durable.run", *other]]
    assert spans.tree() == [["durable.start", *lives]]
    assert ends(spans.of("r", "durable.run")) == ["interrupted", "completed"]
    before, after = spans.of("r", "durable.run")
    assert value(before, "resumed_from") == 0
    assert value(after, "resumed_from") == 5
    assert value(after, "session") == value(before, "session") + 1
    again = [s for s in spans.all if value(s, "is_reexecution")]
    assert [(value(s, "attempt"), value(s, "ended")) for s in again] == [
        (2, "completed")
    ]
    cut = [s for s in spans.of("r", "durable.step") if value(s, "position") is None]
    assert ends(cut) == ["interrupted"]


def test_a_run_that_was_killed_goes_on_in_its_trace(journal: Path) -> None:
    """SIGKILL: of the first process only what it has told before is known."""

    def life(end: str) -> list[dict[str, Any]]:
        out = journal.parent / f"{end}.jsonl"
        process = subprocess.run(
            [sys.executable, "-c", PROGRAM, f"sqlite:///{journal}", str(out), end],
            check=False,
            timeout=60,
        )
        expected = -signal.SIGKILL if end == "kill" else 0
        assert process.returncode == expected
        return [json.loads(line) for line in out.read_text().splitlines()]

    killed, resumed = life("kill"), life("result")

    names = ["durable.start", "durable.step first"]
    assert [span["name"] for span in killed] == names
    assert [span["name"] for span in resumed] == ["durable.step second", "durable.run"]
    assert len({span["trace"] for span in killed + resumed}) == 1
    assert resumed[1]["parent"] == killed[0]["id"]


async def test_a_body_that_fails_is_recorded_with_what_it_raised(
    journal_url: str, spans: Spans
) -> None:
    async with launched(journal_url) as runtime:
        with pytest.raises(OutOfPaperError):
            await soon(Failing(runtime=runtime).run(run_id="r"))

    for name in ("durable.step only", "durable.run"):
        span = spans.only(name)
        assert value(span, "ended") == "failed"
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == "tray 2 is empty"
        assert [event.name for event in span.events] == ["exception"]


async def test_each_retry_is_a_span_of_its_own(journal_url: str, spans: Spans) -> None:
    async with launched(journal_url) as runtime:
        await soon(Retrying(runtime=runtime).run(run_id="r"))

    tries = spans.of("r", "durable.step")
    assert [value(s, "attempt") for s in tries] == [1, 2, 3]
    assert ends(tries) == ["failed", "failed", "completed"]
    assert [value(s, "is_reexecution") for s in tries] == [False] * 3
    assert spans.only("durable.run").status.status_code is StatusCode.OK


class Parent(Logged):
    """Its body runs another workflow, and does something of its own."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        with trace.get_tracer("theirs").start_as_current_span("call a model"):
            inside = await Once(runtime=self.runtime).run(run_id="child", value=7)
        return StopEvent(result=inside)


async def test_what_a_body_does_is_below_it_also_a_run_that_it_begins(
    journal_url: str, spans: Spans
) -> None:
    async with launched(journal_url) as runtime:
        assert await soon(Parent(runtime=runtime).run(run_id="parent")) == 7

    child = ["durable.run", ["durable.step only"]]
    body = ["durable.step only", ["call a model", child]]
    assert spans.tree() == [["durable.start", ["durable.run", body]]]


class Plain(Logged):
    """Its body is no coroutine: the library executes it in a thread."""

    @step
    def only(self, ev: StartEvent) -> StopEvent:
        with trace.get_tracer("theirs").start_as_current_span("read a file"):
            return StopEvent(result=1)


async def test_also_where_the_body_is_in_a_thread(
    journal_url: str, spans: Spans
) -> None:
    async with launched(journal_url) as runtime:
        assert await soon(Plain(runtime=runtime).run(run_id="r")) == 1

    body = ["durable.step only", ["read a file"]]
    assert spans.tree() == [["durable.start", ["durable.run", body]]]


async def test_a_run_is_of_the_trace_of_whoever_starts_it(
    journal_url: str, spans: Spans
) -> None:
    async with launched(journal_url) as runtime:
        with trace.get_tracer("theirs").start_as_current_span("a request"):
            handler = Once(runtime=runtime).run(run_id="r")
        await soon(handler)

    assert spans.tree() == [["a request", ["durable.run", ["durable.step only"]]]]


class Spread(Logged):
    """Bodies side by side."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Answer | None:
        for n in range(3):
            ctx.send_event(Answer(text=str(n)))
        return None

    @step(num_workers=3)
    async def work(self, ctx: Context, ev: Answer) -> Answer | StopEvent | None:
        with trace.get_tracer("theirs").start_as_current_span(f"inside {ev.text}"):
            await asyncio.sleep(0)
        async with ctx.store.edit_state() as state:
            done = state.get("done", 0) + 1
            state["done"] = done
        return StopEvent(result=done) if done == 3 else None


async def test_bodies_side_by_side_do_not_mix_their_spans(
    journal_url: str, spans: Spans
) -> None:
    async with launched(journal_url) as runtime:
        assert await soon(Spread(runtime=runtime).run(run_id="r")) == 3

    (_, (_, start, *works)) = spans.tree()[0]
    assert start == ["durable.step start"]
    assert sorted(works) == [["durable.step work", [f"inside {n}"]] for n in range(3)]


async def test_an_idle_run_comes_back_in_its_trace(
    journal_url: str, spans: Spans
) -> None:
    async with launched(journal_url, idle_timeout=0.01) as runtime:
        handler = Asking(runtime=runtime).run(run_id="r")
        await until(lambda: runtime.is_released("r"))
        assert spans.only("durable.run")
        await runtime.send("r", Answer(text="Ada"))
        assert await soon(handler) == "Ada"

    lives = [
        ["durable.run", ["durable.step ask"]],
        ["durable.run", ["durable.step hear"]],
    ]
    assert spans.tree() == [["durable.start", *lives]]
    assert ends(spans.of("r", "durable.run")) == ["released", "completed"]


async def test_a_fork_is_of_the_trace_of_the_run_that_it_was_made_of(
    journal_url: str, spans: Spans
) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="r"))
        await Client(runtime).fork("r", position=4, new_run_id="fork")
        await soon(Client(runtime).run("fork").result())

    assert len(spans.trace_ids()) == 1
    fork = next(s for s in spans.of("fork") if s.name == "durable.run")
    assert parent_of(fork) == id_of(spans.only("durable.start"))
    assert value(fork, "resumed_from") == 4
    assert len(spans.of("fork", "durable.step")) < 6


async def test_a_run_that_is_cancelled_has_not_failed(
    journal_url: str, spans: Spans
) -> None:
    async with launched(journal_url) as runtime:
        Asking(runtime=runtime).run(run_id="r")
        await until(lambda: runtime.store.last_entry("r"))
        await Client(runtime).cancel("r")
        await until(lambda: spans.of("r", "durable.run"))

    run = spans.only("durable.run")
    assert value(run, "ended") == "cancelled"
    assert run.status.status_code is StatusCode.UNSET


def test_without_a_provider_nothing_of_it_is_imported(journal: Path) -> None:
    """And nothing is noted with the run."""
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, f"sqlite:///{journal}", "", "result"],
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )

    assert json.loads(process.stdout) == {"imported": [], "inputs": ["start"]}
