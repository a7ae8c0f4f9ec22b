"""Cases of waits that give up, and of answers that nobody waits for yet."""

from __future__ import annotations

import asyncio

from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent, UnhandledEvent
from workflows.handler import WorkflowHandler

from durable_notebook.testing._case import (
    Act,
    AfterEvent,
    Case,
    Interruptible,
    made_from,
    sending,
)
from durable_notebook.testing._waits import Answer, Asked, answering


class Impatient(Interruptible):
    """A wait that gives up, with or without a word."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        try:
            await ctx.wait_for_event(
                Answer, waiter_event=Asked(about="a"), timeout=0.05
            )
        except TimeoutError as e:
            await self.passing()
            if ev.get("is_caught", False):
                return StopEvent(result=str(e))
            raise
        return StopEvent(result="answered")


class Strict(Interruptible):
    """A wait that takes one answer, and gives up."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        try:
            await ctx.wait_for_event(
                Answer,
                waiter_event=Asked(about="a"),
                requirements={"about": "a"},
                timeout=0.2,
            )
        except TimeoutError:
            await self.passing()
            return StopEvent(result="nobody")
        return StopEvent(result="answered")


class Begun(Event):
    """A body has begun, and does not wait yet."""


class Late(Interruptible):
    """A body that has a lot to do before it waits."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        if not await ctx.store.get("has begun", default=False):
            await ctx.store.set("has begun", value=True)
            ctx.write_event_to_stream(Begun())
        while not await ctx.store.get("may wait", default=False):  # noqa: ASYNC110
            await asyncio.sleep(0)
        answer = await ctx.wait_for_event(Answer, waiter_event=Asked(about="a"))
        await self.passing()
        return StopEvent(result=answer.text)


async def _let_go(handler: WorkflowHandler) -> None:
    await handler.ctx.store.set("may wait", value=True)


CASES = (
    Case(
        "a wait gives up and the body goes on",
        made_from(Impatient),
        start={"is_caught": True},
    ),
    Case("a wait gives up and the run fails", made_from(Impatient)),
    Case(
        "a wait gives up, ended while it waits",
        made_from(Impatient),
        start={"is_caught": True},
        interrupt=AfterEvent(Asked),
    ),
    Case(
        "a wait with requirements gives up",
        made_from(Strict),
        script=(answering("b", "for somebody else"),),
        internal_varies="on a busy machine the wait may give up before the answer",
    ),
    Case(
        "an answer before its wait has begun is dropped",
        made_from(Late),
        script=(
            Act(Begun, sending(Answer(about="a", text="too early"))),
            Act(UnhandledEvent, _let_go),
            answering("a", "in time"),
        ),
    ),
)
