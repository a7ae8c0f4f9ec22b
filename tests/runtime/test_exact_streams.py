"""The number of an event that a reader has seen stays that event's number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from process_lives import launched, live, never, soon
from sample_workflows import Logged, Part, Said, Saying
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime


class Racing(Logged):
    """Two bodies side by side that speak in a given order; who is not in it waits."""

    order: tuple[int, ...] = (0, 1)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.turns = {number: asyncio.Event() for number in range(2)}

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Part | None:
        for number in range(2):
            ctx.send_event(Part(number=number))
        return None

    @step(num_workers=2)
    async def work(self, ctx: Context, ev: Part) -> StopEvent | None:
        if ev.number != self.order[0]:
            await self.turns[ev.number].wait()
        ctx.write_event_to_stream(Said(text=f"by {ev.number}"))
        if ev.number == self.order[-1]:
            await self.pass_gate()
            return StopEvent(result="raced")
        self.turns[self.order[self.order.index(ev.number) + 1]].set()
        return None


def said(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Said)]


def recorded(runtime: DBOSRuntime, run_id: str) -> list[Event]:
    """The events on disk."""
    trees = [tree for r in runtime.store.entries(run_id) for tree in r.entry.stream]
    return list(runtime.read_events(run_id, trees))


async def read_until(stream: AsyncIterator[Event], text: str) -> list[Event]:
    """The events up to the one that says this."""
    seen: list[Event] = []
    async for event in stream:
        seen.append(event)
        if text in said(seen):
            return seen
    raise AssertionError(f"nobody said {text!r}")


async def test_an_event_comes_while_its_body_runs_and_is_on_disk(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        run = await Client(runtime).start(Saying(gate=never, runtime=runtime))

        for text in ("first", "second"):
            seen = await soon(read_until(run.events(), text))
            assert recorded(runtime, run.run_id)[: len(seen)] == seen


def test_who_goes_on_by_number_after_a_crash_gets_what_is_behind_it(
    journal_url: str,
) -> None:
    """Of two bodies the other one is quicker in the next life."""
    seen: list[Event] = []

    async def begin(runtime: DBOSRuntime) -> None:
        workflow = Racing(gate=never, runtime=runtime)
        workflow.order = (1,)
        run = await Client(runtime).start(workflow, run_id="r")
        seen.extend(await soon(read_until(run.events(), "by 1")))

    async def use(runtime: DBOSRuntime) -> list[Event]:
        run = await Client(runtime).start(Racing(runtime=runtime), run_id="r")
        await soon(run.result())
        return [event async for event in run.events(after=len(seen))]

    live(journal_url, begin)
    rest = live(journal_url, use)

    assert said(seen) == ["by 1"]
    assert said(rest) == ["by 0"]


async def test_every_event_of_many_comes_once_and_in_order(journal_url: str) -> None:
    class Counting(Logged):
        @step
        async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
            for number in range(300):
                ctx.write_event_to_stream(Said(text=str(number)))
                if number % 7 == 0:
                    await asyncio.sleep(0)
            return StopEvent()

    async with launched(journal_url) as runtime:
        run = await Client(runtime).start(Counting(runtime=runtime))
        seen = [event async for event in run.events()]

        assert seen == recorded(runtime, run.run_id)
    assert said(seen) == [str(number) for number in range(300)]
