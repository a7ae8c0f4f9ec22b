"""The workflows that are measured. Their bodies note the time and do nothing else.

Times are of `perf_counter`, which all processes of a machine share on Linux and macOS.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from workflows import Context, Workflow, step
from workflows.events import (
    Event,
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
)


@dataclass
class Notes:
    """What bodies leave for whoever measures, and where they are told to end."""

    first: float = 0.0
    last: float = 0.0
    bodies: int = 0
    asked: dict[int, float] = field(default_factory=dict)
    answered: dict[int, float] = field(default_factory=dict)
    stop_at: int = 0
    die_at: int = -1
    last_words: Callable[[], None] = lambda: None

    def body(self) -> None:
        """Note that a body runs."""
        self.last = time.perf_counter()
        self.first = self.first or self.last
        self.bodies += 1


notes = Notes()


def forget() -> Notes:
    """Begin a measurement with nothing noted."""
    notes.__init__()  # type: ignore[misc]
    return notes


class Size(StartEvent):
    n: int


class Tick(Event):
    count: int


class Counter(Workflow):
    """As many steps as `notes` says, one after another."""

    @step
    async def begin(self, ctx: Context, ev: StartEvent) -> Tick:
        return Tick(count=0)

    @step
    async def tick(self, ctx: Context, ev: Tick) -> Tick | StopEvent:
        if ev.count == notes.die_at:
            notes.last_words()
            os.kill(os.getpid(), signal.SIGKILL)
        notes.body()
        if ev.count + 1 >= notes.stop_at:
            return StopEvent(result=ev.count + 1)
        return Tick(count=ev.count + 1)


class Job(Event):
    number: int


class Done(Event):
    number: int


class FanOut(Workflow):
    """Jobs for eight workers, collected."""

    @step
    async def split(self, ctx: Context, ev: Size) -> Job | None:
        notes.body()
        for number in range(ev.n):
            ctx.send_event(Job(number=number))
        return None

    @step(num_workers=8)
    async def work(self, ctx: Context, ev: Job) -> Done:
        return Done(number=ev.number)

    @step
    async def join(self, ctx: Context, ev: Done) -> StopEvent | None:
        got = ctx.collect_events(ev, [Done] * notes.stop_at)
        notes.body()
        return None if got is None else StopEvent(result=len(got))


class Progress(Event):
    number: int
    text: str = "forty characters, as a progress line has"


class Publisher(Workflow):
    """One body that publishes events."""

    @step
    async def publish(self, ctx: Context, ev: Size) -> StopEvent:
        notes.body()
        for number in range(ev.n):
            ctx.write_event_to_stream(Progress(number=number))
        return StopEvent(result=ev.n)


class Storer(Workflow):
    """One body that sets a value of the store again and again."""

    @step
    async def fill(self, ctx: Context, ev: Size) -> StopEvent:
        notes.body()
        for number in range(ev.n):
            await ctx.store.set("count", number + 1)
        return StopEvent(result=await ctx.store.get("count"))


class Question(InputRequiredEvent):
    number: int


class Answer(HumanResponseEvent):
    number: int


class Interview(Workflow):
    """Questions to a person, one after another."""

    @step
    async def begin(self, ctx: Context, ev: StartEvent) -> Question:
        notes.asked[0] = time.perf_counter()
        return Question(number=0)

    @step
    async def go_on(self, ctx: Context, ev: Answer) -> Question | StopEvent:
        notes.answered[ev.number] = time.perf_counter()
        if ev.number + 1 >= notes.stop_at:
            return StopEvent(result=ev.number + 1)
        notes.asked[ev.number + 1] = time.perf_counter()
        return Question(number=ev.number + 1)


class One(Event):
    pass


class Two(Event):
    pass


class Three(Event):
    pass


class Four(Event):
    pass


class Five(Workflow):
    """Five steps that do nothing."""

    @step
    async def a(self, ev: StartEvent) -> One:
        return One()

    @step
    async def b(self, ev: One) -> Two:
        return Two()

    @step
    async def c(self, ev: Two) -> Three:
        return Three()

    @step
    async def d(self, ev: Three) -> Four:
        return Four()

    @step
    async def e(self, ev: Four) -> StopEvent:
        return StopEvent(result=5)
