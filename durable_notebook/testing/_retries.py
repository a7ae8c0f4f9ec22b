"""Cases of several things at once: waits that are retried, handlers that wait."""

from __future__ import annotations

from workflows import Context, catch_error, step
from workflows.events import (
    StartEvent,
    StepFailedEvent,
    StopEvent,
    WorkflowIdleEvent,
)
from workflows.retry_policy import (
    retry_policy,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
    wait_none,
)

from durable_notebook.testing._case import (
    Act,
    AfterEvent,
    AtGate,
    Case,
    Interruptible,
    made_from,
    sending,
)
from durable_notebook.testing._failures import BackingOff, Tried
from durable_notebook.testing._shapes import Done, Part
from durable_notebook.testing._waits import Answer, Asked, answering

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


class GivingUpInTime(Interruptible):
    """A policy that counts the time since the first attempt."""

    @step(retry_policy=retry_policy(wait=wait_fixed(0.01), stop=stop_after_delay(0.0)))
    async def work(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await self.passing()
        raise OSError(f"attempt {ctx.retry_info().retry_number}")


CASES = (
    Case(
        "retries that back off, ended between two",
        made_from(BackingOff),
        interrupt=AfterEvent(Tried, 2),
    ),
    Case("retries that give up after a time", made_from(GivingUpInTime)),
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
        internal_varies="two bodies that begin again together end in no defined order",
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
)
