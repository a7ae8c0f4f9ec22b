"""Cases of what a caller may do: to a run from outside, and to a workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from workflows import Context, Workflow, step
from workflows.context.serializers import JsonSerializer
from workflows.events import (
    Event,
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
    UnhandledEvent,
    WorkflowIdleEvent,
)
from workflows.handler import WorkflowHandler

from durable_notebook.testing._case import (
    Act,
    AfterEvent,
    Case,
    Interruptible,
    made_from,
    sending,
)
from durable_notebook.testing._shapes import Count, Counting, Part
from durable_notebook.testing._waits import Answer, Asked, Waiting, answering


class Untyped(Interruptible):
    """The library's own classes for a person, with fields that are made up."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> InputRequiredEvent:
        await ctx.store.set("asked", value=True)
        question: Any = InputRequiredEvent
        asked: InputRequiredEvent = question(prefix="Your name? ")
        return asked

    @step
    async def take(self, ev: HumanResponseEvent) -> StopEvent:
        await self.passing()
        return StopEvent(result=ev.response)


_answer: Any = HumanResponseEvent


class OwnResult(StopEvent):
    """A stop event that says itself what the result is."""

    first: int
    second: int

    def _get_result(self) -> int:
        return self.first + self.second


class Summing(Interruptible):
    """Ends with one."""

    @step
    async def only(self, ev: StartEvent) -> OwnResult:
        await self.passing()
        return OwnResult(first=1, second=2)


class EditFails(Interruptible):
    """What is edited before an error is not stored."""

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await ctx.store.set("number", 1)
        try:
            async with ctx.store.edit_state() as state:
                state["number"] = 2
                raise LookupError("in the middle")
        except LookupError:
            await self.passing()
        return StopEvent(result=await ctx.store.get("number"))


class Cancelling(Interruptible):
    """A body that cancels itself."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        await self.passing()
        raise asyncio.CancelledError


class Inheriting(Counting):
    """A workflow that takes its steps from another."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Count:  # type: ignore[override]
        await ctx.store.set("count", 10)
        return Count(number=1)


class Ambient(Interruptible):
    """A function that is given no context finds it."""

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await self.passing()
        _tell("found")
        return StopEvent()


class Found(Event):
    """What it tells."""

    text: str


def _tell(text: str) -> None:
    Context.get_step_context().write_event_to_stream(Found(text=text))


async def _sent_at_once(
    workflow: Workflow, run_id: str, start: Mapping[str, Any]
) -> WorkflowHandler:
    handler = workflow.run(run_id=run_id, **start)
    await handler.send_event(Part(number=3))
    return handler


async def _cancelled_at_once(
    workflow: Workflow, run_id: str, start: Mapping[str, Any]
) -> WorkflowHandler:
    handler = workflow.run(run_id=run_id, **start)
    await handler.cancel_run()
    return handler


class Taking(Interruptible):
    """Waits for events that come from outside, two of them."""

    @step
    async def start(self, ev: StartEvent) -> None:
        pass

    @step(num_workers=1)
    async def take(self, ctx: Context, ev: Part) -> StopEvent:
        await self.passing()
        return StopEvent(result=ev.number)


class Sharing(Interruptible):
    """Waits, and tells what its caller has put into the store meanwhile."""

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await ctx.store.set("asked", value=True)
        await ctx.wait_for_event(Answer, waiter_event=Asked(about="a"))
        await self.passing()
        return StopEvent(result=await ctx.store.get("caller", default="nothing"))


async def _put(handler: WorkflowHandler) -> None:
    asked = await handler.ctx.store.get("asked")
    await handler.ctx.store.set("caller.saw", asked)


async def _put_at_once(
    workflow: Workflow, run_id: str, start: Mapping[str, Any]
) -> WorkflowHandler:
    handler = workflow.run(run_id=run_id, **start)
    await handler.ctx.store.set("caller", "at once")
    return handler


CASES = (
    Case(
        "a question and an answer of no class",
        made_from(Untyped),
        script=(Act(InputRequiredEvent, sending(_answer(response="me"))),),
        interrupt=AfterEvent(InputRequiredEvent),
    ),
    Case("a stop event with a result of its own", made_from(Summing)),
    Case("an edit that fails", made_from(EditFails)),
    Case("a body that cancels itself", made_from(Cancelling, timeout=0.1)),
    Case("inherited steps", made_from(Inheriting), interrupt=None),
    Case("the context of the step that runs", made_from(Ambient)),
    Case("no timeout", made_from(Counting, timeout=None)),
    Case("verbose", made_from(Counting, verbose=True)),
    Case(
        "a serializer of the workflow's own",
        made_from(Counting, serializer=JsonSerializer()),
    ),
    Case("a workflow with a name", made_from(Counting, workflow_name="named")),
    Case(
        "an event that is sent at once",
        made_from(Taking, disable_validation=True),
        begin=_sent_at_once,
        interrupt=None,
        internal_varies="the event comes before or after the first step's end",
    ),
    Case(
        "a run that is cancelled at once",
        made_from(Waiting),
        begin=_cancelled_at_once,
        interrupt=None,
        internal_varies="the cancellation comes before or after the first step begins",
    ),
    Case(
        "a stop event from outside",
        made_from(Waiting),
        script=(
            Act(WorkflowIdleEvent, sending(StopEvent(result="no"))),
            Act(UnhandledEvent, sending(Answer(about="a", text="yes"))),
        ),
        interrupt=None,
    ),
    Case(
        "a caller changes the store of a waiting run",
        made_from(Sharing),
        script=(Act(Asked, _put), answering("a", "go on")),
    ),
    Case(
        "a caller changes the store at once",
        made_from(Sharing),
        begin=_put_at_once,
        script=(answering("a", "go on"),),
    ),
)
