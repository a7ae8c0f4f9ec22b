"""The workflows that are killed. Each logs every body that begins, and its cause."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from workflows import Context, Workflow, step
from workflows.events import (
    Event,
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
)

from .bodies import began

STEPS = 10
ITEMS = 6


class Seen(Event):
    """What every step streams."""

    what: str


class Question(InputRequiredEvent):
    about: str


class Answer(HumanResponseEvent):
    about: str
    text: str


def answer_to(about: str) -> Answer:
    """What the person at the keyboard answers."""
    return Answer(about=about, text=f"my {about}")


# -- (a) ---------------------------------------------------------------------------


class Count(Event):
    id: str


class Counter(Workflow):
    """Ten steps in a row: each adds one to the store and streams what it has now."""

    @step
    async def first(self, ctx: Context, ev: StartEvent) -> Count:
        began("first", "start")
        await ctx.store.set("total", 0)
        return Count(id="1")

    @step
    async def count(self, ctx: Context, ev: Count) -> Count | StopEvent:
        number = int(ev.id)
        before = ("first", "start") if number == 1 else ("count", str(number - 1))
        began("count", ev.id, before)
        total = await ctx.store.get("total") + 1
        await ctx.store.set("total", total)
        ctx.write_event_to_stream(Seen(what=f"{number} makes {total}"))
        if number == STEPS:
            return StopEvent(result=total)
        return Count(id=str(number + 1))


# -- (b) ---------------------------------------------------------------------------


class Item(Event):
    id: str


class Done(Event):
    id: str


class FanOut(Workflow):
    """Six items for three workers, and a join that collects them."""

    @step
    async def deal(self, ctx: Context, ev: StartEvent) -> Item | None:
        began("deal", "start")
        await ctx.store.set("items", [])
        for number in range(ITEMS):
            ctx.send_event(Item(id=str(number)))
        return None

    @step(num_workers=3)
    async def work(self, ctx: Context, ev: Item) -> Done:
        began("work", ev.id, ("deal", "start"))
        async with ctx.store.edit_state() as state:
            state.made = state.get("made", 0) + 1
        items = await ctx.store.get("items")
        items.append(ev.id)
        await ctx.store.set("items", items)
        ctx.write_event_to_stream(Seen(what=f"made {ev.id}"))
        return Done(id=ev.id)

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Done) -> StopEvent | None:
        began("join", ev.id, ("work", ev.id))
        joined = await ctx.store.get("joined", default=[])
        joined.append(ev.id)
        await ctx.store.set("joined", joined)
        done = ctx.collect_events(ev, [Done] * ITEMS)
        if done is None:
            return None
        return StopEvent(result=[one.id for one in done])


class Half(Event):
    id: str


class Audited(Event):
    id: str


class Interleaved(Workflow):
    """The same with workers that wait between their edits, events and sends."""

    @step
    async def deal(self, ctx: Context, ev: StartEvent) -> Item | None:
        began("deal", "start")
        await ctx.store.set("items", [])
        for number in range(ITEMS):
            ctx.send_event(Item(id=str(number)))
        return None

    @step(num_workers=3)
    async def work(self, ctx: Context, ev: Item) -> Done | Half:
        began("work", ev.id, ("deal", "start"))
        ctx.write_event_to_stream(Seen(what=f"{ev.id} begins"))
        async with ctx.store.edit_state() as state:
            state.begun = state.get("begun", 0) + 1
        await asyncio.sleep(_think(ev.id, 0))
        ctx.send_event(Half(id=ev.id))
        await asyncio.sleep(_think(ev.id, 1))
        ctx.write_event_to_stream(Seen(what=f"{ev.id} is half done"))
        items = await ctx.store.get("items")
        items.append(ev.id)
        await ctx.store.set("items", items)
        await asyncio.sleep(_think(ev.id, 2))
        async with ctx.store.edit_state() as state:
            state.ended = state.get("ended", 0) + 1
        ctx.write_event_to_stream(Seen(what=f"{ev.id} ends"))
        return Done(id=ev.id)

    @step
    async def audit(self, ctx: Context, ev: Half) -> Audited:
        # Sent in the middle of a body that may run again: so it has no cause.
        began("audit", ev.id)
        async with ctx.store.edit_state() as state:
            state.audited = state.get("audited", 0) + 1
        return Audited(id=ev.id)

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Done | Audited) -> StopEvent | None:
        before = "work" if isinstance(ev, Done) else "audit"
        began("join", f"{before} {ev.id}", (before, ev.id))
        done = ctx.collect_events(ev, [Done] * ITEMS + [Audited] * ITEMS)
        if done is None:
            return None
        return StopEvent(result=sorted(one.id for one in done if type(one) is Done))


def _think(given: str, number: int) -> float:
    """How long a model takes to answer: never the same, and the same at every run."""
    return (1 + (5 * int(given) + 3 * number) % 7) / 1000


# -- (c) ---------------------------------------------------------------------------


class Interview(Workflow):
    """One step that waits for two answers, one after the other."""

    @step
    async def interview(self, ctx: Context, ev: StartEvent) -> StopEvent:
        began("interview", "start")
        await ctx.store.set("asked", await ctx.store.get("asked", default=0) + 1)
        heard = []
        for about in ("name", "town"):
            answer = await ctx.wait_for_event(
                Answer,
                waiter_event=Question(about=about),
                waiter_id=about,
                requirements={"about": about},
            )
            began("heard", about)
            heard.append(answer.text)
            ctx.write_event_to_stream(Seen(what=f"{about} is {answer.text}"))
        await ctx.store.set("heard", heard)
        return StopEvent(result=heard)


# -- (d) ---------------------------------------------------------------------------


class Letters(Workflow):
    """A step that returns a question, and another that takes the answer."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> Question:
        began("ask", "start")
        await ctx.store.set("heard", [])
        return Question(about="name")

    @step
    async def hear(self, ctx: Context, ev: Answer) -> Question | StopEvent:
        before = ("ask", "start") if ev.about == "name" else ("hear", "name")
        began("hear", ev.about, before)
        heard = await ctx.store.get("heard")
        heard.append(ev.text)
        await ctx.store.set("heard", heard)
        ctx.write_event_to_stream(Seen(what=f"{ev.about} is {ev.text}"))
        if ev.about == "name":
            return Question(about="town")
        return StopEvent(result=heard)


WORKFLOWS: dict[str, type[Workflow]] = {
    "counter": Counter,
    "fanout": FanOut,
    "interleaved": Interleaved,
    "interview": Interview,
    "letters": Letters,
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a run leaves that nobody interrupts.

    Where workers interleave, the order between them is nobody's promise.
    """

    result: Any
    store: dict[str, Any]
    stream: list[list[Any]]
    answers: list[str] = field(default_factory=list)
    interleaves: bool = False


def _seen(*whats: str) -> list[list[Any]]:
    return [["Seen", {"what": what}] for what in whats]


def _stop(result: Any) -> list[list[Any]]:
    return [["StopEvent", {"result": result}]]


_IDS = [str(number) for number in range(ITEMS)]
_HEARD = ["my name", "my town"]

EXPECTED: dict[str, Expected] = {
    "counter": Expected(
        result=STEPS,
        store={"total": STEPS},
        stream=[
            *_seen(*(f"{n} makes {n}" for n in range(1, STEPS + 1))),
            *_stop(STEPS),
        ],
    ),
    "fanout": Expected(
        result=_IDS,
        store={"items": _IDS, "made": ITEMS, "joined": _IDS},
        stream=[*_seen(*(f"made {n}" for n in _IDS)), *_stop(_IDS)],
    ),
    "interleaved": Expected(
        result=_IDS,
        store={"items": _IDS, "begun": ITEMS, "ended": ITEMS, "audited": ITEMS},
        stream=[
            *_seen(
                *(
                    f"{n} {what}"
                    for n in _IDS
                    for what in ("begins", "is half done", "ends")
                )
            ),
            *_stop(_IDS),
        ],
        interleaves=True,
    ),
    "interview": Expected(
        result=_HEARD,
        # The step runs three times: twice up to an answer it waits for.
        store={"asked": 3, "heard": _HEARD},
        stream=[
            ["Question", {"about": "name"}],
            *_seen("name is my name"),
            ["Question", {"about": "town"}],
            *_seen("name is my name", "town is my town"),
            *_stop(_HEARD),
        ],
        answers=["name", "town"],
    ),
    "letters": Expected(
        result=_HEARD,
        store={"heard": _HEARD},
        stream=[
            ["Question", {"about": "name"}],
            *_seen("name is my name"),
            ["Question", {"about": "town"}],
            *_seen("town is my town"),
            *_stop(_HEARD),
        ],
        answers=["name", "town"],
    ),
}
