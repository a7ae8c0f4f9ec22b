"""A process, a loop and a runtime object may live more than once."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from dbos import DBOS
from process_lives import add, launched, live, never, quick_dbos, soon, until
from sample_workflows import Answer, Asking, Counted, Counter, Logged, Other, Tick
from workflows import Context, Workflow, step
from workflows.errors import WorkflowCancelledByUser
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook.errors import (
    RunFinishedError,
    RuntimeClosedError,
    UnstorableValueError,
)


async def test_a_loop_may_have_two_lives(journal_url: str) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        Counter(log, never, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)

    async with launched(journal_url) as runtime:
        result = await soon(Counter(log, runtime=runtime).run(run_id="c"))

    assert result == Counted(final_count=5)


async def test_a_runtime_may_be_launched_again(journal_url: str) -> None:
    quick_dbos(journal_url)
    runtime = DBOSRuntime(database_url=journal_url)
    workflow = Counter(runtime=runtime)
    await runtime.launch()
    await soon(workflow.run(run_id="first"))
    await runtime.destroy()

    quick_dbos(journal_url)
    async with runtime:
        result = await soon(workflow.run(run_id="second"))

    assert result == Counted(final_count=5)


async def test_the_threads_of_the_loop_work_after_destroy(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Other(runtime=runtime).run())

    assert await asyncio.to_thread(lambda: 1) == 1


async def test_a_body_does_not_go_on_after_destroy(journal_url: str) -> None:
    log: list[str] = []
    gate = asyncio.Event()

    class Slow(Logged):
        @step
        async def only(self, ev: StartEvent) -> StopEvent:
            log.append("begun")
            await gate.wait()
            log.append("side effect")
            return StopEvent()

    async with launched(journal_url) as runtime:
        Slow(runtime=runtime).run(run_id="w")
        await until(lambda: bool(log))
    gate.set()
    for _ in range(20):
        await asyncio.sleep(0)

    assert log == ["begun"]


async def test_who_waits_for_a_run_is_told_that_the_runtime_was_closed(
    journal_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with launched(journal_url) as runtime:
        awaited = Asking(runtime=runtime).run(run_id="a")
        Asking(runtime=runtime).run(run_id="nobody-awaits-it")
        reading = asyncio.create_task(anext(aiter(runtime.stream("a", after=100))))
        await until(lambda: runtime.live("nobody-awaits-it") is not None)
        await until(lambda: runtime.live("a") is not None)

    with pytest.raises(RuntimeClosedError, match="run 'a'"):
        await soon(awaited)
    with pytest.raises(RuntimeClosedError, match="run 'a'"):
        await soon(reading)
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_the_executor_id_of_the_runtime_owns_its_runs(journal_url: str) -> None:
    log: list[str] = []

    async def begin(runtime: DBOSRuntime) -> Any:
        Counter(log, never, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)
        row = runtime.store.run("c")
        assert row is not None
        return row.executor_id

    async def use(runtime: DBOSRuntime) -> Any:
        return await soon(Counter(runtime=runtime).run(run_id="c"))

    assert live(journal_url, begin, executor_id="mine") == "mine"
    assert live(journal_url, use, executor_id="mine") == Counted(final_count=5)


def test_a_script_opens_the_journal_of_a_notebook(journal_url: str) -> None:
    async def notebook() -> None:
        async with DBOSRuntime(database_url=journal_url) as runtime:
            await soon(Other(runtime=runtime).run(run_id="o"))

    async def script() -> Any:
        DBOS(config={"name": "my-script", "system_database_url": journal_url})
        async with DBOSRuntime() as runtime:
            return await soon(Other(runtime=runtime).run(run_id="o"))

    asyncio.run(notebook())

    assert asyncio.run(script()) == "other"


async def test_a_run_may_be_asked_for_twice_at_once(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        workflow = Counter(runtime=runtime)
        both = asyncio.gather(workflow.run(run_id="c"), workflow.run(run_id="c"))

        assert await soon(both) == [Counted(final_count=5)] * 2


def test_a_run_cancelled_with_dbos_is_cancelled_in_the_next_life(
    journal_url: str,
) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a") is not None)
        await DBOS.cancel_workflow_async("a")

    async def use(runtime: DBOSRuntime) -> None:
        with pytest.raises(WorkflowCancelledByUser):
            await soon(Asking(runtime=runtime).run(run_id="a"))
        with pytest.raises(RunFinishedError):
            await runtime.post("a", add(Answer(text="late")))

    live(journal_url, begin)
    live(journal_url, use)


class Inner(Logged):
    @step
    async def begin(self, ctx: Context, ev: StartEvent) -> Tick:
        self.log.append(f"begin {ev.name}")
        await ctx.store.set("name", ev.name)
        return Tick(count=1)

    @step
    async def end(self, ctx: Context, ev: Tick) -> StopEvent:
        self.log.append("end")
        await self.pass_gate()
        return StopEvent(result=await ctx.store.get("name"))


class Outer(Workflow):
    """Runs others in a body, two of them with the same inputs."""

    inner: Workflow

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        handlers = [self.inner.run(name=name) for name in ("a", "b", "b")]
        return StopEvent(result=[await handler for handler in handlers])


def test_a_body_goes_on_with_the_runs_it_had_begun(journal_url: str) -> None:
    """Over two crashes; what they have on disk does not run again."""
    log: list[str] = []

    def outer(runtime: DBOSRuntime, gate: Any = None) -> Outer:
        workflow = Outer(runtime=runtime)
        workflow.inner = Inner(log, gate, runtime=runtime)
        return workflow

    async def begin(runtime: DBOSRuntime) -> None:
        outer(runtime, never).run(run_id="o")
        await until(lambda: log.count("end") == 3)
        log.clear()

    async def use(runtime: DBOSRuntime) -> Any:
        result = await soon(outer(runtime).run(run_id="o"))
        return result, len(runtime.store.runs())

    live(journal_url, begin)
    live(journal_url, begin)

    assert live(journal_url, use) == (["a", "b", "b"], 4)
    assert log == ["end"] * 3


class CodeError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(f"code {code}")


class Raising(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        raise {"key": KeyError("x"), "code": CodeError(7)}[ev.kind]


@pytest.mark.parametrize("kind", ["key", "code"])
def test_an_error_says_the_same_in_each_life(journal_url: str, kind: str) -> None:
    async def use(runtime: DBOSRuntime) -> Any:
        with pytest.raises((KeyError, CodeError)) as caught:
            await soon(Raising(runtime=runtime).run(run_id="r", kind=kind))
        return caught.type, str(caught.value)

    assert live(journal_url, use) == live(journal_url, use)


@pytest.mark.parametrize("kind", ["key", "code"])
def test_an_error_in_an_event_says_the_same_in_each_life(
    journal_url: str, kind: str
) -> None:
    async def use(runtime: DBOSRuntime) -> Any:
        handler = Raising(runtime=runtime).run(run_id="r", kind=kind)
        [failed] = [event async for event in handler.stream_events()]
        with pytest.raises((KeyError, CodeError)):
            await soon(handler)
        return type(failed.exception), str(failed.exception)

    assert live(journal_url, use) == live(journal_url, use)


class Carrying(Event):
    payload: Any


class Returning(Workflow):
    @step
    async def first(self, ev: StartEvent) -> Carrying:
        return Carrying(payload=object())

    @step
    async def second(self, ev: Carrying) -> StopEvent:
        return StopEvent()


async def test_an_unstorable_event_is_named_with_its_field(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        with pytest.raises(UnstorableValueError, match=r"Carrying\.payload"):
            await soon(Returning(runtime=runtime).run(run_id="x"))
