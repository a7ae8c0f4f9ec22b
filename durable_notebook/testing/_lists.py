"""Cases of lists and slots: the library's own fan-out and fan-in."""

from __future__ import annotations

from typing import Annotated

from workflows import Context, step
from workflows.collect import Collect, Take
from workflows.events import StartEvent, StopEvent

from durable_notebook.testing._case import Case, Interruptible, made_from
from durable_notebook.testing._shapes import SIDE_BY_SIDE, Count, Done, Part


class Listed(Interruptible):
    """A list returned and a list taken."""

    @step
    async def split(self, ev: StartEvent) -> list[Part]:
        return [Part(number=n) for n in range(ev.parts)]

    @step
    async def work(self, ev: Part) -> Done | None:
        if ev.number == 1:
            await self.passing()
        return None if ev.number == 2 else Done(number=ev.number)

    @step
    async def join(self, parts: list[Done]) -> StopEvent:
        await self.passing("joining")
        return StopEvent(result=sorted(p.number for p in parts))


class FirstTwo(Interruptible):
    """The first two of a list are enough."""

    @step
    async def split(self, ev: StartEvent) -> list[Part]:
        return [Part(number=n) for n in range(4)]

    @step(num_workers=1)
    async def work(self, ev: Part) -> Done:
        return Done(number=ev.number)

    @step
    async def join(self, parts: Annotated[list[Done], Collect(Take(2))]) -> StopEvent:
        await self.passing()
        return StopEvent(result=[p.number for p in parts])


class NestedLists(Interruptible):
    """A list for each member of a list."""

    @step
    async def split(self, ev: StartEvent) -> list[Count]:
        return [Count(number=1), Count(number=2)]

    @step
    async def again(self, ev: Count) -> list[Part]:
        return [Part(number=ev.number * 10 + n) for n in range(2)]

    @step
    async def inner(self, parts: list[Part]) -> Done:
        await self.passing()
        return Done(number=sum(p.number for p in parts))

    @step
    async def outer(self, sums: list[Done]) -> StopEvent:
        return StopEvent(result=sorted(s.number for s in sums))


class TwoSlots(Interruptible):
    """A step with two event parameters."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Part | Done | None:
        ctx.send_event(Done(number=2))
        ctx.send_event(Part(number=1))
        return None

    @step
    async def both(self, part: Part, done: Done) -> StopEvent:
        await self.passing()
        return StopEvent(result=[part.number, done.number])


CASES = (
    Case(
        "a list returned and taken",
        made_from(Listed),
        start={"parts": 4},
        unordered=SIDE_BY_SIDE,
    ),
    Case(
        "an empty list returned and taken",
        made_from(Listed),
        start={"parts": 0},
        interrupt=None,
    ),
    Case("the first two of a list", made_from(FirstTwo), unordered=SIDE_BY_SIDE),
    Case("lists in lists", made_from(NestedLists), unordered=SIDE_BY_SIDE),
    Case("two events for one body", made_from(TwoSlots)),
)
