"""Cases of runs that wait for somebody."""

from __future__ import annotations

from typing import Any

from workflows import Context, step
from workflows.events import (
    Event,
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
    WorkflowIdleEvent,
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


class Asked(InputRequiredEvent):
    """A question, with the name of what it asks for."""

    about: str


class Answer(HumanResponseEvent):
    """An answer to it."""

    about: str
    text: str


def answering(about: str, text: str, *, after: int = 1) -> Act:
    """Answer when so many questions were asked."""
    return Act(Asked, sending(Answer(about=about, text=text)), after)


class Waiting(Interruptible):
    """One wait."""

    options: dict[str, Any] = {}  # noqa: RUF012 - the class's own, never changed

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        answer = await ctx.wait_for_event(
            Answer, waiter_event=Asked(about="a"), **self.options
        )
        await self.passing()
        return StopEvent(result=answer.text)


class Choosy(Waiting):
    """A wait that takes one answer of many."""

    options = {"requirements": {"about": "a", "text": "right"}}  # noqa: RUF012


class Identified(Waiting):
    """A wait with an id."""

    options = {"waiter_id": "mine", "timeout": None}  # noqa: RUF012


class Quiet(Interruptible):
    """A wait that asks nothing."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        answer = await ctx.wait_for_event(Answer)
        await self.passing()
        return StopEvent(result=answer)


class Twice(Interruptible):
    """Two waits in one body."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        texts = []
        for about in ("first", "second"):
            answer = await ctx.wait_for_event(
                Answer,
                waiter_event=Asked(about=about),
                requirements={"about": about},
            )
            texts.append(answer.text)
        await self.passing()
        return StopEvent(result=texts)


class Question(Event):
    """What a body asks for."""

    about: str


class Texted(Event):
    """What it was told."""

    about: str
    text: str


class Several(Interruptible):
    """Bodies that wait side by side, each for its own answer."""

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Question | None:
        for about in ("x", "y", "z"):
            ctx.send_event(Question(about=about))
        return None

    @step(num_workers=3)
    async def ask(self, ctx: Context, ev: Question) -> Texted:
        answer = await ctx.wait_for_event(
            Answer,
            waiter_event=Asked(about=ev.about),
            requirements={"about": ev.about},
        )
        if ev.about == "y":
            await self.passing()
        return Texted(about=ev.about, text=answer.text)

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Texted) -> StopEvent | None:
        told = ctx.collect_events(ev, [Texted] * 3)
        if told is None:
            return None
        return StopEvent(result=dict(sorted((t.about, t.text) for t in told)))


class BothWait(Interruptible):
    """Two steps wait for the same class, and both take the answer."""

    @step
    async def left(self, ctx: Context, ev: StartEvent) -> Texted:
        answer = await ctx.wait_for_event(Answer, waiter_event=Asked(about="left"))
        return Texted(about="left", text=answer.text)

    @step
    async def right(self, ctx: Context, ev: StartEvent) -> Texted:
        answer = await ctx.wait_for_event(Answer, waiter_event=Asked(about="right"))
        await self.passing()
        return Texted(about="right", text=answer.text)

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Texted) -> StopEvent | None:
        told = ctx.collect_events(ev, [Texted] * 2)
        return StopEvent(result=sorted(t.about for t in told)) if told else None


class Returned(Interruptible):
    """A question that is returned, and a step that takes the answer."""

    @step
    async def ask(self, ev: StartEvent) -> Asked:
        return Asked(about="a")

    @step
    async def take(self, ctx: Context, ev: Answer) -> StopEvent | Asked:
        count = await ctx.store.get("count", default=0) + 1
        await ctx.store.set("count", count)
        await self.passing(f"answer {count}")
        if ev.text == "again":
            return Asked(about="a")
        return StopEvent(result=[ev.text, count])


CASES = (
    Case(
        "wait_for_event",
        made_from(Waiting),
        script=(answering("a", "yes"),),
    ),
    Case(
        "wait_for_event, ended while it waits",
        made_from(Waiting),
        script=(Act(Asked, sending(Answer(about="a", text="yes"))),),
        interrupt=AfterEvent(Asked),
    ),
    Case(
        "wait_for_event with requirements",
        made_from(Choosy),
        script=(
            Act(WorkflowIdleEvent, sending(Answer(about="b", text="right"))),
            Act(WorkflowIdleEvent, sending(Answer(about="a", text="wrong"))),
            Act(WorkflowIdleEvent, sending(Answer(about="a", text="right"))),
        ),
    ),
    Case(
        "wait_for_event with an id and no timeout",
        made_from(Identified),
        script=(answering("a", "yes"),),
    ),
    Case(
        "wait_for_event without a question",
        made_from(Quiet),
        script=(Act(WorkflowIdleEvent, sending(Answer(about="a", text="yes"))),),
    ),
    Case(
        "two waits in one body",
        made_from(Twice),
        script=(answering("first", "1"), answering("second", "2", after=2)),
    ),
    Case(
        "two waits in one body, ended between them",
        made_from(Twice),
        script=(answering("first", "1"), answering("second", "2", after=2)),
        interrupt=AfterEvent(Asked, 2),
    ),
    Case(
        "several waits side by side",
        made_from(Several),
        script=tuple(answering(about, about * 2, after=3) for about in "zyx"),
        unordered="the order of bodies that begin together is not defined",
    ),
    Case(
        "one answer for two waits",
        made_from(BothWait),
        script=(answering("both", "yes", after=2),),
        unordered="the order of bodies that begin together is not defined",
    ),
    Case(
        "a question returned and an answer taken",
        made_from(Returned),
        script=(answering("a", "again"), answering("a", "done", after=2)),
        interrupt=AfterEvent(Asked, 2),
    ),
    Case(
        "an answer being taken",
        made_from(Returned),
        script=(answering("a", "again"), answering("a", "done", after=2)),
        interrupt=AtGate("answer 2"),
    ),
)
