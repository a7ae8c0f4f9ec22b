"""`handler.ctx`: what the default runtime lets a caller do with it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from process_lives import launched, live, never, soon, until
from sample_workflows import Answer, Counted, Counter, Logged
from workflows import Context, Workflow, step
from workflows.events import InputRequiredEvent, StartEvent, StopEvent

from durable_notebook import DBOSRuntime


class Visited(Workflow):
    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        visits = await ctx.store.get("visits", default=0) + 1
        await ctx.store.set("visits", visits)
        return StopEvent(result=visits)


def test_the_store_of_a_finished_run_is_readable_in_every_life(
    journal_url: str,
) -> None:
    async def use(runtime: DBOSRuntime) -> object:
        handler = Visited(runtime=runtime).run(run_id="v")
        await soon(handler)
        return await handler.ctx.store.get("visits")

    assert live(journal_url, use) == 1
    assert live(journal_url, use) == 1


async def test_a_context_is_used_again_in_another_run(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        workflow = Visited(runtime=runtime)
        context = Context(workflow)

        results = [await soon(workflow.run(ctx=context)) for _ in range(3)]

    assert results == [1, 2, 3]


async def test_the_context_of_a_live_run_goes_on_elsewhere(journal_url: str) -> None:
    """The snapshot has what the run did up to this moment, also what is in flight."""
    log: list[str] = []
    async with launched(journal_url) as runtime:
        handler = Counter(log, never, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)

        running = await handler.ctx.running_steps()
        saved = handler.ctx.to_dict()

    log.clear()
    other = Counter(log)
    result = await soon(other.run(ctx=Context.from_dict(other, saved)))
    assert running == ["increment"]
    assert log == ["increment 3"]
    assert result == Counted(final_count=5)


class Patient(Workflow):
    """Waits for an answer, then tells what its caller has put into the store."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await ctx.wait_for_event(Answer, waiter_event=InputRequiredEvent())
        return StopEvent(result=await ctx.store.get("mine", default=None))


def test_what_a_caller_puts_into_the_store_is_on_disk(journal_url: str) -> None:
    """Though nothing else happens in the run; from the moment it is asked for."""

    async def begin(runtime: DBOSRuntime) -> None:
        handler = Patient(runtime=runtime).run(run_id="p")
        await handler.ctx.store.set("mine", 1)
        await until(lambda: runtime.store.entries("p")[-1].entry.prompts)
        async with handler.ctx.store.edit_state() as state:
            state["mine"] += 1

    async def use(runtime: DBOSRuntime) -> object:
        handler = Patient(runtime=runtime).run(run_id="p")
        await handler.send_event(Answer(text="go on"))
        return await soon(handler)

    live(journal_url, begin)

    assert live(journal_url, use) == 2


class Meddling(Logged):
    """Changes the store of another run and its own, in one body."""

    inner: Workflow

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        handler = self.inner.run()
        await handler.ctx.store.set("mine", "theirs")
        await ctx.store.set("mine", "ours")
        self.log.append("set")
        await self.pass_gate()
        await handler.send_event(Answer(text="go on"))
        return StopEvent(result=[await handler, await ctx.store.get("mine")])


async def test_the_store_of_another_run_is_not_ones_own(journal_url: str) -> None:
    """Nor do edits there count as the body's, of which a re-execution drops some."""
    log: list[str] = []
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        workflow = Meddling(log, gate.wait, runtime=runtime)
        workflow.inner = Patient(runtime=runtime)
        handler = workflow.run(run_id="m")
        await until(lambda: log)
        run = runtime.live("m")
        assert run is not None
        [body] = run.flight.running()
        gate.set()

        assert await soon(handler) == ["theirs", "ours"]
        assert body.edits == 1


async def test_a_finished_run_is_not_running(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Visited(runtime=runtime).run(run_id="v")
        was_running = handler.ctx.is_running
        await soon(handler)

        assert was_running
        assert not handler.ctx.is_running


async def test_a_hard_cancel_is_refused_with_the_way_out(journal: Path) -> None:
    """On one backend: the library warns once in a process."""
    async with launched(f"sqlite:///{journal}") as runtime:
        handler = Visited(runtime=runtime).run(run_id="v")

        with (
            pytest.warns(DeprecationWarning, match="cancel"),
            pytest.raises(NotImplementedError, match=r"await handler\.cancel_run\(\)"),
        ):
            handler.cancel()
        await soon(handler)
