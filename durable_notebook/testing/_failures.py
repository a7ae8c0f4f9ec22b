"""Cases of bodies that fail, and of what is done about it."""

from __future__ import annotations

import threading

from workflows import Context, catch_error, step
from workflows.events import Event, StartEvent, StepFailedEvent, StopEvent
from workflows.retry_policy import (
    retry_if_exception_type,
    retry_policy,
    stop_after_attempt,
    wait_exponential,
    wait_fixed,
    wait_none,
)

from durable_notebook.testing._case import (
    AtGate,
    Case,
    Interruptible,
    made_from,
)


class PaymentError(Exception):
    """An error with fields of its own, whose message is not its argument."""

    def __init__(self, code: int, *, reason: str = "") -> None:
        super().__init__(f"payment {code} refused: {reason}")
        self.code = code


class LockedError(Exception):
    """An error that holds what cannot be pickled."""

    def __init__(self, message: str) -> None:
        super().__init__(message, threading.Lock())

    def __str__(self) -> str:
        return str(self.args[0])


class Tried(Event):
    """A body was tried."""

    number: int


class Repaired(Event):
    """A failure was dealt with."""

    step_name: str
    message: str


def _error(kind: str) -> Exception:
    return {
        "plain": ValueError("a plain error"),
        "key": KeyError("name"),
        "own": PaymentError(7, reason="no money"),
        "locked": LockedError("holds a lock"),
        "empty": RuntimeError(),
        "several": RuntimeError("two", "arguments"),
    }[kind]


class Failing(Interruptible):
    """The second step fails."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Tried:
        await ctx.store.set("kind", ev.kind)
        return Tried(number=0)

    @step
    async def fail(self, ctx: Context, ev: Tried) -> StopEvent:
        await self.passing()
        ctx.write_event_to_stream(ev)
        raise _error(await ctx.store.get("kind"))


class FailingFirst(Interruptible):
    """The first step fails, before anything was stored."""

    @step
    async def fail(self, ev: StartEvent) -> StopEvent:
        await self.passing()
        raise ZeroDivisionError("at once")


class FailingBeside(Interruptible):
    """One of several bodies fails, and the run with it."""

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Tried | None:
        for number in range(3):
            ctx.send_event(Tried(number=number))
        return None

    @step(num_workers=1)
    async def fail(self, ev: Tried) -> StopEvent | None:
        if ev.number == 1:
            await self.passing()
            raise PaymentError(ev.number)
        return None


class NoEvent(Interruptible):
    """A step returns what is no event."""

    @step
    async def start(self, ev: StartEvent) -> StopEvent:
        await self.passing()
        return 5  # type: ignore[return-value]


class Undeclared(Interruptible):
    """A step returns an event that no step takes."""

    @step
    async def start(self, ev: StartEvent) -> StopEvent | None:
        await self.passing()
        return Tried(number=1)  # type: ignore[return-value]


class _Retrying(Interruptible):
    """Fails twice and tells what it knows of that."""

    async def attempt(self, ctx: Context) -> StopEvent:
        info = ctx.retry_info()
        if info.retry_number == 1:
            await self.passing()
        ctx.write_event_to_stream(Tried(number=info.retry_number))
        if info.retry_number < 2:
            raise PaymentError(info.retry_number)
        return StopEvent(result=[info.retry_number, str(info.last_exception)])


class RetryingAtOnce(_Retrying):
    """Without a delay."""

    @step(retry_policy=retry_policy(wait=wait_none(), stop=stop_after_attempt(3)))
    async def work(self, ctx: Context, ev: StartEvent) -> StopEvent:
        return await self.attempt(ctx)


class BackingOff(_Retrying):
    """With delays that grow."""

    @step(
        retry_policy=retry_policy(
            wait=wait_exponential(multiplier=0.01), stop=stop_after_attempt(3)
        )
    )
    async def work(self, ctx: Context, ev: StartEvent) -> StopEvent:
        return await self.attempt(ctx)


class GivingUp(_Retrying):
    """With too few attempts."""

    @step(retry_policy=retry_policy(wait=wait_fixed(0.01), stop=stop_after_attempt(2)))
    async def work(self, ctx: Context, ev: StartEvent) -> StopEvent:
        return await self.attempt(ctx)


class Selective(_Retrying):
    """With a policy that does not mean this error."""

    @step(
        retry_policy=retry_policy(
            retry=retry_if_exception_type(OSError), wait=wait_none()
        )
    )
    async def work(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await self.passing()
        return await self.attempt(ctx)


class BrokenPolicy:
    """A policy that fails itself."""

    def next(
        self,
        elapsed_time: float,
        attempts: int,
        error: Exception,
        *,
        seed: int | None = None,
    ) -> float:
        """Raise instead of deciding."""
        raise LookupError("the policy is broken")


class Undecided(_Retrying):
    """With a policy that raises."""

    @step(retry_policy=BrokenPolicy())
    async def work(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await self.passing()
        return await self.attempt(ctx)


class Caught(Interruptible):
    """A wildcard handler ends the run with what it was told."""

    @step(retry_policy=retry_policy(wait=wait_none(), stop=stop_after_attempt(2)))
    async def work(self, ev: StartEvent) -> StopEvent:
        raise PaymentError(3, reason="always")

    @catch_error
    async def repair(self, ctx: Context, ev: StepFailedEvent) -> StopEvent:
        await self.passing()
        ctx.write_event_to_stream(ev)
        return StopEvent(
            result=[ev.step_name, str(ev.exception), ev.attempts, ev.input_event]
        )


class Recovered(Interruptible):
    """A handler of one step sends the run back, for as often as it may."""

    @step
    async def work(self, ctx: Context, ev: StartEvent | Repaired) -> StopEvent:
        count = await ctx.store.get("count", default=0) + 1
        await ctx.store.set("count", count)
        await self.passing(f"attempt {count}")
        if count < 3:
            raise PaymentError(count)
        return StopEvent(result=count)

    @catch_error(for_steps=["work"], max_recoveries=2)
    async def repair(self, ev: StepFailedEvent) -> Repaired:
        await self.passing("repair")
        return Repaired(step_name=ev.step_name, message=str(ev.exception))


class RecoveredTooOften(Interruptible):
    """The same, with one recovery too few."""

    @step
    async def work(self, ctx: Context, ev: StartEvent | Repaired) -> StopEvent:
        await self.passing(type(ev).__name__)
        raise PaymentError(0)

    @catch_error(for_steps=["work"], max_recoveries=1)
    async def repair(self, ev: StepFailedEvent) -> Repaired:
        return Repaired(step_name=ev.step_name, message=str(ev.exception))


class FailingHandler(Interruptible):
    """A handler fails."""

    @step
    async def work(self, ev: StartEvent) -> StopEvent:
        raise PaymentError(1)

    @catch_error
    async def repair(self, ev: StepFailedEvent) -> StopEvent:
        await self.passing()
        raise RuntimeError(f"could not repair: {ev.exception}") from ev.exception


CASES = (
    *(
        Case(f"a failing step, {kind} error", made_from(Failing), start={"kind": kind})
        for kind in ("plain", "key", "own", "locked", "empty", "several")
    ),
    Case("a failing first step", made_from(FailingFirst)),
    Case("one of several bodies fails", made_from(FailingBeside)),
    Case("a step that returns no event", made_from(NoEvent)),
    Case(
        "a step that returns an event nobody takes",
        made_from(Undeclared, timeout=0.1, disable_validation=True),
    ),
    Case("retries at once", made_from(RetryingAtOnce)),
    Case("retries that back off", made_from(BackingOff)),
    Case("retries that give up", made_from(GivingUp)),
    Case("retries for other errors", made_from(Selective)),
    Case("a retry policy that raises", made_from(Undecided)),
    Case("catch_error ends the run", made_from(Caught)),
    Case(
        "catch_error, ended in the handler",
        made_from(Recovered),
        interrupt=AtGate("repair"),
    ),
    Case("catch_error goes on", made_from(Recovered), interrupt=AtGate("attempt 3")),
    Case(
        "catch_error too often",
        made_from(RecoveredTooOften),
        interrupt=AtGate("Repaired"),
    ),
    Case("catch_error fails", made_from(FailingHandler)),
)
