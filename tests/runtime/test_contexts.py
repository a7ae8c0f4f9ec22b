"""`handler.ctx`: what the default runtime lets a caller do with it."""

from __future__ import annotations

import pytest
from process_lives import launched, live, never, soon, until
from sample_workflows import Counted, Counter
from workflows import Context, Workflow, step
from workflows.events import StartEvent, StopEvent

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


async def test_a_finished_run_is_not_running(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Visited(runtime=runtime).run(run_id="v")
        was_running = handler.ctx.is_running
        await soon(handler)

        assert was_running
        assert not handler.ctx.is_running


async def test_a_hard_cancel_is_refused_with_the_way_out(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Visited(runtime=runtime).run(run_id="v")

        with (
            pytest.warns(DeprecationWarning, match="cancel"),
            pytest.raises(NotImplementedError, match=r"await handler\.cancel_run\(\)"),
        ):
            handler.cancel()
        await soon(handler)
