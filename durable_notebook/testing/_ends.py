"""Cases of runs that are ended: by their caller, or by their timeout."""

from __future__ import annotations

import asyncio

from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook.testing._case import (
    Act,
    AfterEvent,
    Case,
    Interruptible,
    cancelling,
    made_from,
)
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


CASES = (
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
