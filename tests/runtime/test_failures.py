"""Runs that fail, are retried, are cancelled, or hold what cannot be stored."""

from __future__ import annotations

import re
from typing import Any

import pytest
from process_lives import add, launched, live, never, soon, until
from sample_workflows import (
    Answer,
    Asking,
    Counter,
    Failing,
    Once,
    OutOfPaperError,
    Retrying,
)
from workflows import Context, Workflow, step
from workflows.errors import WorkflowCancelledByUser, WorkflowTimeoutError
from workflows.events import (
    Event,
    StartEvent,
    StopEvent,
    WorkflowCancelledEvent,
    WorkflowFailedEvent,
)

from durable_notebook import DBOSRuntime
from durable_notebook.errors import UnstorableValueError
from durable_notebook.journal._entry import Entry


def last_entry(runtime: DBOSRuntime, run_id: str) -> Entry:
    recorded = runtime.store.last_entry(run_id)
    assert recorded is not None
    return recorded.entry


def test_a_failed_run_raises_the_users_own_error_in_each_life(journal_url: str) -> None:
    log: list[str] = []

    async def use(runtime: DBOSRuntime) -> None:
        with pytest.raises(OutOfPaperError, match=r"^tray 2 is empty$"):
            await soon(Failing(log, runtime=runtime).run(run_id="f"))
        end = last_entry(runtime, "f").end
        assert end is not None
        assert end["status"] == "failed"

    live(journal_url, use)
    live(journal_url, use)

    assert log == ["only"]


async def test_the_stream_of_a_failed_run_ends_with_its_failure(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        handler = Failing(runtime=runtime).run(run_id="f")

        events = [event async for event in handler.stream_events()]

    (failure,) = events
    assert isinstance(failure, WorkflowFailedEvent)
    assert isinstance(failure.exception, OutOfPaperError)


def test_what_a_retry_policy_decided_is_kept(journal_url: str) -> None:
    """Two tries failed in one life, the third is interrupted and made in the next."""
    log: list[str] = []

    async def begin(runtime: DBOSRuntime) -> None:
        Retrying(log, never, runtime=runtime).run(run_id="r")
        await until(lambda: len(log) == 3)

    async def use(runtime: DBOSRuntime) -> tuple[object, list[float]]:
        result = await soon(Retrying(log, runtime=runtime).run(run_id="r"))
        entries = [r.entry for r in runtime.store.entries("r")]
        return result, [b[2] for entry in entries for b in entry.bodies.values()]

    live(journal_url, begin)

    assert live(journal_url, use) == (4, [1, 2, 4])
    assert log == ["only"] * 4


async def test_an_exhausted_retry_policy_fails_the_run(journal_url: str) -> None:
    class Hopeless(Retrying):
        fails = 99

    async with launched(journal_url) as runtime:
        with pytest.raises(OutOfPaperError, match="try 3"):
            await soon(Hopeless(runtime=runtime).run(run_id="r"))

        bodies = [r.entry.bodies for r in runtime.store.entries("r")]

    assert [b[2] for each in bodies for b in each.values()] == [1, 2, 3]


def test_a_cancelled_run_is_cancelled_in_each_life(journal_url: str) -> None:
    async def use(runtime: DBOSRuntime) -> None:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.live("a") is not None)
        await soon(handler.cancel_run())
        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)
        assert isinstance(handler.get_stop_event(), WorkflowCancelledEvent)

    async def look(runtime: DBOSRuntime) -> None:
        with pytest.raises(WorkflowCancelledByUser):
            await soon(Asking(runtime=runtime).run(run_id="a"))
        end = last_entry(runtime, "a").end
        assert end is not None
        assert end["status"] == "cancelled"
        assert last_entry(runtime, "a").prompts == []

    live(journal_url, use)
    live(journal_url, look)


async def test_cancelling_stops_a_body_that_is_running(journal_url: str) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        handler = Counter(log, never, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)

        await soon(handler.cancel_run())

        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)
    assert log[-1] == "increment 3"


async def test_a_run_that_takes_too_long_times_out(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        with pytest.raises(WorkflowTimeoutError):
            await soon(Once(gate=never, timeout=0.05, runtime=runtime).run(run_id="o"))

        end = last_entry(runtime, "o").end

    assert end is not None
    assert end["status"] == "failed"


# -- values that JSON cannot hold ---------------------------------------------------


class Holding(Event):
    payload: Any


class Careless(Workflow):
    """Puts a value where `place` says, and notes that its first step ran."""

    log: list[str]
    place: str
    value: Any

    @step
    async def first(self, ctx: Context, ev: StartEvent) -> Holding:
        self.log.append("first")
        await ctx.store.set("kept", 1)
        return Holding(payload="fine")

    @step
    async def second(self, ctx: Context, ev: Holding) -> StopEvent:
        self.log.append("second")
        if self.place == "store":
            await ctx.store.set("model", self.value)
        if self.place == "stream":
            ctx.write_event_to_stream(Holding(payload=self.value))
        result = self.value if self.place == "result" else "done"
        return StopEvent(result=result)


def careless(runtime: DBOSRuntime, log: list[str], place: str, value: Any) -> Careless:
    workflow = Careless(runtime=runtime)
    workflow.log, workflow.place, workflow.value = log, place, value
    return workflow


@pytest.mark.parametrize(
    ("place", "where"),
    [("store", "ctx.store['model']"), ("stream", "Holding"), ("result", "'x'")],
)
def test_a_value_that_cannot_be_stored_leaves_the_run_resumable(
    journal_url: str, place: str, where: str
) -> None:
    log: list[str] = []

    async def use(runtime: DBOSRuntime) -> object:
        handler = careless(runtime, log, place, object()).run(run_id="x")
        with pytest.raises(UnstorableValueError, match=re.escape(where)) as refused:
            await soon(handler)
        assert refused.value.run_id == "x"
        assert runtime.problem("x") is refused.value
        assert runtime.live("x") is None
        corrected = careless(runtime, log, place, "text")
        result = await soon(corrected.run(run_id="x"))
        assert runtime.problem("x") is None
        return result

    result = live(journal_url, use)

    assert result == ("text" if place == "result" else "done")
    assert log == ["first", "second", "second"]


def test_a_value_is_corrected_in_the_next_life(journal_url: str) -> None:
    log: list[str] = []

    async def use(runtime: DBOSRuntime) -> None:
        with pytest.raises(UnstorableValueError):
            await soon(careless(runtime, log, "store", object()).run(run_id="x"))

    async def correct(runtime: DBOSRuntime) -> object:
        return await soon(careless(runtime, log, "store", 1).run(run_id="x"))

    live(journal_url, use)

    assert live(journal_url, correct) == "done"
    assert log == ["first", "second", "second"]


async def test_a_run_that_was_left_can_be_resumed_by_its_id(journal_url: str) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        with pytest.raises(UnstorableValueError):
            await soon(careless(runtime, log, "store", object()).run(run_id="x"))
        corrected = careless(runtime, log, "store", 1)
        runtime.define(corrected)

        is_resumed = await runtime.resume("x")

        assert is_resumed
        assert (await soon(runtime.result("x"))).result == "done"


async def test_a_start_event_with_half_of_a_character_begins_nothing(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        workflow = careless(runtime, [], "store", 1)

        with pytest.raises(UnstorableValueError, match="its start event"):
            await soon(workflow.run(run_id="x", text="\ud800"))

        assert runtime.store.run("x") is None
        assert await soon(workflow.run(run_id="x", text="a")) == "done"


async def test_what_one_run_cannot_store_does_not_touch_another(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        with pytest.raises(UnstorableValueError):
            await soon(careless(runtime, [], "store", object()).run(run_id="x"))

        await runtime.post("a", add(Answer(text="Ada")))

        assert await soon(handler) == "Ada"
