"""Much of everything: big events, many events, many restarts."""

from __future__ import annotations

import os

import pytest
from process_lives import add, live, never, soon, until
from sample_workflows import Answer, Asking, Logged
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook._config import is_postgres

from .rows import edit, read

MANY = 10_000


class Chunk(Event):
    number: int


class Load(Event):
    text: str


class Loaded(Logged):
    """Passes a big event on; the gate is after it was taken in."""

    megabytes = 10

    @step
    async def make(self, ev: StartEvent) -> Load:
        self.log.append("make")
        return Load(text="x" * self.megabytes * 1_000_000)

    @step
    async def take(self, ev: Load) -> StopEvent:
        self.log.append("take")
        await self.pass_gate()
        return StopEvent(result=len(ev.text))


class Talking(Logged):
    """Streams many events; the gate is in the middle."""

    @step
    async def first(self, ctx: Context, ev: StartEvent) -> Chunk:
        for number in range(MANY // 2):
            ctx.write_event_to_stream(Chunk(number=number))
        return Chunk(number=MANY // 2)

    @step
    async def second(self, ctx: Context, ev: Chunk) -> StopEvent:
        self.log.append("second")
        await self.pass_gate()
        for number in range(ev.number, MANY):
            ctx.write_event_to_stream(Chunk(number=number))
        return StopEvent(result=MANY)


IS_LONG = bool(os.environ.get("FAULTS_LONG"))

MEGABYTES = [10, 100] if IS_LONG else [10]


@pytest.mark.parametrize("megabytes", MEGABYTES)
def test_a_big_event_survives_its_process(journal_url: str, megabytes: int) -> None:
    log: list[str] = []

    async def begin(runtime: DBOSRuntime) -> None:
        workflow = Loaded(log, never, runtime=runtime)
        workflow.megabytes = megabytes
        workflow.run(run_id="b")
        await until(lambda: "take" in log, within_s=60)

    async def use(runtime: DBOSRuntime) -> object:
        return await Loaded(log, runtime=runtime).run(run_id="b")

    live(journal_url, begin)

    assert live(journal_url, use) == megabytes * 1_000_000
    assert log == ["make", "take", "take"]


def test_ten_thousand_events_survive_their_process(journal_url: str) -> None:
    log: list[str] = []

    async def begin(runtime: DBOSRuntime) -> None:
        Talking(log, never, runtime=runtime).run(run_id="t")
        await until(lambda: log)

    async def use(runtime: DBOSRuntime) -> list[int]:
        handler = Talking(runtime=runtime).run(run_id="t")
        events = [event async for event in handler.stream_events()]
        return [event.number for event in events if isinstance(event, Chunk)]

    live(journal_url, begin)

    assert live(journal_url, use) == list(range(MANY))


# DBOS's own bound on recoveries, each of which counts.
BOUND = 100


def test_a_question_waits_through_a_hundred_restarts(journal_url: str) -> None:
    """On Postgres most of them are only counted, unless there is time."""
    log: list[str] = []

    async def wait(runtime: DBOSRuntime) -> None:
        Asking(log, runtime=runtime).run(run_id="a")
        await until(lambda: is_open(runtime))

    async def answer(runtime: DBOSRuntime) -> object:
        handler = Asking(log, runtime=runtime).run(run_id="a")
        await runtime.post("a", add(Answer(text="Ada")))
        return await soon(handler)

    restarts, counted = BOUND + 2, 0
    if is_postgres(journal_url) and not IS_LONG:
        restarts, counted = 8, BOUND
    for _ in range(restarts):
        live(journal_url, wait)
    edit(
        journal_url,
        "UPDATE workflow_status SET recovery_attempts = recovery_attempts + ?",
        counted,
    )
    live(journal_url, wait)

    attempts = read(journal_url, "SELECT recovery_attempts FROM workflow_status")
    assert attempts[0][0] > BOUND
    assert live(journal_url, answer) == "Ada"
    assert log == ["ask", "hear Ada"]


def is_open(runtime: DBOSRuntime) -> bool:
    run, last = runtime.live("a"), runtime.store.last_entry("a")
    return run is not None and last is not None and bool(last.entry.prompts)
