"""The workflows of the runtime tests.

What a workflow did is in the `log` it was constructed with; a `gate` holds one of its
step bodies open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel
from workflows import Context, Workflow, step
from workflows.events import (
    Event,
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
)
from workflows.retry_policy import retry_policy, stop_after_attempt, wait_none

# -- a counter ----------------------------------------------------------------------


class Tick(Event):
    count: int


class Counted(StopEvent):
    final_count: int


class Logged(Workflow):
    """Base: notes what its bodies do."""

    def __init__(
        self,
        log: list[str] | None = None,
        gate: Callable[[], Awaitable[object]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.log = [] if log is None else log
        self.gate = gate

    async def pass_gate(self) -> None:
        """Wait until the gate opens; without one, go on."""
        if self.gate is not None:
            await self.gate()


class Counter(Logged):
    """Counts to 5 in the store; the gate is before the fourth count."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Tick:
        self.log.append("start")
        await ctx.store.set("count", 0)
        return Tick(count=0)

    @step
    async def increment(self, ctx: Context, ev: Tick) -> Tick | Counted:
        self.log.append(f"increment {ev.count}")
        count = await ctx.store.get("count") + 1
        await ctx.store.set("count", count)
        ctx.write_event_to_stream(Tick(count=count))
        if ev.count == 3:
            await self.pass_gate()
        return Tick(count=count) if count < 5 else Counted(final_count=count)


class Other(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result="other")


class Once(Logged):
    """One step, which passes the gate."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        self.log.append("only")
        await self.pass_gate()
        return StopEvent(result=ev.get("value"))


# -- people -------------------------------------------------------------------------


class Question(InputRequiredEvent):
    text: str


class Answer(HumanResponseEvent):
    text: str


class Approval(HumanResponseEvent):
    by: str
    number: int


class Asking(Logged):
    """Asks by returning an event."""

    @step
    async def ask(self, ev: StartEvent) -> Question:
        self.log.append("ask")
        return Question(text="name?")

    @step
    async def hear(self, ev: Answer) -> StopEvent:
        self.log.append(f"hear {ev.text}")
        return StopEvent(result=ev.text)


class AskingTwice(Logged):
    """Asks two questions one after the other, by waiting."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        first = await ctx.wait_for_event(
            Answer, waiter_event=Question(text="first?"), waiter_id="first"
        )
        second = await ctx.wait_for_event(
            Approval, waiter_event=Question(text="second?"), waiter_id="second"
        )
        return StopEvent(result=[first.text, second.by])


class Approving(Logged):
    """Waits for the approval with the right number."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        approval = await ctx.wait_for_event(
            Approval,
            waiter_event=Question(text="approve 7?"),
            requirements={"number": 7},
        )
        return StopEvent(result=approval.by)


# -- failures -----------------------------------------------------------------------


class OutOfPaperError(Exception):
    """An error of the user's own."""


class Failing(Logged):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        self.log.append("only")
        raise OutOfPaperError("tray 2 is empty")


class Retrying(Logged):
    """Fails twice, then succeeds."""

    fails = 2

    @step(retry_policy=retry_policy(wait=wait_none(), stop=stop_after_attempt(3)))
    async def only(self, ev: StartEvent) -> StopEvent:
        self.log.append("only")
        if len(self.log) <= self.fails:
            raise OutOfPaperError(f"try {len(self.log)}")
        await self.pass_gate()
        return StopEvent(result=len(self.log))


# -- streams ------------------------------------------------------------------------


class Said(Event):
    text: str


class Saying(Logged):
    """Says three things in one body; the gate is before the third."""

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        ctx.write_event_to_stream(Said(text="first"))
        await asyncio.sleep(0)
        ctx.write_event_to_stream(Said(text="second"))
        await self.pass_gate()
        ctx.write_event_to_stream(Said(text="third"))
        return StopEvent(result="said")


# -- stores and shapes --------------------------------------------------------------


class Basket(BaseModel):
    items: list[str] = []
    total: float = 0.0


class Shopping(Logged):
    """A typed store, edited and set; the gate is in the second step."""

    @step
    async def first(self, ctx: Context[Basket], ev: StartEvent) -> Tick:
        async with ctx.store.edit_state() as basket:
            basket.items.append("pear")
            basket.total += 1.5
        return Tick(count=1)

    @step
    async def second(self, ctx: Context[Basket], ev: Tick) -> StopEvent:
        await self.pass_gate()
        async with ctx.store.edit_state() as basket:
            basket.items.append("plum")
            basket.total += 2
        state = await ctx.store.get_state()
        return StopEvent(result=[type(state).__name__, state.items, state.total])


class Appending(Logged):
    """Changes a list it got from the store; the gate is in the last step."""

    @step
    async def first(self, ctx: Context, ev: StartEvent) -> Tick:
        await ctx.store.set("items", ["a"])
        return Tick(count=1)

    @step
    async def second(self, ctx: Context, ev: Tick) -> Counted:
        items = await ctx.store.get("items")
        items.append("b")
        await ctx.store.set("items", items)
        return Counted(final_count=len(items))


class Part(Event):
    number: int


class PartDone(Event):
    number: int


class FanOut(Logged):
    """Sends parts, works on up to two at a time, collects them all."""

    parts = 4
    held: tuple[int, ...] = (2,)

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Part | None:
        self.log.append("split")
        await ctx.store.set("sum", 0)
        for number in range(self.parts):
            ctx.send_event(Part(number=number))
        return None

    @step(num_workers=2)
    async def work(self, ctx: Context, ev: Part) -> PartDone:
        self.log.append(f"work {ev.number}")
        if ev.number in self.held:
            await self.pass_gate()
        async with ctx.store.edit_state() as state:
            state["sum"] += ev.number
        return PartDone(number=ev.number)

    @step
    async def join(self, ctx: Context, ev: PartDone) -> StopEvent | None:
        done = ctx.collect_events(ev, [PartDone] * self.parts)
        if done is None:
            return None
        numbers = sorted(event.number for event in done)
        return StopEvent(result={"numbers": numbers, "sum": await ctx.store.get("sum")})


class Sync(Logged):
    """A step that is no coroutine runs on a thread."""

    @step
    def only(self, ev: StartEvent) -> StopEvent:
        self.log.append("only")
        return StopEvent(result="from a thread")
