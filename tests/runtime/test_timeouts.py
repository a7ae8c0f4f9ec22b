"""A workflow's timeout counts the time in which a process executes it, and no other."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from process_lives import live, soon, until
from sample_workflows import Answer, Approval
from workflows import Context, Workflow, step
from workflows.errors import WorkflowTimeoutError
from workflows.events import StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook.journal._entry import Entry
from durable_notebook.operations._describe import due_of

HOUR_S = 3600.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """This process's clock is ahead by the sum of these; durations are as they are."""
    ahead: list[float] = []
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + sum(ahead))
    return ahead


@pytest.fixture(params=[1, 256], ids=["snapshots", "no snapshots"])
def options(request: pytest.FixtureRequest, journal_url: str) -> dict[str, Any]:
    settings = Settings(database_url=journal_url, snapshot_every=request.param)
    return {"settings": settings}


class Asking(Workflow):
    """Asks twice, and waits as long as the workflow lasts."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        first = await ctx.wait_for_event(Answer, waiter_id="first", timeout=None)
        second = await ctx.wait_for_event(Approval, waiter_id="second", timeout=None)
        return StopEvent(result=[first.text, second.by])


def hurried(runtime: DBOSRuntime) -> Any:
    return Asking(runtime=runtime, timeout=HOUR_S).run(run_id="a")


def waits_for(runtime: DBOSRuntime, waiter: str) -> bool:
    """Whether this process life executes the run, which waits for this."""
    last = runtime.store.last_entry("a")
    if last is None or last.entry.session != runtime.session:
        return False
    return [prompt["waiter"] for prompt in last.entry.prompts] == [waiter]


def begin_and_answer_once(
    url: str, options: dict[str, Any], clock: list[float], lasting_s: float
) -> None:
    """A life in which the run was executed for so long."""

    async def begin(runtime: DBOSRuntime) -> None:
        hurried(runtime)
        await until(lambda: waits_for(runtime, "first"))
        clock.append(lasting_s)
        await runtime.send("a", Answer(text="Ada"))
        await until(lambda: waits_for(runtime, "second"))
        if options["settings"].snapshot_every == 1:
            await until(lambda: runtime.store.snapshot("a"))

    live(url, begin, **options)


def test_the_time_without_a_process_does_not_count(
    journal_url: str, options: dict[str, Any], clock: list[float]
) -> None:
    begin_and_answer_once(journal_url, options, clock, 0.5 * HOUR_S)
    clock.append(24 * HOUR_S)

    async def use(runtime: DBOSRuntime) -> Any:
        handler = hurried(runtime)
        await until(lambda: waits_for(runtime, "second"))
        clock.append(0.25 * HOUR_S)
        await runtime.send("a", Approval(by="Bo", number=1))
        return await soon(handler)

    assert live(journal_url, use, **options) == ["Ada", "Bo"]


def test_the_time_of_all_process_lives_counts_together(
    journal_url: str, options: dict[str, Any], clock: list[float]
) -> None:
    begin_and_answer_once(journal_url, options, clock, 0.75 * HOUR_S)
    clock.append(24 * HOUR_S)

    async def use(runtime: DBOSRuntime) -> None:
        handler = hurried(runtime)
        await until(lambda: waits_for(runtime, "second"))
        clock.append(0.5 * HOUR_S)
        await runtime.send("a", Answer(text="wakes the run, and answers nothing"))
        with pytest.raises(WorkflowTimeoutError):
            await soon(handler)

    live(journal_url, use, **options)


def test_a_deadline_that_is_past_is_not_announced() -> None:
    now = time.time()

    said = [due_of(Entry(session=1, at=now, rest=rest)) for rest in (now - 9, now + 9)]

    assert said == [None, datetime.fromtimestamp(now + 9, UTC)]
