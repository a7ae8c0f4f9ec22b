"""The workflows that ask a person, and wait."""

from __future__ import annotations

import asyncio
from typing import Any

from workflows import Context, Workflow, step
from workflows.events import StartEvent, StopEvent

from .bodies import began, heard
from .events import Answer, Done, Item, Question, Seen, model_s

PANEL = 3


class Interview(Workflow):
    """One step that waits for two answers, one after the other."""

    @step
    async def interview(self, ctx: Context, ev: StartEvent) -> StopEvent:
        began("ask", "both")
        await ctx.store.set("asked", await ctx.store.get("asked", default=0) + 1)
        texts = []
        for about in ("name", "town"):
            answer = await ctx.wait_for_event(
                Answer,
                waiter_event=Question(about=about),
                waiter_id=about,
                requirements={"about": about},
            )
            heard("both")
            texts.append(answer.text)
            ctx.write_event_to_stream(Seen(what=f"{about} is {answer.text}"))
        await ctx.store.set("heard", texts)
        return StopEvent(result=texts)


class Spoken(Workflow):
    """The same with questions that the body writes to the stream itself."""

    @step
    async def interview(self, ctx: Context, ev: StartEvent) -> StopEvent:
        began("ask", "both")
        await asyncio.sleep(model_s("0", 4))
        texts = []
        for about in ("name", "town"):
            ctx.write_event_to_stream(Question(about=about))
            # Whoever is quick answers before the wait has begun.
            for _ in range(4):
                await asyncio.sleep(0)
            answer = await ctx.wait_for_event(
                Answer, waiter_id=about, requirements={"about": about}
            )
            heard("both")
            texts.append(answer.text)
        return StopEvent(result=texts)


class Panel(Workflow):
    """Three bodies that ask side by side."""

    @step
    async def deal(self, ctx: Context, ev: StartEvent) -> list[Item]:
        began("deal", "start")
        return [Item(id=str(number)) for number in range(PANEL)]

    @step(num_workers=PANEL)
    async def ask(self, ctx: Context, ev: Item) -> Done:
        began("ask", ev.id)
        answer = await ctx.wait_for_event(
            Answer,
            waiter_event=Question(about=ev.id),
            waiter_id=ev.id,
            requirements={"about": ev.id},
        )
        heard(ev.id)
        async with ctx.store.edit_state() as state:
            state.heard = state.get("heard", 0) + 1
        ctx.write_event_to_stream(Seen(what=f"{ev.id} heard {answer.text}"))
        return Done(id=ev.id)

    @step
    async def join(self, ctx: Context, ev: list[Done]) -> StopEvent:
        began("join", "all")
        return StopEvent(result=sorted(one.id for one in ev))


class Letters(Workflow):
    """A step that returns a question, and another that takes the answer."""

    @step
    async def write(self, ctx: Context, ev: StartEvent) -> Question:
        began("write", "start")
        await ctx.store.set("heard", [])
        return Question(about="name")

    @step
    async def read(self, ctx: Context, ev: Answer) -> Question | StopEvent:
        before = ("write", "start") if ev.about == "name" else ("read", "name")
        began("read", ev.about, before)
        texts = await ctx.store.get("heard")
        texts.append(ev.text)
        await ctx.store.set("heard", texts)
        ctx.write_event_to_stream(Seen(what=f"{ev.about} is {ev.text}"))
        if ev.about == "name":
            return Question(about="town")
        return StopEvent(result=texts)


class Duet(Workflow):
    """A question that is returned at the very moment at which others return too."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.at = 0.0

    @step
    async def deal(self, ctx: Context, ev: StartEvent) -> Item | None:
        began("deal", "start")
        for number in range(PANEL):
            ctx.send_event(Item(id=str(number)))
        return None

    @step(num_workers=PANEL)
    async def work(self, ctx: Context, ev: Item) -> Question | None:
        began("work", ev.id, ("deal", "start"))
        now = asyncio.get_running_loop().time()
        if self.at < now:
            self.at = now + 0.02
        await asyncio.sleep(self.at - now)
        if ev.id == "0":
            await ctx.store.set("is_ready", True)
            return Question(about="name")
        for _ in range(int(ev.id)):
            await asyncio.sleep(0)
        return None

    @step
    async def read(self, ctx: Context, ev: Answer) -> StopEvent:
        began("read", ev.about, ("work", "0"))
        return StopEvent(result=await ctx.store.get("is_ready"))
