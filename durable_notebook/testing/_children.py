"""Cases of workflows that run others."""

from __future__ import annotations

import asyncio
from typing import Any

from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook.testing._case import AtGate, Case, Interruptible, made_from
from durable_notebook.testing._waits import Answer, Asked


class Told(Event):
    """What a child tells."""

    text: str


class Child(Interruptible):
    """The workflow inside."""

    @step
    async def first(self, ctx: Context, ev: StartEvent) -> Told:
        await ctx.store.set("mine", ev.name)
        return Told(text=ev.name)

    @step
    async def second(self, ctx: Context, ev: Told) -> StopEvent:
        ctx.write_event_to_stream(ev)
        await self.passing("in the child")
        if ev.text == "bad":
            raise ValueError("the child failed")
        return StopEvent(result=[ev.text, await ctx.store.get("mine")])


class Parent(Interruptible):
    """Runs children in its bodies."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.child = Child(runtime=options.get("runtime"))

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await ctx.store.set("mine", "parent")
        self.child.gate = self.gate
        handlers = [self.child.run(name=name) for name in ev.names]
        async for event in handlers[0].stream_events():
            if isinstance(event, Told):
                ctx.write_event_to_stream(event)
        results = await asyncio.gather(*handlers)
        await self.passing()
        return StopEvent(result=[results, await ctx.store.get("mine")])


class Asker(Interruptible):
    """A workflow inside that asks."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        answer = await ctx.wait_for_event(Answer, waiter_event=Asked(about="child"))
        await self.passing("in the child")
        return StopEvent(result=answer.text)


class Between(Interruptible):
    """Shows a child's question, and hands the answer on."""

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        child = Asker(runtime=self.runtime)
        child.gate = self.gate
        handler = child.run()
        async for event in handler.stream_events():
            if isinstance(event, Asked):
                ctx.write_event_to_stream(event)
                await handler.send_event(Answer(about="child", text="yes"))
        result = await handler
        await self.passing()
        return StopEvent(result=result)


CASES = (
    Case(
        "a workflow in a step",
        made_from(Parent),
        start={"names": ["one"]},
    ),
    Case(
        "a workflow in a step, ended in that",
        made_from(Parent),
        start={"names": ["one"]},
        interrupt=AtGate("in the child"),
    ),
    Case(
        "two equal workflows in a step",
        made_from(Parent),
        start={"names": ["same", "same"]},
    ),
    Case("a workflow in a step asks", made_from(Between)),
    Case(
        "two workflows in a step",
        made_from(Parent),
        start={"names": ["one", "two"]},
    ),
    Case(
        "a workflow in a step fails",
        made_from(Parent),
        start={"names": ["bad"]},
        interrupt=AtGate("in the child"),
    ),
)
