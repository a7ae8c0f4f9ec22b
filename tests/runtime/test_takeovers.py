"""A run that another process takes over is read on, up to its end there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from process_lives import launched, never, soon, until
from sample_workflows import Said, Saying
from taker import another_process, give
from workflows.events import Event, StopEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook.errors import LostOwnershipError, StrandedRunError

Gate = Callable[[], Awaitable[object]]


class Reader:
    """Reads a stream to its end, beside the test."""

    def __init__(self, stream: AsyncIterator[Event]) -> None:
        self.seen: list[Event] = []
        self._stream = stream
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self._stream:
            self.seen.append(event)

    @property
    def said(self) -> list[str]:
        return [event.text for event in self.seen if isinstance(event, Said)]

    async def until_said(self, text: str) -> None:
        await until(lambda: text in self.said)

    async def ended(self) -> None:
        await soon(self._reading)


async def begin(runtime: DBOSRuntime, kind: str, gate: Gate = never) -> Reader:
    """A run of this process at its gate, and who reads it exactly or at once."""
    run = await Client(runtime).start(Saying(gate=gate, runtime=runtime), run_id="s")
    reader = Reader(run.events() if kind == "exact" else runtime.stream("s"))
    await reader.until_said("second")
    return reader


def is_lost(runtime: DBOSRuntime) -> bool:
    return isinstance(runtime.problem("s"), LostOwnershipError)


@pytest.mark.parametrize("kind", ["exact", "at once"])
async def test_a_reader_gets_every_event_once_across_a_takeover(
    journal_url: str, kind: str
) -> None:
    async with launched(journal_url, executor_id="one") as runtime:
        reader = await begin(runtime, kind)
        async with another_process(journal_url, "s") as taker:
            await taker.take()
            await until(lambda: is_lost(runtime))
            await taker.end()
        await reader.ended()
        recorded = [event async for event in runtime.stream("s")]

    assert reader.said == ["first", "second", "third"]
    assert isinstance(reader.seen[-1], StopEvent)
    # At once it had the numbers of the execution that was lost.
    assert kind == "at once" or reader.seen == recorded


async def test_a_reader_gets_the_rest_of_a_run_that_ended_before_the_loss_was_noticed(
    journal_url: str,
) -> None:
    """The loop of this process stands still until the run has ended elsewhere."""
    async with launched(journal_url, executor_id="one") as runtime:
        reader = await begin(runtime, "exact")

        def elsewhere() -> None:
            async def take_over() -> None:
                async with another_process(journal_url, "s") as taker:
                    await taker.take()
                    await taker.end()

            asyncio.run(take_over())

        with ThreadPoolExecutor(1) as pool:
            pool.submit(elsewhere).result(timeout=60)
        await reader.ended()
        recorded = [event async for event in runtime.stream("s")]

    assert reader.said == ["first", "second", "third"]
    assert reader.seen == recorded


@pytest.mark.parametrize("kind", ["exact", "at once"])
async def test_a_reader_gets_each_event_once_if_the_last_turn_is_refused(
    journal_url: str, kind: str
) -> None:
    """The stop event is published here, and the entry with it belongs to another."""
    gate = asyncio.Event()
    async with launched(journal_url, executor_id="one") as runtime:
        reader = await begin(runtime, kind, gate.wait)
        async with another_process(journal_url, "s") as taker:
            give(journal_url, "s")
            gate.set()
            await until(lambda: is_lost(runtime))
            await taker.take()
            await taker.end()
        await reader.ended()

    assert reader.said == ["first", "second", "third"]
    assert sum(isinstance(event, StopEvent) for event in reader.seen) == 1


async def test_who_begins_to_read_after_a_takeover_reads_to_the_end(
    journal_url: str,
) -> None:
    async with launched(journal_url, executor_id="one") as runtime:
        await begin(runtime, "exact")
        async with another_process(journal_url, "s") as taker:
            await taker.take()
            await until(lambda: is_lost(runtime))
            late = Reader(Client(runtime).run("s").events())
            await late.until_said("second")
            await taker.end()
        await late.ended()

    assert late.said == ["first", "second", "third"]
    assert isinstance(late.seen[-1], StopEvent)


async def test_a_reader_is_told_when_the_process_that_took_over_dies(
    journal_url: str,
) -> None:
    async with launched(journal_url, executor_id="one") as runtime:
        reader = await begin(runtime, "exact")
        async with another_process(journal_url, "s") as taker:
            await taker.take()
            await until(lambda: is_lost(runtime))
            await taker.kill()

        with pytest.raises(StrandedRunError) as told:
            await reader.ended()

    assert told.value.executor_id == "two"
    assert reader.said == ["first", "second"]


async def test_who_asks_for_the_result_after_a_takeover_waits_for_it(
    journal_url: str,
) -> None:
    """As the error says to whoever waited for it when the run was lost."""
    async with launched(journal_url, executor_id="one") as runtime:
        await begin(runtime, "exact")
        before = asyncio.ensure_future(Client(runtime).run("s").result())
        async with another_process(journal_url, "s") as taker:
            await taker.take()
            with pytest.raises(LostOwnershipError):
                await soon(before)
            after = asyncio.ensure_future(Client(runtime).run("s").result())
            await asyncio.sleep(0)
            await taker.end()

        assert await soon(after) == "said"
