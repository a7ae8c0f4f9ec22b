"""Cases of what a run keeps: `ctx.store`, contexts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field
from workflows import Context, Workflow, step
from workflows.events import Event, StartEvent, StopEvent
from workflows.handler import WorkflowHandler

from durable_notebook.testing._case import Case, Interruptible, made_from
from durable_notebook.testing._shapes import SIDE_BY_SIDE


class Item(BaseModel):
    """A model inside of a store."""

    name: str
    price: float = 0.0
    tags: list[str] = Field(default_factory=list)


class Shop(BaseModel):
    """A typed store."""

    items: list[Item] = Field(default_factory=list)
    total: float = 0.0
    opened: datetime | None = None
    codes: dict[int, str] = Field(default_factory=dict)


class Next(Event):
    """Go on."""

    number: int = 0


class Added(Event):
    """A number was added."""

    number: int


class Typed(Interruptible):
    """`Context[State]`."""

    @step
    async def fill(self, ctx: Context[Shop], ev: StartEvent) -> Next:
        async with ctx.store.edit_state() as shop:
            shop.items.append(Item(name="tea", price=2.5, tags=["hot"]))
            shop.opened = datetime(2026, 1, 2, tzinfo=UTC)
            shop.codes[7] = "seven"
        return Next()

    @step
    async def sell(self, ctx: Context[Shop], ev: Next) -> StopEvent:
        await self.passing()
        shop = await ctx.store.get_state()
        await ctx.store.set("total", shop.items[0].price * 2)
        await ctx.store.set("items.0.name", "green tea")
        return StopEvent(result=[shop.items[0].name, shop.codes])


class Nested(Interruptible):
    """Paths into the store, through dictionaries, lists and models."""

    @step
    async def fill(self, ctx: Context, ev: StartEvent) -> Next:
        await ctx.store.set("a.b.c", 1)
        await ctx.store.set("list", [{"x": 1}, {"x": 2}])
        await ctx.store.set("item", Item(name="cup"))
        return Next()

    @step
    async def change(self, ctx: Context, ev: Next) -> StopEvent:
        await self.passing()
        await ctx.store.set("a.b.d", 2)
        await ctx.store.set("list.1.x", 3)
        await ctx.store.set("item.price", 4.5)
        item = await ctx.store.get("item")
        return StopEvent(
            result=[
                await ctx.store.get("a.b"),
                await ctx.store.get("list.1.x"),
                await ctx.store.get("missing", default="none"),
                [type(item).__name__, item.price],
            ]
        )


class Missing(Interruptible):
    """A path that leads nowhere."""

    @step
    async def read(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await self.passing()
        return StopEvent(result=await ctx.store.get("no.such.path"))


class InPlace(Interruptible):
    """What was read is changed, without another call of the store."""

    @step
    async def fill(self, ctx: Context, ev: StartEvent) -> Next:
        await ctx.store.set("items", ["a"])
        return Next()

    @step
    async def change(self, ctx: Context, ev: Next) -> Added:
        items = await ctx.store.get("items")
        items.append("b")
        return Added(number=1)

    @step
    async def again(self, ctx: Context, ev: Added) -> StopEvent:
        await self.passing()
        return StopEvent(result=await ctx.store.get("items"))


class Cleared(Interruptible):
    """A store that is emptied and replaced."""

    @step
    async def fill(self, ctx: Context, ev: StartEvent) -> Next:
        await ctx.store.set("old", 1)
        return Next()

    @step
    async def clear(self, ctx: Context, ev: Next) -> StopEvent:
        await ctx.store.clear()
        await self.passing()
        await ctx.store.set("new", 2)
        return StopEvent()


class Adding(Interruptible):
    """Bodies side by side add to one number."""

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Next | None:
        await ctx.store.set("sum", 0)
        for number in (1, 10, 100):
            ctx.send_event(Next(number=number))
        return None

    @step(num_workers=3)
    async def add(self, ctx: Context, ev: Next) -> Added:
        async with ctx.store.edit_state() as state:
            before = state["sum"]
            await asyncio.sleep(0)
            state["sum"] = before + ev.number
        if ev.number == 10:
            await self.passing()
        return Added(number=ev.number)

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Added) -> StopEvent | None:
        if ctx.collect_events(ev, [Added] * 3) is None:
            return None
        return StopEvent(result=await ctx.store.get("sum"))


class Odd(Interruptible):
    """Values whose types JSON does not have."""

    @step
    async def fill(self, ctx: Context, ev: StartEvent) -> Next:
        await ctx.store.set(ev.kind, _ODD[ev.kind])
        return Next()

    @step
    async def read(self, ctx: Context, ev: Next) -> StopEvent:
        await self.passing()
        state = await ctx.store.get_state()
        [(_, value)] = state.items()
        return StopEvent(result=repr(value))


_ODD: dict[str, Any] = {
    "int keys": {1: "one", "inner": {2: "two"}},
    "tuples": (1, [2, (3,)]),
    "sets": {1, 2},
    "times": datetime(2026, 1, 2, tzinfo=UTC),
    "bytes": b"\x00\xff",
    "models in lists": [Item(name="a"), {"deep": Item(name="b")}],
    "events": Next(number=5),
    "infinity": float("inf"),
}


class Seeded(Interruptible):
    """Begins with what its caller put into the context."""

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await self.passing()
        visits = await ctx.store.get("visits", default=0) + 1
        await ctx.store.set("visits", visits)
        return StopEvent(result=[visits, ev.get("name", "nobody")])


async def _with_seed(
    workflow: Workflow, run_id: str, start: Mapping[str, Any]
) -> WorkflowHandler:
    context: Context[Any] = Context(workflow)
    await context.store.set("visits", 41)
    return workflow.run(ctx=context, run_id=run_id, **start)


async def _after_another(
    workflow: Workflow, run_id: str, start: Mapping[str, Any]
) -> WorkflowHandler:
    # The first run passes no gate: only the second is to be interrupted.
    gate, workflow.gate = workflow.gate, Interruptible.gate  # type: ignore[attr-defined]
    first = workflow.run(run_id=f"{run_id}-first", name="first")
    await first
    workflow.gate = gate  # type: ignore[attr-defined]
    return workflow.run(ctx=first.ctx, run_id=run_id, **start)


async def _after_a_saved_one(
    workflow: Workflow, run_id: str, start: Mapping[str, Any]
) -> WorkflowHandler:
    gate, workflow.gate = workflow.gate, Interruptible.gate  # type: ignore[attr-defined]
    first = workflow.run(run_id=f"{run_id}-first", name="first")
    await first
    workflow.gate = gate  # type: ignore[attr-defined]
    context: Context[Any] = Context.from_dict(workflow, first.ctx.to_dict())
    return workflow.run(ctx=context, run_id=run_id, **start)


CASES = (
    Case("a typed store", made_from(Typed)),
    Case("paths into the store", made_from(Nested)),
    Case("a path that leads nowhere", made_from(Missing)),
    Case("what was read from the store is changed", made_from(InPlace)),
    Case("a store that is emptied", made_from(Cleared)),
    Case("edits of bodies side by side", made_from(Adding), unordered=SIDE_BY_SIDE),
    *(
        Case(f"a store with {kind}", made_from(Odd), start={"kind": kind})
        for kind in _ODD
    ),
    Case("a context with a filled store", made_from(Seeded), begin=_with_seed),
    Case("the context of another run", made_from(Seeded), begin=_after_another),
    Case("a saved context of another run", made_from(Seeded), begin=_after_a_saved_one),
)
