"""What bodies print, handed to the runtime, is kept with the run."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from process_lives import launched, never, soon, until
from sample_workflows import Counter, Logged
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook.client._client import Client
from durable_notebook.runtime import keep_output, take_back_output


class Told(Event):
    pass


class Telling(Logged):
    """Prints in two steps; the gate is in the second."""

    @step
    async def first(self, ev: StartEvent) -> Told:
        self.log.append("first")
        assert keep_output("first\n")
        return Told()

    @step
    async def second(self, ctx: Context, ev: Told) -> StopEvent:
        assert keep_output("second ")
        self.log.append("second")
        await self.pass_gate()
        assert keep_output("\ud800 \x00 end\n")
        return StopEvent(result="told")


async def output(runtime: Any, run_id: str) -> str:
    return await Client(runtime).run(run_id).output()


async def test_it_is_seen_at_once_and_is_on_disk_with_the_result(
    journal_url: str,
) -> None:
    gate = asyncio.Event()
    log: list[str] = []
    async with launched(journal_url) as runtime:
        handler = Telling(log, gate.wait, runtime=runtime).run(run_id="t")
        await until(lambda: "second" in log)
        assert await output(runtime, "t") == "first\nsecond "
        gate.set()
        await soon(handler)
        entries = runtime.store.entries("t")
        assert [e.entry.output for e in entries if e.entry.output] == [
            [["first", "first\n"]],
            [["second", "second \ud800 \x00 end\n"]],
        ]
        assert await output(runtime, "t") == "first\nsecond \ud800 \x00 end\n"
        assert not keep_output("nobody's")
        assert not take_back_output()


async def test_a_body_that_a_crash_interrupted_prints_anew(journal_url: str) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        Telling(log, never, runtime=runtime).run(run_id="t")
        await until(lambda: "second" in log)
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        assert await output(runtime, "t") == "first\n"
        await soon(Telling(log, runtime=runtime).run(run_id="t"))
        reading = await client.read_run("t")
        assert reading.output().text == "first\nsecond \ud800 \x00 end\n"
        assert [part.session for part in reading.output().parts] == [1, 2]
    assert log == ["first", "second", "second"]


async def test_what_is_printed_is_bounded(journal_url: str) -> None:
    class Loud(Logged):
        @step
        async def first(self, ctx: Context, ev: StartEvent) -> Told | StopEvent:
            return await self.say(ctx)

        @step
        async def again(self, ctx: Context, ev: Told) -> Told | StopEvent:
            return await self.say(ctx)

        async def say(self, ctx: Context) -> Told | StopEvent:
            count = await ctx.store.get("count", 0)
            await ctx.store.set("count", count + 1)
            for _ in range(100):
                keep_output("x" * 999 + "\n")
            return Told() if count < 9 else StopEvent()

    async with launched(journal_url) as runtime:
        await soon(Loud(runtime=runtime).run(run_id="l"))
        found = [e.entry.output for e in runtime.store.entries("l")]
        sizes = [len(text) for output in found for _, text in output]
        assert max(sizes) < 17_000
        assert sum(sizes) < 90_000
        assert "83,616 characters are not kept\n" in await output(runtime, "l")


async def test_a_progress_bar_leaves_its_last_state(journal_url: str) -> None:
    class Bar(Logged):
        @step
        async def only(self, ev: StartEvent) -> StopEvent:
            keep_output("\r 0 %")
            for n in range(1, 101):
                keep_output(f"\r{n:3} %")
            keep_output("\nwindows\r\n")
            keep_output("wrong")
            take_back_output()
            keep_output("\r 0 %\r99 %\r")
            return StopEvent()

    async with launched(journal_url) as runtime:
        await soon(Bar(runtime=runtime).run(run_id="b"))
        assert await output(runtime, "b") == "99 %"


async def test_a_sync_step_and_its_threads_print_for_their_run(
    journal_url: str,
) -> None:
    class Sync(Logged):
        @step
        def only(self, ev: StartEvent) -> StopEvent:
            assert threading.current_thread() is not threading.main_thread()
            assert keep_output(f"{ev.get('name')}\n")
            return StopEvent()

    async with launched(journal_url) as runtime:
        workflow = Sync(runtime=runtime)
        names = [f"r{n}" for n in range(8)]
        await soon(
            asyncio.gather(*(workflow.run(run_id=n, name=n) for n in names))  # type: ignore[arg-type]
        )
        assert [await output(runtime, n) for n in names] == [f"{n}\n" for n in names]


async def test_what_is_left_behind_by_a_body_is_its_runs_or_nobodys(
    journal_url: str,
) -> None:
    gate, late = asyncio.Event(), asyncio.Event()
    kept: list[bool] = []

    class Leaving(Logged):
        @step
        async def first(self, ev: StartEvent) -> Told:
            async def later() -> None:
                await gate.wait()
                kept.append(keep_output("late\n"))
                await late.wait()
                kept.append(keep_output("too late\n"))

            self.left = asyncio.create_task(later())
            return Told()

        @step
        async def second(self, ev: Told) -> StopEvent:
            gate.set()
            await until(lambda: kept)
            return StopEvent()

    async with launched(journal_url) as runtime:
        workflow = Leaving(runtime=runtime)
        await soon(workflow.run(run_id="l"))
        late.set()
        await soon(workflow.left)
        assert kept == [True, False]
        assert await output(runtime, "l") == "late\n"


async def test_a_body_that_prints_nothing_adds_nothing(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="c"))
        last = runtime.store.run("c")
        assert last is not None
        assert '"output"' not in (last.last_entry or "")
