"""Cases of how events go from step to step."""

from __future__ import annotations

import asyncio
from typing import Any

from workflows import Context, step
from workflows.events import (
    Event,
    StartEvent,
    StopEvent,
)

from durable_notebook.testing._case import (
    Case,
    Interruptible,
    made_from,
)

SIDE_BY_SIDE = "which of the bodies that run side by side ends first is not defined"


class Count(Event):
    """How far a run has come."""

    number: int


class Part(Event):
    """One of several pieces of work."""

    number: int


class Done(Event):
    """A piece of work that is done."""

    number: int


class Counting(Interruptible):
    """Steps one after the other, with the count in the store and in the stream."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Count:
        await ctx.store.set("count", 0)
        return Count(number=0)

    @step
    async def increment(self, ctx: Context, ev: Count) -> Count | StopEvent:
        if ev.number == 2:
            await self.passing()
        async with ctx.store.edit_state() as state:
            state["count"] += 1
        ctx.write_event_to_stream(Count(number=ev.number))
        if ev.number == 3:
            return StopEvent(result=await ctx.store.get("count"))
        return Count(number=ev.number + 1)


class FewWorkers(Interruptible):
    """Five pieces of work for two workers."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.working = self.most = 0

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Part | None:
        for number in range(5):
            ctx.send_event(Part(number=number))
        return None

    @step(num_workers=2)
    async def work(self, ev: Part) -> Done:
        self.working += 1
        self.most = max(self.most, self.working)
        if ev.number == 1:
            await self.passing()
        await asyncio.sleep(0.005)
        self.working -= 1
        return Done(number=ev.number)

    @step
    async def join(self, ctx: Context, ev: Done) -> StopEvent | None:
        done = ctx.collect_events(ev, [Done] * 5)
        if done is None:
            return None
        return StopEvent(result=[self.most <= 2, sorted(d.number for d in done)])


class OneWorker(Interruptible):
    """One worker: the order is that of the sends."""

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Part | None:
        for number in range(5):
            ctx.send_event(Part(number=number))
        return None

    @step(num_workers=1)
    async def work(self, ctx: Context, ev: Part) -> Done:
        ctx.write_event_to_stream(ev)
        if ev.number == 2:
            await self.passing()
        return Done(number=ev.number)

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Done) -> StopEvent | None:
        done = ctx.collect_events(ev, [Done] * 5)
        return StopEvent(result=[d.number for d in done]) if done else None


class Kinds(Interruptible):
    """Different classes, collected in the expected order and not that of arrival."""

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Part | Done | Count | None:
        for event in (Done(number=1), Count(number=2), Part(number=3), Part(number=4)):
            ctx.send_event(event)
        return None

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Part | Done | Count) -> StopEvent | None:
        if isinstance(ev, Count):
            await self.passing()
        ready = ctx.collect_events(ev, [Part, Count, Done, Part])
        return StopEvent(result=ready) if ready else None


class Buffers(Interruptible):
    """Two buffers in one step."""

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Part | None:
        for number in range(4):
            ctx.send_event(Part(number=number))
        return None

    @step(num_workers=1)
    async def pair(self, ctx: Context, ev: Part) -> Done | None:
        if ev.number == 2:
            await self.passing()
        pair = ctx.collect_events(ev, [Part] * 2, buffer_id=str(ev.number % 2))
        return Done(number=sum(p.number for p in pair)) if pair else None

    @step
    async def join(self, ctx: Context, ev: Done) -> StopEvent | None:
        sums = ctx.collect_events(ev, [Done] * 2)
        return StopEvent(result=sorted(s.number for s in sums)) if sums else None


CASES = (
    Case("steps one after the other", made_from(Counting)),
    Case("num_workers", made_from(FewWorkers), unordered=SIDE_BY_SIDE),
    Case(
        "one worker keeps the order",
        made_from(OneWorker),
        internal_varies="whether a piece of work has to queue is a matter of time",
    ),
    Case("collect_events of several classes", made_from(Kinds)),
    Case(
        "collect_events with buffers",
        made_from(Buffers),
        internal_varies="whether two joins are in flight together is a matter of time",
    ),
)
