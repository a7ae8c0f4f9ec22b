"""A process that is about to end lets its bodies end, and begins none any more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from process_lives import launched, never, soon, until
from sample_workflows import Answer, Asking, Counter, FanOut, Logged, Once
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent
from workflows.retry_policy import retry_policy, stop_after_attempt, wait_fixed

from durable_notebook import DBOSRuntime
from durable_notebook.errors import DrainingError, UnknownRunError


@pytest.fixture
def log() -> list[str]:
    return []


async def test_a_body_in_flight_ends_and_the_next_begins_in_the_next_process(
    journal_url: str, log: list[str]
) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        Counter(log, gate.wait, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)
        draining = asyncio.create_task(runtime.drain(60))
        await refuses(runtime)
        assert not draining.done()
        gate.set()
        assert await soon(draining) == []
        assert runtime.live("c") is None
    async with launched(journal_url) as runtime:
        result = await soon(Counter(log, runtime=runtime).run(run_id="c"))

    assert result.final_count == 5
    assert log == ["start", *(f"increment {n}" for n in range(5))]


async def refuses(runtime: DBOSRuntime) -> None:
    """Wait until the runtime takes no new runs."""

    async def is_refused() -> bool:
        try:
            await soon(Once(runtime=runtime).run())
        except DrainingError:
            return True
        return False

    while not await is_refused():
        await asyncio.sleep(0)


async def test_a_body_that_does_not_end_in_time_is_named_and_done_again(
    journal_url: str, log: list[str]
) -> None:
    async with launched(journal_url) as runtime:
        Once(log, never, runtime=runtime).run(run_id="o")
        Asking(log, runtime=runtime).run(run_id="a")
        await until(lambda: {"only", "ask"} <= set(log))
        assert await soon(runtime.drain(0.1)) == ["o"]
    async with launched(journal_url) as runtime:
        await soon(Once(log, runtime=runtime).run(run_id="o"))

    assert sorted(log) == ["ask", "only", "only"]


class Later(Logged):
    """Fails once, and tries again after a minute."""

    @step(retry_policy=retry_policy(wait=wait_fixed(60), stop=stop_after_attempt(2)))
    async def only(self, ev: StartEvent) -> StopEvent:
        self.log.append("only")
        raise OSError("busy")


async def test_runs_that_wait_leave_at_once(journal_url: str, log: list[str]) -> None:
    async with launched(journal_url) as runtime:
        Asking(log, runtime=runtime).run(run_id="asks")
        Later(log, runtime=runtime).run(run_id="later")
        await until(lambda: len(log) == 2)
        assert await soon(runtime.drain(60)) == []
        assert [runtime.live(run_id) for run_id in ("asks", "later")] == [None, None]


async def test_a_message_that_comes_meanwhile_is_read_by_the_next_process(
    journal_url: str, log: list[str]
) -> None:
    async with launched(journal_url) as runtime:
        Asking(log, runtime=runtime).run(run_id="a")
        await until(lambda: "ask" in log)
        await soon(runtime.drain(60))
        assert await runtime.send("a", Answer(text="Ada"))
    async with launched(journal_url) as runtime:
        Asking(log, runtime=runtime)
        assert (await soon(runtime.result("a"))).result == "Ada"

    assert log == ["ask", "hear Ada"]


async def test_a_run_that_is_refused_leaves_nothing(
    journal_url: str, log: list[str]
) -> None:
    async with launched(journal_url) as runtime:
        await soon(runtime.drain(60))
        with pytest.raises(DrainingError):
            await soon(Once(log, runtime=runtime).run(run_id="o"))
        with pytest.raises(UnknownRunError):
            await runtime.result("o")
    async with launched(journal_url) as runtime:
        await soon(Once(log, runtime=runtime).run(run_id="o"))

    assert log == ["only"]


async def test_a_run_that_ends_meanwhile_has_ended(journal_url: str) -> None:
    gate = asyncio.Event()
    log: list[str] = []
    async with launched(journal_url) as runtime:
        handler = Once(log, gate.wait, runtime=runtime).run(run_id="o", value=7)
        await until(lambda: log)
        draining = asyncio.create_task(runtime.drain(60))
        await refuses(runtime)
        gate.set()
        assert await soon(draining) == []
        assert await soon(handler) == 7


class BothHeld(FanOut):
    """Its two workers are at the gate, and two parts wait for them."""

    held = (0, 1)


async def test_of_bodies_side_by_side_those_end_that_have_begun(
    journal_url: str, log: list[str]
) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        BothHeld(log, gate.wait, runtime=runtime).run(run_id="f")
        await until(lambda: len(log) == 3)
        draining = asyncio.create_task(runtime.drain(60))
        await refuses(runtime)
        gate.set()
        assert await soon(draining) == []
        assert sorted(log) == ["split", "work 0", "work 1"]
    async with launched(journal_url) as runtime:
        await soon(BothHeld(log, runtime=runtime).run(run_id="f"))

    assert sorted(log) == ["split", *(f"work {n}" for n in range(4))]


class Parent(Logged):
    """A body that waits for a run of another workflow."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        self.log.append("parent")
        child = Asking(self.log, runtime=self.runtime).run(run_id="child")
        return StopEvent(result=await child)


class Calling(Event):
    pass


class Labour(Event):
    pass


class Told(Event):
    text: str


class Busy(Logged):
    """A body that has begun two runs, and one beside it that works."""

    @step
    async def deal(self, ctx: Context, ev: StartEvent) -> Calling | Labour:
        ctx.send_event(Calling())
        return Labour()

    @step
    async def call(self, ev: Calling) -> Told:
        for run_id in ("other", "child"):
            child = Asking(self.log, runtime=self.runtime).run(run_id=run_id)
        return Told(text=str(await child))

    @step
    async def work(self, ev: Labour) -> Told:
        self.log.append("works")
        await self.pass_gate()
        return Told(text="worked")

    @step
    async def join(self, ctx: Context, ev: Told) -> StopEvent | None:
        told = ctx.collect_events(ev, [Told, Told])
        if told is None:
            return None
        return StopEvent(result=sorted(one.text for one in told))


async def test_a_body_that_waits_for_a_run_that_has_gone_is_not_waited_for(
    journal_url: str, log: list[str]
) -> None:
    async with launched(journal_url) as runtime:
        Parent(log, runtime=runtime).run(run_id="p")
        await until(lambda: "ask" in log)
        assert await soon(runtime.drain(1)) == []
        await runtime.send("child", Answer(text="Ada"))
    async with launched(journal_url) as runtime:
        Asking(log, runtime=runtime)
        assert await soon(Parent(log, runtime=runtime).run(run_id="p")) == "Ada"

    assert sorted(log) == ["ask", "hear Ada", "parent", "parent"]


async def test_a_body_that_waits_for_a_run_out_of_memory_is_not_waited_for(
    journal_url: str, log: list[str]
) -> None:
    """Nobody brings that run back any more, and the next process goes on with both."""
    async with launched(journal_url, idle_timeout=0.0) as runtime:
        Parent(log, runtime=runtime).run(run_id="p")
        await until(lambda: runtime.is_released("child"))
        assert await soon(runtime.drain(1)) == []
        assert await soon(runtime.drain(1)) == []
        await runtime.send("child", Answer(text="Ada"))
    async with launched(journal_url) as runtime:
        Asking(log, runtime=runtime)
        assert await soon(Parent(log, runtime=runtime).run(run_id="p")) == "Ada"

    assert sorted(log) == ["ask", "hear Ada", "parent", "parent"]


class Leaving(Logged):
    """A body that begins a run, does not wait for it, and works on."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        self.child = Asking(self.log, runtime=self.runtime).run(run_id="child")
        self.log.append("works")
        await self.pass_gate()
        return StopEvent(result="worked")


async def test_a_body_that_has_begun_a_run_and_works_on_is_waited_for(
    journal_url: str, log: list[str]
) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        handler = Leaving(log, gate.wait, runtime=runtime).run(run_id="l")
        await until(lambda: {"works", "ask"} <= set(log))
        draining = asyncio.create_task(runtime.drain(60))
        await until(lambda: runtime.live("child") is None)
        await refuses(runtime)
        gate.set()
        assert await soon(draining) == []
        assert await soon(handler) == "worked"

    assert log.count("works") == 1


async def test_a_body_beside_one_that_waits_for_a_run_is_waited_for(
    journal_url: str, log: list[str]
) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        Busy(log, gate.wait, runtime=runtime).run(run_id="b")
        await until(lambda: sorted(log) == ["ask", "ask", "works"])
        draining = asyncio.create_task(runtime.drain(6))
        await until(lambda: not (runtime.live("child") or runtime.live("other")))
        await refuses(runtime)
        assert runtime.live("b") is not None
        gate.set()
        assert await soon(draining) == []
        await runtime.send("child", Answer(text="Ada"))
    async with launched(journal_url) as runtime:
        Asking(log, runtime=runtime)
        result = await soon(Busy(log, gate.wait, runtime=runtime).run(run_id="b"))
        assert result == ["Ada", "worked"]

    assert log.count("works") == 1


class Part(Event):
    n: int


class PartDone(Event):
    n: int


class Working(Logged):
    """Each body sends, stores and publishes before it ends."""

    @step
    async def begin(self, ctx: Context, ev: StartEvent) -> Part | None:
        for n in range(3):
            ctx.send_event(Part(n=n))
        return None

    @step(num_workers=3)
    async def work(self, ctx: Context, ev: Part) -> Part | PartDone:
        self.log.append(f"work {ev.n}")
        async with ctx.store.edit_state() as state:
            state["sum"] = state.get("sum", 0) + ev.n
        ctx.write_event_to_stream(ev)
        if ev.n < 6:
            ctx.send_event(Part(n=ev.n + 3))
        await self.pass_gate()
        return PartDone(n=ev.n)

    @step
    async def end(self, ctx: Context, ev: PartDone) -> StopEvent | None:
        done = ctx.collect_events(ev, [PartDone] * 9)
        return None if done is None else StopEvent(result=await ctx.store.get("sum"))


async def test_what_a_body_sent_stored_and_published_counts_once(
    journal_url: str, log: list[str]
) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        Working(log, gate.wait, runtime=runtime).run(run_id="w")
        await until(lambda: len(log) == 3)
        draining = asyncio.create_task(runtime.drain(60))
        await refuses(runtime)
        gate.set()
        assert await soon(draining) == []
        assert len(log) == 3
    async with launched(journal_url) as runtime:
        handler = Working(log, runtime=runtime).run(run_id="w")
        assert await soon(handler) == sum(range(9))
        seen = [e.n async for e in handler.stream_events() if isinstance(e, Part)]

    assert sorted(log) == sorted(set(log)) == sorted(f"work {n}" for n in range(9))
    assert sorted(seen) == list(range(9))


def test_a_runtime_that_is_launched_again_takes_runs(
    journal: Path, log: list[str]
) -> None:
    async def twice() -> None:
        runtime = DBOSRuntime(database_url=f"sqlite:///{journal}")
        await runtime.launch()
        await runtime.drain()
        await runtime.destroy()
        async with runtime:
            await soon(Once(log, runtime=runtime).run())

    asyncio.run(twice())
    assert log == ["only"]
