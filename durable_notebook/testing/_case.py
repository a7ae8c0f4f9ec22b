"""What a case is made of: a workflow, what is done to its run, when a life ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workflows import Workflow
from workflows.events import Event
from workflows.handler import WorkflowHandler
from workflows.runtime.types.plugin import Runtime


@dataclass(eq=False, slots=True)
class Gate:
    """A place in step bodies at which a process life can be ended.

    Without a place it lets every body through.
    """

    place: str | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def passing(self, place: str) -> None:
        """Go through, or stay for ever if the life is to end here."""
        if place == self.place:
            self.reached.set()
            await asyncio.Event().wait()


class Interruptible(Workflow):
    """A workflow whose bodies have places at which its process life can end."""

    gate = Gate()

    async def passing(self, place: str = "middle") -> None:
        """Say that a body has come to a place; call it in the body."""
        await self.gate.passing(place)


@dataclass(frozen=True, slots=True)
class AtGate:
    """End the first life when a body comes to a place (`Interruptible.passing`)."""

    place: str = "middle"


@dataclass(frozen=True, slots=True)
class AfterEvent:
    """End the first life when the stream has this many events of a class."""

    kind: type[Event]
    count: int = 1


@dataclass(frozen=True, slots=True)
class Act:
    """Something done to a run once, when its stream has what it is a reply to."""

    after: type[Event]
    do: Callable[[WorkflowHandler], Awaitable[object]]
    count: int = 1


def sending(event: Event, step: str | None = None) -> Callable[..., Awaitable[object]]:
    """The act of sending an event to a run."""

    async def send(handler: WorkflowHandler) -> None:
        before = asyncio.all_tasks()
        await handler.send_event(event, step)
        # It only starts a task, and a life that ended before that has would lose it.
        await asyncio.gather(*(asyncio.all_tasks() - before))

    return send


def cancelling() -> Callable[..., Awaitable[object]]:
    """The act of cancelling a run."""
    return lambda handler: handler.cancel_run()


def made_from(kind: type[Workflow], **options: Any) -> Callable[[Runtime], Workflow]:
    """A `Case.make` of a class and the options of its constructor."""
    return lambda runtime: kind(runtime=runtime, **options)


async def begin_plainly(
    workflow: Workflow, run_id: str, start: Mapping[str, Any]
) -> WorkflowHandler:
    """Run a workflow, or attach to the run that has this id."""
    return workflow.run(run_id=run_id, **start)


@dataclass(frozen=True, slots=True)
class Case:
    """One behaviour of the default runtime that every runtime must have.

    Args:
        name: What the test of it is called.
        make: Constructs the workflow for a runtime, once in every life.
        start: The arguments of `run`.
        script: What is done to the run from outside, in this order. What one life
            has done the next does not repeat.
        begin: Makes the handler, where that takes more than `run(**start)`.
        interrupt: Where the first of two lives ends; None if there is no middle.
        unordered: Why the order of the stream is not defined, if it is not.
        internal_varies: Why the internal events are not defined, if they are not.
        may_refuse: What a runtime that stores things may name in an error of its
            own, instead of doing what one that keeps them in memory does.
    """

    name: str
    make: Callable[[Runtime], Workflow]
    start: Mapping[str, Any] = field(default_factory=dict)
    script: tuple[Act, ...] = ()
    begin: Callable[[Workflow, str, Mapping[str, Any]], Awaitable[WorkflowHandler]] = (
        begin_plainly
    )
    interrupt: AtGate | AfterEvent | None = AtGate()
    unordered: str = ""
    internal_varies: str = ""
    may_refuse: str = ""
