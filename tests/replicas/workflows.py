"""What the replicas run: people are asked in five kinds of workflows.

Each ends with what it has heard and counted, so that its result tells whether an answer
was applied twice or a store edit lost. What a body sleeps for is a model's answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

from workflows import Context, Workflow, step
from workflows.events import (
    Event,
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
)
from workflows.retry_policy import retry_policy, stop_after_attempt, wait_fixed

from .bodies import body

ITEMS = 5
TRIES = 3
QUESTIONS = 3


class Begin(StartEvent):
    name: str


class Question(InputRequiredEvent):
    about: str


class Answer(HumanResponseEvent):
    about: str
    text: str


class Seen(Event):
    what: str


class Item(Event):
    id: str


class Made(Event):
    id: str


def answer_to(about: str) -> Answer:
    """What the person at the keyboard answers."""
    return Answer(about=about, text=f"my {about}")


async def _count(ctx: Context, name: str) -> int:
    async with ctx.store.edit_state() as state:
        state[name] = state.get(name, 0) + 1
        return int(state[name])


class Form(Workflow):
    """Asks by returned events, one after the other."""

    @step
    async def ask(self, ctx: Context, ev: Begin) -> Question:
        with body(ev.name, "ask"):
            await ctx.store.set("name", ev.name)
            return Question(about=f"{ev.name}/0")

    @step
    async def hear(self, ctx: Context, ev: Answer) -> Question | StopEvent:
        run, number = ev.about.rsplit("/", 1)
        before = f"hear {int(number) - 1}" if int(number) else "ask"
        with body(run, f"hear {number}", before):
            heard = await ctx.store.get("heard", default=[])
            heard.append(ev.text)
            await ctx.store.set("heard", heard)
            ctx.write_event_to_stream(Seen(what=ev.about))
            await asyncio.sleep(0.01)
            count = await _count(ctx, "count")
            if count == QUESTIONS:
                return StopEvent(result={"heard": heard, "count": count})
            return Question(about=f"{run}/{count}")


class Talk(Workflow):
    """Asks inside of a body, and once more in a second one."""

    @step
    async def first(self, ctx: Context, ev: Begin) -> Item:
        with body(ev.name, "first"):
            text = await _asked(ctx, f"{ev.name}/0")
            await _count(ctx, "count")
            await ctx.store.set("first", text)
            await asyncio.sleep(0.01)
            ctx.write_event_to_stream(Seen(what=text))
            return Item(id=ev.name)

    @step
    async def second(self, ctx: Context, ev: Item) -> StopEvent:
        with body(ev.id, "second", "first"):
            text = await _asked(ctx, f"{ev.id}/1")
            heard = [await ctx.store.get("first"), text]
            count = await _count(ctx, "count")
            return StopEvent(result={"heard": heard, "count": count})


async def _asked(ctx: Context, about: str) -> str:
    answer = await ctx.wait_for_event(
        Answer,
        waiter_id=about,
        waiter_event=Question(about=about),
        requirements={"about": about},
    )
    return str(answer.text)


class Fan(Workflow):
    """Items for three workers that edit one store, a join, and a person to agree."""

    @step
    async def deal(self, ctx: Context, ev: Begin) -> list[Item]:
        with body(ev.name, "deal"):
            await ctx.store.set("made", [])
            return [Item(id=f"{ev.name}/{number}") for number in range(ITEMS)]

    @step(num_workers=3)
    async def work(self, ctx: Context, ev: Item) -> Made:
        run, number = ev.id.rsplit("/", 1)
        with body(run, f"work {number}", "deal"):
            ctx.write_event_to_stream(Seen(what=f"{number} begins"))
            await _count(ctx, "begun")
            await asyncio.sleep(0.01 * (1 + int(number)))
            made = await ctx.store.get("made")
            made.append(number)
            await ctx.store.set("made", made)
            ctx.write_event_to_stream(Seen(what=f"{number} ends"))
            return Made(id=ev.id)

    @step
    async def join(self, ctx: Context, ev: list[Made]) -> Question:
        run = ev[0].id.rsplit("/", 1)[0]
        with body(run, "join"):
            return Question(about=f"{run}/0")

    @step
    async def agree(self, ctx: Context, ev: Answer) -> StopEvent:
        run = ev.about.rsplit("/", 1)[0]
        with body(run, "agree", "join"):
            made = sorted(await ctx.store.get("made"))
            count = await ctx.store.get("begun")
            result = {"heard": [ev.text], "made": made, "count": count}
            return StopEvent(result=result)


class Flaky(Workflow):
    """Fails twice after it has edited and streamed, then asks."""

    @step(
        retry_policy=retry_policy(wait=wait_fixed(0.1), stop=stop_after_attempt(TRIES))
    )
    async def call(self, ctx: Context, ev: Begin) -> Question:
        number = ctx.retry_info().retry_number
        before = f"try {number - 1}" if number else None
        with body(ev.name, f"try {number}", before):
            await _count(ctx, "count")
            ctx.write_event_to_stream(Seen(what=f"try {number}"))
            await asyncio.sleep(0.02)
            if number < TRIES - 1:
                raise ConnectionError(f"{ev.name} is out of reach")
            return Question(about=f"{ev.name}/0")

    @step
    async def hear(self, ctx: Context, ev: Answer) -> StopEvent:
        run = ev.about.rsplit("/", 1)[0]
        with body(run, "hear", f"try {TRIES - 1}"):
            count = await ctx.store.get("count")
            return StopEvent(result={"heard": [ev.text], "count": count})


class Parent(Workflow):
    """Awaits a run of another workflow, which asks."""

    @step
    async def begin(self, ctx: Context, ev: Begin) -> Item:
        with body(ev.name, "begin"):
            await ctx.store.set("name", ev.name)
            return Item(id=ev.name)

    @step
    async def call(self, ctx: Context, ev: Item) -> StopEvent:
        with body(ev.id, "call", "begin"):
            child = Form(runtime=self.runtime, timeout=None)
            found: dict[str, Any] = await child.run(
                start_event=Begin(name=f"{ev.id}/child")
            )
            count = await _count(ctx, "count")
            return StopEvent(result={"heard": found["heard"], "count": count})


KINDS: dict[str, type[Workflow]] = {
    "form": Form,
    "talk": Talk,
    "fan": Fan,
    "flaky": Flaky,
    "parent": Parent,
}

# Bodies that are executed anew for an answer: they may begin after what they caused.
WAITING = ("first", "second")


def abouts(name: str) -> list[str]:
    """What a run asks, in order."""
    kind = name.split("-", maxsplit=1)[0]
    inside = f"{name}/child" if kind == "parent" else name
    numbers = {"form": QUESTIONS, "parent": QUESTIONS, "talk": 2}.get(kind, 1)
    return [f"{inside}/{number}" for number in range(numbers)]


def expected(name: str) -> dict[str, Any]:
    """What a run gives that nobody interrupts."""
    kind = name.split("-", maxsplit=1)[0]
    heard = [f"my {about}" for about in abouts(name)]
    counts = {"form": QUESTIONS, "talk": 2, "fan": ITEMS, "flaky": TRIES, "parent": 1}
    found: dict[str, Any] = {"heard": heard, "count": counts[kind]}
    if kind == "fan":
        found["made"] = [str(number) for number in range(ITEMS)]
    return found
