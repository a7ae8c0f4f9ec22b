"""Cases of several things at once: waits that are retried, handlers that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from workflows import Context, Workflow, catch_error, step
from workflows.context.serializers import JsonSerializer
from workflows.events import (
    Event,
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StepFailedEvent,
    StopEvent,
    UnhandledEvent,
    WorkflowIdleEvent,
)
from workflows.handler import WorkflowHandler
from workflows.retry_policy import retry_policy, stop_after_attempt, wait_none

from durable_notebook.testing._case import (
    Act,
    AfterEvent,
    AtGate,
    Case,
    Interruptible,
    made_from,
    sending,
)
from durable_notebook.testing._shapes import Count, Counting, Done, Part
from durable_notebook.testing._waits import Answer, Asked, Waiting, answering

_TWICE = retry_policy(wait=wait_none(), stop=stop_after_attempt(2))


class WaitRetried(Interruptible):
    """A body fails after its answer, and has the answer again."""

    @step(retry_policy=_TWICE)
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        answer = await ctx.wait_for_event(Answer, waiter_event=Asked(about="a"))
        number = ctx.retry_info().retry_number
        await self.passing(f"attempt {number}")
        if number == 0:
            raise OSError("once")
        return StopEvent(result=[answer.text, number])


class CollectRetried(Interruptible):
    """A body fails with what it has collected, and has it again."""

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Part | None:
        for number in range(3):
            ctx.send_event(Part(number=number))
        return None

    @step(num_workers=1, retry_policy=_TWICE)
    async def join(self, ctx: Context, ev: Part) -> StopEvent | None:
        parts = ctx.collect_events(ev, [Part] * 3)
        if parts is None:
            return None
        number = ctx.retry_info().retry_number
        await self.passing(f"attempt {number}")
        if number == 0:
            raise OSError("once")
        return StopEvent(result=[p.number for p in parts])


class SendsRetried(Interruptible):
    """A body fails after it has sent: the send counts, and the next attempt's too."""

    @step(retry_policy=_TWICE)
    async def send(self, ctx: Context, ev: StartEvent) -> Part | None:
        number = ctx.retry_info().retry_number
        ctx.send_event(Part(number=number))
        await ctx.store.set(f"attempt {number}", value=True)
        await self.passing(f"attempt {number}")
        if number == 0:
            raise OSError("once")
        return None

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Part) -> StopEvent | None:
        parts = ctx.collect_events(ev, [Part] * 2)
        return StopEvent(result=[p.number for p in parts]) if parts else None


class WaitInHandler(Interruptible):
    """A person says what becomes of a failure."""

    @step
    async def work(self, ev: StartEvent | Part) -> StopEvent:
        if isinstance(ev, StartEvent):
            raise OSError("not without help")
        await self.passing()
        return StopEvent(result=ev.number)

    @catch_error
    async def repair(self, ctx: Context, ev: StepFailedEvent) -> Part:
        answer = await ctx.wait_for_event(Answer, waiter_event=Asked(about="repair"))
        return Part(number=len(answer.text))


class TwoHandlers(Interruptible):
    """One handler for a step and one for the others."""

    @step
    async def first(self, ev: StartEvent) -> Part:
        raise OSError("first")

    @step
    async def second(self, ev: Part) -> StopEvent:
        raise LookupError("second")

    @catch_error(for_steps=["first"])
    async def mend(self, ev: StepFailedEvent) -> Part:
        return Part(number=ev.attempts)

    @catch_error
    async def end(self, ev: StepFailedEvent) -> StopEvent:
        await self.passing()
        return StopEvent(result=f"{ev.step_name}: {ev.exception}")


class OneByOne(Interruptible):
    """One worker waits for a person; the other work goes on meanwhile."""

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Part | None:
        for number in range(3):
            ctx.send_event(Part(number=number))
        return None

    @step(num_workers=1)
    async def work(self, ctx: Context, ev: Part) -> Done:
        if ev.number == 0:
            answer = await ctx.wait_for_event(Answer, waiter_event=Asked(about="0"))
            return Done(number=len(answer.text))
        return Done(number=10 * ev.number)

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Done) -> StopEvent | None:
        done = ctx.collect_events(ev, [Done] * 3)
        if done is None:
            return None
        await self.passing()
        return StopEvent(result=[d.number for d in done])


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


CASES = (
    Case(
        "a wait that is retried",
        made_from(WaitRetried),
        script=(answering("a", "yes"),),
        interrupt=AtGate("attempt 0"),
    ),
    Case(
        "a wait that is retried, ended in the second attempt",
        made_from(WaitRetried),
        script=(answering("a", "yes"),),
        interrupt=AtGate("attempt 1"),
    ),
    Case(
        "collected events that are retried",
        made_from(CollectRetried),
        interrupt=AtGate("attempt 1"),
    ),
    Case(
        "sends that are retried", made_from(SendsRetried), interrupt=AtGate("attempt 0")
    ),
    Case(
        "sends that are retried, ended in the second attempt",
        made_from(SendsRetried),
        interrupt=AtGate("attempt 1"),
    ),
    Case(
        "a wait in an error handler",
        made_from(WaitInHandler),
        script=(answering("repair", "four"),),
    ),
    Case(
        "a wait in an error handler, ended while it waits",
        made_from(WaitInHandler),
        script=(answering("repair", "four"),),
        interrupt=AfterEvent(Asked),
    ),
    Case("two error handlers", made_from(TwoHandlers)),
    Case(
        "a wait of one worker",
        made_from(OneByOne),
        script=(Act(WorkflowIdleEvent, sending(Answer(about="0", text="seven"))),),
        internal_varies="whether a piece of work has to queue is a matter of time",
    ),
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
)
