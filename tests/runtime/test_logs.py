"""What the package says in its log: little, of which run, and nothing of its data."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from process_lives import add, launched, live, never, until
from pydantic import create_model
from sample_workflows import Answer, Asking, Counter, Logged, Tick
from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook.logs import JsonLines
from durable_notebook.runtime import plain_codec

LOGGER = logging.getLogger("durable_notebook")
SECRET = "the-pin-is-4711"


class Log:
    """The lines of this package, as a program that collects them has them."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def at(self, level: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["level"] == level]


@pytest.fixture
def log() -> Iterator[Log]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    before = LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.DEBUG)
    yield Log(stream)
    LOGGER.setLevel(before)
    LOGGER.removeHandler(handler)


def test_a_run_that_goes_on_is_one_line_with_what_it_is_about(
    journal_url: str, log: Log
) -> None:
    async def first(runtime: DBOSRuntime) -> None:
        Counter([], never, runtime=runtime).run(run_id="r")
        await until(lambda: (r := runtime.live("r")) and r.position == 5)

    async def second(runtime: DBOSRuntime) -> tuple[str, int]:
        Counter(runtime=runtime)
        await Client(runtime).run("r").result()
        return runtime.executor_id, runtime.session

    live(journal_url, first)
    assert log.lines == []
    executor_id, session = live(journal_url, second)

    (line,) = log.lines
    assert line.pop("at").endswith("+00:00")
    assert str(line.pop("workflow")).endswith("Counter")
    assert line == {
        "level": "INFO",
        "logger": "durable_notebook",
        "message": "Run 'r' goes on from position 5, executed by "
        f"{executor_id!r} in session {session}.",
        "run_id": "r",
        "executor_id": executor_id,
        "session": session,
        "position": 5,
    }


async def test_a_run_without_incident_is_not_spoken_of(
    journal_url: str, log: Log
) -> None:
    """Also not while it is released and comes back."""
    async with launched(journal_url, idle_timeout=0.01) as runtime:
        handler = Asking(runtime=runtime).run(run_id="r")
        await until(lambda: runtime.is_released("r"))
        await runtime.send("r", Answer(text="Ada"))
        assert await handler == "Ada"

    assert log.lines == []


class Unwritable(Logged):
    """Puts into the store what is no JSON, beside what is nobody's business."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result={"pin": SECRET, "socket": object()})


async def test_a_run_that_stands_still_is_a_warning_about_it(
    journal_url: str, log: Log
) -> None:
    async with launched(journal_url) as runtime:
        Unwritable(runtime=runtime).run(run_id="r")
        await until(lambda: runtime.problem("r"))
        executor_id = runtime.executor_id

    (line,) = log.lines
    assert line["level"] == "WARNING"
    assert (line["run_id"], line["executor_id"]) == ("r", executor_id)
    assert str(line["workflow"]).endswith("Unwritable")
    assert SECRET not in log.text


async def test_what_does_not_fit_its_class_is_not_quoted(
    journal_url: str, log: Log
) -> None:
    """pydantic does, in each of its errors."""
    tick = plain_codec().tick(add(Tick(count=1)))
    tick["event"]["value"]["count"] = SECRET
    async with launched(journal_url) as runtime:
        Asking(runtime=runtime).run(run_id="r")
        await until(lambda: runtime.store.last_entry("r"))
        runtime.store.post("r", json.dumps(tick))
        await until(lambda: log.at("WARNING"))

    (line,) = log.at("WARNING")
    assert "cannot read message 1" in line["message"]
    assert "valid integer" in line["message"]
    assert line["run_id"] == "r"
    assert SECRET not in log.text


def secretive(**fields: Any) -> type[Workflow]:
    """One class, of which the event between its steps changes."""
    middle = create_model("Middle", __base__=Event, **fields)

    class Secretive(Workflow):
        @step
        async def first(self, ev: StartEvent) -> middle:
            return middle(pin=SECRET)

        @step
        async def last(self, ev: middle) -> StopEvent:
            await never()
            return StopEvent()

    return Secretive


def test_what_does_not_fit_the_changed_code_is_not_quoted(
    journal_url: str, log: Log
) -> None:
    async def first(runtime: DBOSRuntime) -> None:
        secretive(pin=(str, ...))(runtime=runtime).run(run_id="r")
        await until(lambda: (e := runtime.store.last_entry("r")) and e.entry.steps)

    async def second(runtime: DBOSRuntime) -> str:
        secretive(pin=(str, ...), more=(int, ...))(runtime=runtime)
        await until(lambda: runtime.problem("r"))
        return str(runtime.problem("r"))

    live(journal_url, first)
    problem = live(journal_url, second)

    (line,) = log.at("WARNING")
    assert line["message"] == problem
    assert "more: field required" in problem
    assert SECRET not in log.text
