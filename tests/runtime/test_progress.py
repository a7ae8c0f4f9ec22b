"""What a run reports of how far it is, and what of it was kept."""

from __future__ import annotations

import asyncio

from process_lives import launched, never, soon, until
from sample_workflows import Counter, Logged
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime, Progress
from durable_notebook.operations._describe import describe


class Answered(Event):
    raw: dict[str, object]


class Reporting(Logged):
    """Calls a model, then counts to three; the gate is before the third."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> Answered:
        answered = Answered(raw={"id": "c", "usage": {"total_tokens": 1234}})
        ctx.write_event_to_stream(Progress(done=0, total=3))
        ctx.write_event_to_stream(answered)
        return answered

    @step
    async def count(self, ctx: Context, ev: Answered) -> StopEvent:
        for n in (1, 2):
            ctx.write_event_to_stream(Progress(done=n, total=3, label="parts"))
        self.log.append("count")
        await self.pass_gate()
        ctx.write_event_to_stream(Progress(done=3, total=3, label="parts"))
        return StopEvent(result="all")


def has_counted(runtime: DBOSRuntime) -> bool:
    live = runtime.live("r")
    return live is not None and live.stream.progress == Progress(
        done=2, total=3, label="parts"
    )


async def test_the_newest_report_is_seen_at_once(journal_url: str) -> None:
    gate = asyncio.Event()
    log: list[str] = []
    async with launched(journal_url) as runtime:
        handler = Reporting(log, gate.wait, runtime=runtime).run(run_id="r")
        await until(lambda: has_counted(runtime))
        reading = await Client(runtime).read_run("r")
        assert reading.progress() == Progress(done=2, total=3, label="parts")
        assert reading.kept().steps == 0
        gate.set()
        await soon(handler)
        reading = await Client(runtime).read_run("r")
        assert reading.progress() == Progress(done=3, total=3, label="parts")
        events = [event async for event in Client(runtime).run("r").events()]
        reports = [event for event in events if isinstance(event, Progress)]
        assert [report.done for report in reports] == [0, 1, 2, 3]


async def test_a_list_of_runs_tells_how_far_each_is(journal_url: str) -> None:
    """At once in the process that has the run; elsewhere as far as it is on disk."""
    gate = asyncio.Event()
    log: list[str] = []
    async with launched(journal_url) as runtime:
        client, listing = Client(runtime), Client(runtime).listing()
        handler = Reporting(log, gate.wait, runtime=runtime).run(run_id="r")
        await until(lambda: has_counted(runtime))
        (row,), (looked,) = await client.runs(), await listing.look()
        assert row.progress == looked.progress == (2, 3, "parts")
        assert (await client.run("r").info()).progress == (2, 3, "parts")
        (on_disk,) = runtime.store.runs(None)
        outside = describe(runtime.store, on_disk, None, lambda *_: None)
        assert outside.progress == (0, 3, "")
        gate.set()
        await soon(handler)
        (row,), (looked,) = await client.runs(), await listing.look()
        # What has ended is no longer on its way.
        assert row.progress is looked.progress is None


async def test_a_run_that_goes_on_is_as_far_as_it_was(journal_url: str) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        Reporting(log, never, runtime=runtime).run(run_id="r")
        await until(lambda: log)
    async with launched(journal_url) as runtime:
        (row,) = await Client(runtime).runs()
        assert (row.status, row.progress) == ("interrupted", (0, 3, ""))


async def test_a_run_that_reports_nothing_has_nothing_of_it_in_its_entries(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="c"))
        entries = runtime.store.entries("c")

    assert all('"progress"' not in each.entry.encode() for each in entries)


async def test_a_resumed_run_tells_what_was_kept(journal_url: str) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        Reporting(log, never, runtime=runtime).run(run_id="r")
        await until(lambda: log)
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        before = await client.read_run("r")
        assert before.progress() == Progress(done=0, total=3)
        await soon(Reporting(log, runtime=runtime).run(run_id="r"))
        reading = await client.read_run("r")
        kept = reading.kept()

    assert (kept.steps, kept.tokens) == (1, 1234)
    assert kept.time.total_seconds() < 5
    assert {step: used.total for step, used in reading.usage().items()} == {"ask": 1234}
