"""The workflows that are killed. Each logs every body that begins, and its cause.

What a step sleeps for is a model's time to answer: it makes bodies overlap.
"""

from __future__ import annotations

import asyncio

from workflows import Context, Workflow, step
from workflows.events import Event, StartEvent, StopEvent
from workflows.retry_policy import retry_policy, stop_after_attempt, wait_fixed

from .asking import Duet, Interview, Letters, Panel, Spoken
from .bodies import began
from .events import Done, Item, Seen, model_s
from .lasting import BackOff, Parent, Streaming

STEPS = 10
ITEMS = 6
TRIES = 3


class Count(Event):
    id: str


class Half(Event):
    id: str


class Audited(Event):
    id: str


class Counter(Workflow):
    """Ten steps in a row: each adds one to the store and streams what it has now."""

    @step
    async def first(self, ctx: Context, ev: StartEvent) -> Count:
        began("first", "start")
        await ctx.store.set("total", 0)
        return Count(id="1")

    @step
    async def count(self, ctx: Context, ev: Count) -> Count | StopEvent:
        number = int(ev.id)
        before = ("first", "start") if number == 1 else ("count", str(number - 1))
        began("count", ev.id, before)
        total = await ctx.store.get("total") + 1
        await ctx.store.set("total", total)
        ctx.write_event_to_stream(Seen(what=f"{number} makes {total}"))
        if number == STEPS:
            return StopEvent(result=total)
        return Count(id=str(number + 1))


class FanOut(Workflow):
    """Six items for three workers, and a join that collects them, all in order."""

    @step
    async def deal(self, ctx: Context, ev: StartEvent) -> Item | None:
        began("deal", "start")
        await ctx.store.set("items", [])
        for number in range(ITEMS):
            ctx.send_event(Item(id=str(number)))
        return None

    @step(num_workers=3)
    async def work(self, ctx: Context, ev: Item) -> Done:
        began("work", ev.id, ("deal", "start"))
        async with ctx.store.edit_state() as state:
            state.made = state.get("made", 0) + 1
        items = await ctx.store.get("items")
        items.append(ev.id)
        await ctx.store.set("items", items)
        ctx.write_event_to_stream(Seen(what=f"{ev.id} is made"))
        return Done(id=ev.id)

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Done) -> StopEvent | None:
        began("join", ev.id, ("work", ev.id))
        joined = await ctx.store.get("joined", default=[])
        joined.append(ev.id)
        await ctx.store.set("joined", joined)
        done = ctx.collect_events(ev, [Done] * ITEMS)
        if done is None:
            return None
        return StopEvent(result=[one.id for one in done])


class Interleaved(Workflow):
    """The same with workers that wait between their edits, events and sends."""

    @step
    async def deal(self, ctx: Context, ev: StartEvent) -> Item | None:
        began("deal", "start")
        await ctx.store.set("items", [])
        for number in range(ITEMS):
            ctx.send_event(Item(id=str(number)))
        return None

    @step(num_workers=3)
    async def work(self, ctx: Context, ev: Item) -> Done | Half:
        began("work", ev.id, ("deal", "start"))
        ctx.write_event_to_stream(Seen(what=f"{ev.id} begins"))
        async with ctx.store.edit_state() as state:
            state.begun = state.get("begun", 0) + 1
        await asyncio.sleep(model_s(ev.id, 0))
        ctx.send_event(Half(id=f"{ev.id}a"))
        await asyncio.sleep(model_s(ev.id, 1))
        ctx.write_event_to_stream(Seen(what=f"{ev.id} is half done"))
        items = await ctx.store.get("items")
        items.append(ev.id)
        await ctx.store.set("items", items)
        await asyncio.sleep(model_s(ev.id, 2))
        ctx.send_event(Half(id=f"{ev.id}b"))
        async with ctx.store.edit_state() as state:
            state.ended = state.get("ended", 0) + 1
        ctx.write_event_to_stream(Seen(what=f"{ev.id} ends"))
        return Done(id=ev.id)

    @step
    async def audit(self, ctx: Context, ev: Half) -> Audited:
        # Sent in the middle of a body that may run again: so it has no cause.
        began("audit", ev.id)
        async with ctx.store.edit_state() as state:
            state.audited = state.get("audited", 0) + 1
        return Audited(id=ev.id)

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Done | Audited) -> StopEvent | None:
        began("join", ev.id, ("work" if isinstance(ev, Done) else "audit", ev.id))
        done = ctx.collect_events(ev, [Done] * ITEMS + [Audited] * (2 * ITEMS))
        if done is None:
            return None
        return StopEvent(result=sorted(one.id for one in done))


class Retries(Workflow):
    """Workers that fail twice each, after they have edited, streamed and sent."""

    @step
    async def deal(self, ctx: Context, ev: StartEvent) -> list[Item]:
        began("deal", "start")
        return [Item(id=str(number)) for number in range(2)]

    @step(
        retry_policy=retry_policy(
            wait=wait_fixed(0.002), stop=stop_after_attempt(TRIES)
        )
    )
    async def work(self, ctx: Context, ev: Item) -> Done:
        number = ctx.retry_info().retry_number
        before = ("work", f"{ev.id} try {number - 1}")
        began("work", f"{ev.id} try {number}", before if number else ("deal", "start"))
        async with ctx.store.edit_state() as state:
            state.tried = state.get("tried", 0) + 1
        ctx.write_event_to_stream(Seen(what=f"{ev.id} try {number}"))
        await asyncio.sleep(model_s(ev.id, number))
        async with ctx.store.edit_state() as state:
            state.tried_on = state.get("tried_on", 0) + 1
        if number < TRIES - 1:
            raise ConnectionError(f"{ev.id} is out of reach")
        return Done(id=ev.id)

    @step
    async def join(self, ctx: Context, ev: list[Done]) -> StopEvent:
        began("join", "all")
        return StopEvent(result=sorted(one.id for one in ev))


class Fails(Workflow):
    """A run that ends with an error, after a step that was fine."""

    @step
    async def first(self, ctx: Context, ev: StartEvent) -> Count:
        began("first", "start")
        await ctx.store.set("total", 1)
        return Count(id="1")

    @step
    async def second(self, ctx: Context, ev: Count) -> StopEvent:
        began("second", ev.id, ("first", "start"))
        ctx.write_event_to_stream(Seen(what="1 begins"))
        raise LookupError("no such thing")


WORKFLOWS: dict[str, type[Workflow]] = {
    "counter": Counter,
    "fanout": FanOut,
    "interleaved": Interleaved,
    "retries": Retries,
    "fails": Fails,
    "backoff": BackOff,
    "streaming": Streaming,
    "parent": Parent,
    "interview": Interview,
    "spoken": Spoken,
    "panel": Panel,
    "letters": Letters,
    "duet": Duet,
}
