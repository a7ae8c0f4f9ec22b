"""Cases of runs that are ended: by their caller, or by their timeout."""

from __future__ import annotations

import asyncio

from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent
from workflows.retry_policy import retry_policy, stop_after_attempt, wait_fixed

from durable_notebook.testing._case import (
    Act,
    AfterEvent,
    Case,
    Interruptible,
    cancelling,
    made_from,
)
from durable_notebook.testing._shapes import SIDE_BY_SIDE, Part
from durable_notebook.testing._waits import Asked, Waiting


class Begun(Event):
    """A body has begun."""


class Held(Interruptible):
    """A body that does not end by itself."""

    @step
    async def hold(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await ctx.store.set("begun", value=True)
        await self.passing()
        ctx.write_event_to_stream(Begun())
        await asyncio.Event().wait()
        return StopEvent(result="never")


class BackingOffLong(Interruptible):
    """Fails, and will not try again for an hour."""

    @step(
        retry_policy=retry_policy(wait=wait_fixed(3600.0), stop=stop_after_attempt(2))
    )
    async def work(self, ctx: Context, ev: StartEvent) -> StopEvent:
        ctx.write_event_to_stream(Begun())
        raise OSError("out of reach")


class HeldBeside(Interruptible):
    """Bodies that do not end by themselves, and work that waits for a worker."""

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Part | None:
        for number in range(3):
            ctx.send_event(Part(number=number))
        return None

    @step(num_workers=2)
    async def hold(self, ctx: Context, ev: Part) -> StopEvent:
        ctx.write_event_to_stream(ev)
        if ev.number == 1:
            await self.passing()
        await asyncio.Event().wait()
        return StopEvent(result="never")


CASES = (
    Case(
        "cancel_run while a retry backs off",
        made_from(BackingOffLong),
        script=(Act(Begun, cancelling()),),
        interrupt=AfterEvent(Begun),
    ),
    Case(
        "cancel_run while several bodies run",
        made_from(HeldBeside),
        script=(Act(Part, cancelling(), 2),),
        unordered=SIDE_BY_SIDE,
    ),
    Case(
        "the workflow's timeout while a retry backs off",
        made_from(BackingOffLong, timeout=0.15),
        interrupt=None,
    ),
    Case(
        "cancel_run while a body runs",
        made_from(Held),
        script=(Act(Begun, cancelling()),),
    ),
    Case(
        "cancel_run while a run waits",
        made_from(Waiting),
        script=(Act(Asked, cancelling()),),
        interrupt=AfterEvent(Asked),
    ),
    Case(
        "the workflow's timeout while a body runs",
        made_from(Held, timeout=0.15),
    ),
    Case(
        "the workflow's timeout while a run waits",
        made_from(Waiting, timeout=0.15),
        interrupt=AfterEvent(Asked),
    ),
)
