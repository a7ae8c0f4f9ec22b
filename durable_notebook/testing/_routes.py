"""Cases of which steps an event goes to, and of what a step may be."""

from __future__ import annotations

from workflows import Context, Workflow, step
from workflows.events import (
    StartEvent,
    StopEvent,
    UnhandledEvent,
    WorkflowIdleEvent,
)

from durable_notebook.testing._case import (
    Act,
    Case,
    Interruptible,
    made_from,
    sending,
)
from durable_notebook.testing._shapes import SIDE_BY_SIDE, Done, Part


class Named(Interruptible):
    """Two steps take the event; one of them is named."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Part | None:
        ctx.send_event(Part(number=1), step="right")
        return None

    @step
    async def left(self, ev: Part) -> Done:
        return Done(number=ev.number)

    @step
    async def right(self, ev: Part) -> Done:
        await self.passing()
        return Done(number=ev.number + 10)

    @step
    async def end(self, ev: Done) -> StopEvent:
        return StopEvent(result=ev.number)


class NamedFromOutside(Interruptible):
    """The same, sent by the caller."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Part | None:
        return None

    @step
    async def left(self, ev: Part) -> StopEvent:
        return StopEvent(result="left")

    @step
    async def right(self, ev: Part) -> StopEvent:
        await self.passing()
        return StopEvent(result="right")


class WrongName(Interruptible):
    """A step is named that does not take the event."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await self.passing()
        ctx.send_event(Part(number=1), step="start")
        return StopEvent()


class Broadcast(Interruptible):
    """Every step that takes an event gets it."""

    @step
    async def start(self, ev: StartEvent) -> Part:
        return Part(number=1)

    @step
    async def left(self, ev: Part) -> Done:
        return Done(number=1)

    @step
    async def right(self, ev: Part) -> Done:
        await self.passing()
        return Done(number=2)

    @step
    async def join(self, ctx: Context, ev: Done) -> StopEvent | None:
        both = ctx.collect_events(ev, [Done, Done])
        return StopEvent(result=sorted(d.number for d in both)) if both else None


class SpecialPart(Part):
    """A subclass of what a step takes."""


class Subclasses(Interruptible):
    """A step that takes subclasses too."""

    @step
    async def start(self, ev: StartEvent) -> SpecialPart:
        return SpecialPart(number=5)

    @step(accept_event_subclasses=True)
    async def work(self, ev: Part) -> StopEvent:
        await self.passing()
        return StopEvent(result=ev)


class OnThread(Workflow):
    """Steps that are no coroutines."""

    @step
    def start(self, ctx: Context, ev: StartEvent) -> Part:
        return Part(number=1)

    @step
    def end(self, ev: Part) -> StopEvent:
        return StopEvent(result=ev.number)


class FreeStep(Interruptible):
    """A step that is a function outside of the class."""

    @step
    async def start(self, ev: StartEvent) -> Part:
        await self.passing()
        return Part(number=1)


@step(workflow=FreeStep)
async def free(ev: Part) -> StopEvent:
    """Take the event of `FreeStep`."""
    return StopEvent(result=ev.number)


class Unhandled(Interruptible):
    """An event from outside that no step takes, then one that a step does."""

    @step
    async def start(self, ev: StartEvent) -> None:
        pass

    @step
    async def end(self, ev: Done) -> StopEvent:
        await self.passing()
        return StopEvent(result=ev.number)


CASES = (
    Case("send_event to a named step", made_from(Named)),
    Case(
        "send_event from outside to a named step",
        made_from(NamedFromOutside),
        script=(Act(WorkflowIdleEvent, sending(Part(number=1), step="right")),),
    ),
    Case("send_event to a step that does not take it", made_from(WrongName)),
    Case("an event for two steps", made_from(Broadcast), unordered=SIDE_BY_SIDE),
    Case("accept_event_subclasses", made_from(Subclasses)),
    Case("steps on threads", made_from(OnThread), interrupt=None),
    Case("a step outside of the class", made_from(FreeStep)),
    Case(
        "an event that no step takes",
        made_from(Unhandled, disable_validation=True),
        script=(
            Act(WorkflowIdleEvent, sending(Part(number=9))),
            Act(UnhandledEvent, sending(Done(number=1))),
        ),
    ),
)
