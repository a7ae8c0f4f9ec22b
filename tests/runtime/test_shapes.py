"""Fan-out, side by side, threads, contexts, nesting: the shapes workflows come in."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from process_lives import launched, live, never, soon, until
from sample_workflows import (
    Counted,
    Counter,
    FanOut,
    Logged,
    Once,
    Other,
    Part,
    PartDone,
    Sync,
    Tick,
)
from workflows import Context, Workflow, step
from workflows.events import StartEvent, StopEvent

from durable_notebook import DBOSRuntime

GATHERED = {"numbers": [0, 1, 2, 3], "sum": 6}


async def test_a_fan_out_is_collected(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        result = await soon(FanOut(runtime=runtime).run(run_id="f"))

        assert result == GATHERED
        assert finished(runtime) == {0, 1, 2, 3}


async def test_no_more_bodies_at_once_than_a_step_has_workers(journal_url: str) -> None:
    log: list[str] = []
    gate = asyncio.Event()

    class Held(FanOut):
        held = (0, 1, 2, 3)

    async with launched(journal_url) as runtime:
        handler = Held(log, gate.wait, runtime=runtime).run(run_id="f")
        await until(lambda: sent(runtime) == {0, 1, 2, 3})
        begun = log[1:]
        gate.set()

        assert await soon(handler) == GATHERED
    assert begun == ["work 0", "work 1"]


def test_an_interrupted_fan_out_repeats_only_what_was_in_flight(
    journal_url: str,
) -> None:
    log: list[str] = []

    async def begin(runtime: DBOSRuntime) -> None:
        FanOut(log, never, runtime=runtime).run(run_id="f")
        await until(lambda: finished(runtime) == {0, 1, 3})

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(FanOut(log, runtime=runtime).run(run_id="f"))

    live(journal_url, begin)

    assert live(journal_url, use) == GATHERED
    assert sorted(log) == ["split", *(f"work {n}" for n in (0, 1, 2, 2, 3))]


async def test_what_completes_together_is_committed_together(journal_url: str) -> None:
    class Wide(FanOut):
        parts = 40
        held = ()

    async with launched(journal_url) as runtime:
        await soon(Wide(runtime=runtime).run(run_id="f"))

        entries = runtime.store.entries("f")

    bodies = sum(len(recorded.entry.bodies) for recorded in entries)
    assert len(entries) < bodies * 2 / 3


async def test_of_bodies_that_collect_each_has_what_the_one_before_collected(
    journal_url: str,
) -> None:
    """The library does a body again that began before the last had collected."""

    class Wide(FanOut):
        parts = 40
        held = ()

    async with launched(journal_url) as runtime:
        await soon(Wide(runtime=runtime).run(run_id="f"))

        entries = runtime.store.entries("f")

    bodies = sum(len(recorded.entry.bodies) for recorded in entries)
    assert bodies == 1 + 40 + 40


async def test_a_body_that_waits_for_a_commit_never_begins_when_the_run_has_ended(
    journal_url: str,
) -> None:
    log: list[str] = []
    gate = asyncio.Event()

    class Race(Logged):
        @step
        async def both(self, ctx: Context, ev: StartEvent) -> Part | Tick | None:
            ctx.send_event(Part(number=1))
            ctx.send_event(Tick(count=1))
            return None

        @step
        async def leads(self, ev: Part) -> PartDone:
            self.log.append("leads")
            await self.pass_gate()
            return PartDone(number=1)

        @step
        async def ends(self, ev: Tick) -> StopEvent:
            self.log.append("ends")
            await self.pass_gate()
            return StopEvent(result="ended")

        @step
        async def follows(self, ev: PartDone) -> StopEvent:
            self.log.append("follows")
            return StopEvent(result="followed")

    async with launched(journal_url) as runtime:
        handler = Race(log, gate.wait, runtime=runtime).run(run_id="r")
        await until(lambda: log == ["leads", "ends"])
        gate.set()

        assert await soon(handler) == "ended"
    assert log == ["leads", "ends"]


def finished(runtime: DBOSRuntime) -> set[int]:
    """The parts whose work is on disk."""
    ticks = [t for r in runtime.store.entries("f") for t in r.entry.ticks]
    done = [t for t in ticks if t.get("step_id") == "work"]
    return {t["event"]["value"]["number"] for t in done}


def sent(runtime: DBOSRuntime) -> set[int]:
    """The parts whose arrival is on disk."""
    ticks = [t for r in runtime.store.entries("f") for t in r.entry.ticks]
    added = [t["event"] for t in ticks if t["type"] == "add_event"]
    return {
        e["value"]["number"] for e in added if e["qualified_name"].endswith(".Part")
    }


class SideBySide(Workflow):
    """Two bodies edit the store and publish; one then waits at the gate."""

    gate: Any = None

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Part | None:
        await ctx.store.set("sum", 0)
        for number in (1, 10):
            ctx.send_event(Part(number=number))
        return None

    @step(num_workers=2)
    async def work(self, ctx: Context, ev: Part) -> PartDone:
        async with ctx.store.edit_state() as state:
            state["sum"] += ev.number
        ctx.write_event_to_stream(Tick(count=ev.number))
        if ev.number == 1 and self.gate is not None:
            await self.gate()
        async with ctx.store.edit_state() as state:
            state["sum"] += ev.number
        return PartDone(number=ev.number)

    @step
    async def join(self, ctx: Context, ev: PartDone) -> StopEvent | None:
        if ctx.collect_events(ev, [PartDone] * 2) is None:
            return None
        return StopEvent(result=await ctx.store.get("sum"))


def test_what_a_body_in_flight_had_made_durable_is_not_made_again(
    journal_url: str,
) -> None:
    """The turn of one body carries an edit and an event of the other."""

    async def begin(runtime: DBOSRuntime) -> None:
        workflow = SideBySide(runtime=runtime)
        workflow.gate = never
        workflow.run(run_id="f")
        await until(lambda: finished(runtime) == {10})

    async def use(runtime: DBOSRuntime) -> tuple[object, list[int]]:
        handler = SideBySide(runtime=runtime).run(run_id="f")
        events = [event async for event in handler.stream_events()]
        return await soon(handler), [e.count for e in events if isinstance(e, Tick)]

    live(journal_url, begin)

    result, counts = live(journal_url, use)
    assert result == 22
    assert sorted(counts) == [1, 10]


async def test_runs_go_on_side_by_side(journal_url: str) -> None:
    log: list[str] = []
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        first = Counter(log, gate.wait, runtime=runtime).run(run_id="1")
        await until(lambda: "increment 3" in log)
        second = await soon(Counter(runtime=runtime).run(run_id="2"))
        gate.set()

        assert [await soon(first), second] == [Counted(final_count=5)] * 2
        for run_id in ("1", "2"):
            positions = [r.position for r in runtime.store.entries(run_id)]
            assert positions == list(range(7))


async def test_a_hundred_runs_at_once_all_end(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        workflow = Counter(runtime=runtime)
        handlers = [workflow.run(run_id=f"run-{n}") for n in range(100)]

        results = await asyncio.gather(*(soon(handler) for handler in handlers))

        assert results == [Counted(final_count=5)] * 100
        assert all(len(runtime.store.entries(f"run-{n}")) == 7 for n in range(100))


async def test_no_more_runs_at_once_than_a_workflow_allows(journal_url: str) -> None:
    log: list[str] = []
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        workflow = Once(log, gate.wait, num_concurrent_runs=2, runtime=runtime)
        handlers = [workflow.run(run_id=f"run-{n}", value=n) for n in range(3)]
        await until(lambda: len(log) == 2)
        await until(lambda: runtime.before("run-2") == 0)
        begun = len(log)
        gate.set()

        results = await asyncio.gather(*(soon(handler) for handler in handlers))

    assert begun == 2
    assert results == [0, 1, 2]


async def test_a_step_that_is_no_coroutine_runs_on_a_thread(journal_url: str) -> None:
    class Telling(Workflow):
        @step
        def only(self, ev: StartEvent) -> StopEvent:
            return StopEvent(result=threading.current_thread().name)

    async with launched(journal_url) as runtime:
        log: list[str] = []
        result = await soon(Sync(log, runtime=runtime).run(run_id="s"))
        name = await soon(Telling(runtime=runtime).run(run_id="t"))

    assert (result, log) == ("from a thread", ["only"])
    assert name != threading.main_thread().name


async def test_a_context_of_another_run_is_gone_on_with(journal_url: str) -> None:
    """A context of the default runtime: a store with 4 in it, and a body in flight."""
    log: list[str] = []
    first = Counter(log, never)
    handler = first.run()
    await until(lambda: "increment 3" in log)
    saved = handler.ctx.to_dict()
    await soon(handler.cancel_run())
    log.clear()

    async with launched(journal_url) as runtime:
        second = Counter(log, runtime=runtime)
        context = Context.from_dict(second, saved)
        result = await soon(second.run(ctx=context, run_id="c"))

    assert result == Counted(final_count=5)
    assert log == ["increment 3"]


def test_a_context_that_was_passed_in_is_there_in_the_next_life(
    journal_url: str,
) -> None:
    log: list[str] = []

    class Seeded(Once):
        @step
        async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
            self.log.append("only")
            await self.pass_gate()
            return StopEvent(result=await ctx.store.get("seed"))

    async def begin(runtime: DBOSRuntime) -> None:
        workflow = Seeded(log, never, runtime=runtime)
        context = Context(workflow)
        await context.store.set("seed", {"deep": [1]})
        workflow.run(ctx=context, run_id="s")
        await until(lambda: log)

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(Seeded(log, runtime=runtime).run(run_id="s"))

    live(journal_url, begin)

    assert live(journal_url, use) == {"deep": [1]}


async def test_a_dbos_step_in_a_body_takes_no_position(journal_url: str) -> None:
    calls: list[int] = []

    @DBOS.step()
    async def paid_call(number: int) -> int:
        calls.append(number)
        return number * 2

    class Calling(Workflow):
        @step
        async def first(self, ev: StartEvent) -> Tick:
            return Tick(count=await paid_call(1))

        @step
        async def second(self, ev: Tick) -> StopEvent:
            return StopEvent(result=[ev.count, await paid_call(2), DBOS.workflow_id])

    async with launched(journal_url) as runtime:
        result = await soon(Calling(runtime=runtime).run(run_id="c"))

        steps = await DBOS.list_workflow_steps_async("c")

    assert result == [2, 4, None]
    assert calls == [1, 2]
    assert [s["function_name"] for s in steps] == ["StartEvent", "first", "second"]


async def test_a_body_may_run_another_workflow(journal_url: str) -> None:
    class Outer(Workflow):
        inner: Workflow

        @step
        async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
            await ctx.store.set("mine", 1)
            counted = await self.inner.run(run_id="inner")
            return StopEvent(result=[counted.final_count, await ctx.store.get("mine")])

    async with launched(journal_url) as runtime:
        outer = Outer(runtime=runtime)
        outer.inner = Counter(runtime=runtime)
        result = await soon(outer.run(run_id="outer"))

        names = [r.name for r in runtime.store.entries("inner")]

    assert result == [5, 1]
    assert names == ["StartEvent", "start", *["increment"] * 5]


@pytest.mark.parametrize("durability", ["full", "normal"])
async def test_both_durabilities_run(journal: Path, durability: str) -> None:
    async with launched(f"sqlite:///{journal}", durability=durability) as runtime:
        assert await soon(Other(runtime=runtime).run()) == "other"
