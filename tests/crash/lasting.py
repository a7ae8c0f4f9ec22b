"""The workflows that last: they wait before a retry, for a child, or stream a lot."""

from __future__ import annotations

import asyncio

from workflows import Context, Workflow, step
from workflows.events import Event, StartEvent, StopEvent
from workflows.retry_policy import retry_policy, stop_after_attempt, wait_fixed

from .bodies import began
from .events import Done, Item, Seen

BEATS = 6
CHUNKS = 15
TALKERS = 2


class Beat(Event):
    id: str


class BackOff(Workflow):
    """A step that fails twice and waits between its tries, while others go on."""

    @step
    async def deal(self, ctx: Context, ev: StartEvent) -> Item | Beat | None:
        began("deal", "start")
        ctx.send_event(Item(id="0"))
        ctx.send_event(Beat(id="1"))
        return None

    @step(retry_policy=retry_policy(wait=wait_fixed(0.02), stop=stop_after_attempt(3)))
    async def work(self, ctx: Context, ev: Item) -> Done:
        number = ctx.retry_info().retry_number
        before = ("work", f"0 try {number - 1}")
        began("work", f"0 try {number}", before if number else ("deal", "start"))
        await ctx.store.set("tried", await ctx.store.get("tried", default=0) + 1)
        ctx.write_event_to_stream(Seen(what=f"work try {number}"))
        if number < 2:
            raise ConnectionError("out of reach")
        return Done(id="work")

    @step
    async def beat(self, ctx: Context, ev: Beat) -> Beat | Done:
        number = int(ev.id)
        began("beat", ev.id, ("beat", str(number - 1)) if number > 1 else None)
        async with ctx.store.edit_state() as state:
            state.beats = number
        await asyncio.sleep(0.005)
        return Beat(id=str(number + 1)) if number < BEATS else Done(id="beat")

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Done) -> StopEvent | None:
        began("join", ev.id)
        done = ctx.collect_events(ev, [Done] * 2)
        return None if done is None else StopEvent(result=sorted(d.id for d in done))


class Streaming(Workflow):
    """Two bodies that stream side by side, while commits cut what they have said."""

    @step
    async def deal(self, ctx: Context, ev: StartEvent) -> Item | Beat | None:
        began("deal", "start")
        for number in range(TALKERS):
            ctx.send_event(Item(id=str(number)))
        ctx.send_event(Beat(id="1"))
        return None

    @step(num_workers=TALKERS)
    async def talk(self, ctx: Context, ev: Item) -> Done:
        began("talk", ev.id, ("deal", "start"))
        for number in range(CHUNKS):
            ctx.write_event_to_stream(Seen(what=f"{ev.id} says {number}"))
            await asyncio.sleep(0.001)
        return Done(id=ev.id)

    @step
    async def beat(self, ctx: Context, ev: Beat) -> Beat | Done:
        number = int(ev.id)
        began("beat", ev.id, ("beat", str(number - 1)) if number > 1 else None)
        await asyncio.sleep(0.002)
        return Beat(id=str(number + 1)) if number < BEATS else Done(id="beat")

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Done) -> StopEvent | None:
        began("join", ev.id)
        done = ctx.collect_events(ev, [Done] * (TALKERS + 1))
        return None if done is None else StopEvent(result=sorted(d.id for d in done))


class Child(Workflow):
    """Three steps in a row, with a store of its own."""

    @step
    async def begin(self, ctx: Context, ev: StartEvent) -> Beat:
        began("begin", "start")
        await ctx.store.set("sum", 0)
        return Beat(id="1")

    @step
    async def add(self, ctx: Context, ev: Beat) -> Beat | StopEvent:
        number = int(ev.id)
        began("add", ev.id, ("add", str(number - 1)) if number > 1 else None)
        total = await ctx.store.get("sum") + number
        await ctx.store.set("sum", total)
        return Beat(id=str(number + 1)) if number < 3 else StopEvent(result=total)


class Parent(Workflow):
    """A step that runs another workflow under an id of its own, and waits for it."""

    @step
    async def parent(self, ctx: Context, ev: StartEvent) -> Item:
        began("parent", "start")
        await ctx.store.set("asked", True)
        return Item(id="0")

    @step
    async def call(self, ctx: Context, ev: Item) -> Done:
        began("call", ev.id, ("parent", "start"))
        child = Child(runtime=self.runtime, timeout=None)
        total = await child.run(run_id="r1-child")
        ctx.write_event_to_stream(Seen(what=f"the child says {total}"))
        return Done(id=str(total))

    @step
    async def end(self, ctx: Context, ev: Done) -> StopEvent:
        began("end", ev.id, ("call", "0"))
        await ctx.store.set("total", int(ev.id))
        return StopEvent(result=int(ev.id))
