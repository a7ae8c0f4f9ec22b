"""Messages into a run: on disk when a send returns, in order, and applied once."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from process_lives import add, launched, live, never, soon, until
from sample_workflows import Answer, Asking, Logged, Other, Part, Tick
from workflows import Context, step
from workflows.events import HumanResponseEvent, StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook.errors import (
    RunFinishedError,
    UnknownRunError,
    UnstorableValueError,
)


def sent(runtime: DBOSRuntime, run_id: str) -> list[object]:
    """The values of the messages in a run's mailbox, in order."""
    mail = runtime.store.mail(run_id, 0)
    return [json.loads(m.tick)["event"]["value"] for m in mail]


class Hearing(Logged):
    """Shows something, then stays in its first body; hears parts beside it."""

    @step
    async def begin(self, ctx: Context, ev: StartEvent) -> Tick | Part:
        ctx.write_event_to_stream(Tick(count=0))
        self.log.append("begun")
        await self.pass_gate()
        return Tick(count=1)

    @step
    async def hear(self, ev: Part) -> None:
        self.log.append(f"part {ev.number}")

    @step
    async def end(self, ev: Tick) -> StopEvent:
        return StopEvent()


async def test_a_send_is_on_disk_when_it_returns(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        Hearing([], never, runtime=runtime).run(run_id="h")
        await until(lambda: runtime.live("h"))

        first = await runtime.send("h", Part(number=1))
        second = await Client(runtime).run("h").send(Part(number=2))

        assert (first, second) == (True, True)
        assert sent(runtime, "h") == [{"number": 1}, {"number": 2}]


async def test_a_send_with_a_key_counts_once(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a"))

        first = await runtime.send("a", Answer(text="Ada"), key="k")
        await soon(handler)
        Hearing([], never, runtime=runtime).run(run_id="h")
        await until(lambda: runtime.live("h"))
        elsewhere = await runtime.send("h", Part(number=1), key="k")
        again = await runtime.send("h", Part(number=2), key="k")

        assert (first, elsewhere, again) == (True, True, False)
        assert sent(runtime, "h") == [{"number": 1}]


async def test_a_send_to_nobody_and_to_a_finished_run_says_so(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Other(runtime=runtime).run(run_id="o"))

        with pytest.raises(UnknownRunError):
            await runtime.send("nobody", Answer(text="Ada"))
        with pytest.raises(RunFinishedError, match="completed"):
            await runtime.send("o", Answer(text="Ada"))

        assert runtime.store.newest_mail() == 0


async def test_sends_of_a_handler_keep_their_order(journal_url: str) -> None:
    """The first of them has to wait for an entry: the stream shows what none holds."""
    log: list[str] = []
    async with launched(journal_url) as runtime:
        handler = Hearing(log, never, runtime=runtime).run(run_id="h")
        await until(lambda: log)
        for number in range(10):
            handler.ctx.send_event(Part(number=number))
        await until(lambda: len(log) == 11)

        on_disk = sent(runtime, "h")

    assert on_disk == [{"number": number} for number in range(10)]
    assert log == ["begun", *(f"part {number}" for number in range(10))]


def test_closing_down_waits_for_the_sends_of_a_handler(journal_url: str) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        handler = Asking(runtime=runtime).run(run_id="a")
        await handler.send_event(Answer(text="Ada"))

    async def use(runtime: DBOSRuntime) -> str:
        return await soon(Asking(runtime=runtime).run(run_id="a"))

    live(journal_url, begin)

    assert live(journal_url, use) == "Ada"


async def test_a_late_send_of_a_handler_is_logged_in_one_line(
    journal_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: unhandled.append(context)
    )
    async with launched(journal_url) as runtime:
        handler = Other(runtime=runtime).run(run_id="o")
        await soon(handler)

        await handler.send_event(Answer(text="late"))
        await until(lambda: caplog.records)
        with pytest.raises(RunFinishedError):
            await runtime.get_external_adapter("o").send_event(add(Answer(text="x")))

    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "has already ended (completed)" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert unhandled == []


class Holding(HumanResponseEvent):
    payload: Any


async def test_a_message_that_cannot_be_stored_names_its_field(
    journal_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        unstorable = Holding(payload=object())

        with pytest.raises(UnstorableValueError) as refused:
            await soon(runtime.send("a", unstorable))
        await handler.send_event(unstorable)
        await until(lambda: caplog.records)
        await runtime.send("a", Answer(text="Ada"))

        assert await soon(handler) == "Ada"
    assert (refused.value.run_id, refused.value.where) == ("a", "Holding.payload")
    assert [r.getMessage() for r in caplog.records] == [str(refused.value)]
    assert caplog.records[0].exc_info is None


async def test_what_is_behind_an_unreadable_message_waits_though_one_was_forgotten(
    journal_url: str,
) -> None:
    """A message that was consumed and emptied tells nothing of one before it."""
    log: list[str] = []
    value = {"__is_pydantic": True, "value": {}, "qualified_name": "not_here.Later"}
    async with launched(journal_url) as runtime:
        Hearing(log, never, runtime=runtime).run(run_id="h")
        await until(lambda: log)
        later = json.dumps({"type": "add_event", "event": value})
        runtime.store.post("h", later).result(timeout=10)
        runtime.store.post("h", "").result(timeout=10)

        await runtime.send("h", Part(number=1))
        await runtime.send("h", Part(number=2))
        run = runtime.live("h")

        assert run is not None
        assert run.inbox.is_stuck
        assert not run.inbox.has_more
    assert log == ["begun"]
