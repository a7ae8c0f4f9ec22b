"""What a run reports of how far it is, and what of it was kept."""

from __future__ import annotations

import asyncio

from process_lives import launched, never, soon, until
from sample_workflows import Logged
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import Client, Progress


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


async def test_the_newest_report_is_seen_at_once(journal_url: str) -> None:
    gate = asyncio.Event()
    log: list[str] = []
    async with launched(journal_url) as runtime:
        handler = Reporting(log, gate.wait, runtime=runtime).run(run_id="r")
        await until(lambda: log)
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
