"""A body that is executed again reads the store as it was when it first began."""

from __future__ import annotations

import asyncio

from process_lives import launched, never, soon, until
from sample_workflows import Logged
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import DBOSRuntime


class Seen(Event):
    pass


class Listing(Logged):
    """Changes the store, tells of it, passes the gate, and returns what it has read."""

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        items = await ctx.store.get("items", default=[])
        items.append("one")
        await ctx.store.set("items", items)
        async with ctx.store.edit_state() as state:
            state["count"] = state.get("count", 0) + 1
            count = state["count"]
        ctx.write_event_to_stream(Seen())
        await self.pass_gate()
        return StopEvent(result={"items": items, "count": count})


async def read_one(runtime: DBOSRuntime, run_id: str) -> None:
    """Read up to what the body tells: it is on disk then."""
    async for event in runtime.stream(run_id, is_exact=True):
        if isinstance(event, Seen):
            return


async def test_a_reader_in_the_middle_of_a_body_changes_no_result(
    journal_url: str,
) -> None:
    """What the reader waits for is on disk, and the store not before the body ends."""
    async with launched(journal_url) as runtime:
        Listing(gate=never, runtime=runtime).run(run_id="r")
        await until(lambda: runtime.live("r"))
        await soon(read_one(runtime, "r"))
    async with launched(journal_url) as runtime:
        gate = asyncio.Event()
        handler = Listing(gate=gate.wait, runtime=runtime).run(run_id="r")
        await until(lambda: runtime.live("r"))
        await soon(read_one(runtime, "r"))
        gate.set()
        result = await soon(handler)
        stored = [await handler.ctx.store.get(name) for name in ("items", "count")]
        events = [e async for e in runtime.stream("r") if isinstance(e, Seen)]

    assert result == {"items": ["one"], "count": 1}
    assert stored == [["one"], 1]
    assert events == [Seen()]
