"""Messages that were made without the class of their event."""

from __future__ import annotations

import json
import logging

import pytest
from process_lives import add, launched, live, never, soon, until
from sample_workflows import (
    Answer,
    Approving,
    Asking,
    AskingTwice,
    Logged,
    Part,
    Tick,
)
from workflows import step
from workflows.events import StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook._model import Prompt
from durable_notebook.client._journal import Journal
from durable_notebook.errors import InvalidFieldsError
from durable_notebook.operations._messages import UNCHECKED, answer_message


def asked(runtime: DBOSRuntime, run_id: str) -> list[Prompt]:
    last = runtime.store.last_entry(run_id)
    trees = [] if last is None else last.entry.prompts
    return [Prompt.read(run_id, tree) for tree in trees]


def misfit(**value: object) -> str:
    """An answer that its sender could not check, and that does not fit."""
    event = {
        "__is_pydantic": True,
        "value": value,
        "qualified_name": "sample_workflows.Answer",
    }
    return json.dumps({"type": "add_event", "event": event, UNCHECKED: True})


@pytest.mark.parametrize("kind", [Asking, AskingTwice, Approving])
async def test_a_question_records_what_its_answer_takes(
    journal_url: str, kind: type[Asking]
) -> None:
    async with launched(journal_url) as runtime:
        kind(runtime=runtime).run(run_id="a")
        await until(lambda: asked(runtime, "a"))

        (prompt,) = asked(runtime, "a")

    (schema,) = prompt.schemas
    expected = ["by", "number"] if kind is Approving else ["text"]
    assert schema["required"] == expected


async def test_an_answer_made_from_the_record_is_applied(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Approving(runtime=runtime).run(run_id="a")
        await until(lambda: asked(runtime, "a"))
        with Journal.open(journal_url) as journal:
            prompt = journal.prompt("a")
            with pytest.raises(InvalidFieldsError, match="field required"):
                answer_message(prompt, {})

            sent = journal.answer(prompt, answer_message(prompt, {"by": "Ada"}))

            assert await soon(handler) == "Ada"
            assert journal.reaction(sent, 10) is True


async def test_an_answer_that_its_class_refuses_opens_the_question_again(
    journal_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: asked(runtime, "a"))
        (prompt,) = asked(runtime, "a")

        runtime.store.post("a", misfit(text=5), prompt.key)
        await until(lambda: any(not mail.tick for mail in runtime.store.mail("a", 0)))

        assert asked(runtime, "a") == [prompt]
        assert await runtime.post("a", add(Answer(text="Ada")), prompt.key)
        assert await soon(handler) == "Ada"
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert "refuses message 1" in record.getMessage()
    assert "text: input should be a valid string" in record.getMessage()
    assert "\n" not in record.getMessage()


def test_a_refusal_survives_a_restart(journal_url: str) -> None:
    async def ask(runtime: DBOSRuntime) -> None:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: asked(runtime, "a"))

    async def use(runtime: DBOSRuntime) -> object:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: any(not mail.tick for mail in runtime.store.mail("a", 0)))
        await runtime.post("a", add(Answer(text="Ada")), "answer:0")
        return await soon(handler)

    live(journal_url, ask)
    with Journal.open(journal_url) as journal:
        journal.store.post("a", misfit(text=5), "answer:0").result()

    assert live(journal_url, use) == "Ada"


async def refused(runtime: DBOSRuntime) -> None:
    await until(lambda: any(not mail.tick for mail in runtime.store.mail("a", 0)))


async def test_a_released_run_that_has_refused_a_message_is_released_again(
    journal_url: str,
) -> None:
    """What was refused stays behind its cursor, and is no reason to come back."""
    async with launched(journal_url, idle_timeout=0) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.is_released("a"))
        (prompt,) = asked(runtime, "a")

        runtime.store.post("a", misfit(text=5), prompt.key)
        await refused(runtime)
        await until(lambda: runtime.is_released("a"))

        assert await runtime.post("a", add(Answer(text="Ada")), prompt.key)
        assert await soon(handler) == "Ada"


def test_a_launch_leaves_a_run_alone_that_has_refused_a_message(
    journal_url: str,
) -> None:
    async def refuse(runtime: DBOSRuntime) -> int:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.is_released("a"))
        runtime.store.post("a", misfit(text=5), "answer:0")
        await refused(runtime)
        await until(lambda: runtime.is_released("a"))
        return recoveries(runtime)

    async def look(runtime: DBOSRuntime) -> int:
        Asking(runtime=runtime)
        await until(lambda: runtime.is_released("a"))
        return recoveries(runtime)

    before = live(journal_url, refuse, idle_timeout=0)

    assert live(journal_url, look, idle_timeout=0) == before


def recoveries(runtime: DBOSRuntime) -> int:
    row = runtime.store.run("a")
    assert row is not None
    return row.recoveries


class Hearing(Logged):
    """Stays in its first body, and hears parts beside it."""

    @step
    async def begin(self, ev: StartEvent) -> Tick | Part:
        self.log.append("begun")
        await self.pass_gate()
        return Tick(count=1)

    @step
    async def hear(self, ev: Part) -> None:
        self.log.append(f"part {ev.number}")

    @step
    async def end(self, ev: Tick) -> StopEvent:
        return StopEvent()


async def test_a_refused_message_lets_nothing_pass_that_cannot_be_read_yet(
    journal_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What is behind an unreadable message waits, also after one was taken out."""
    log: list[str] = []
    later = misfit(n=1).replace("sample_workflows.Answer", "not_here.Later")
    checked = json.loads(later)
    del checked[UNCHECKED]
    async with launched(journal_url) as runtime:
        Hearing(log, never, runtime=runtime).run(run_id="h")
        await until(lambda: log)

        runtime.store.post("h", json.dumps(checked)).result()
        runtime.store.post("h", misfit(text=5)).result()
        await until(lambda: not runtime.store.mail("h", 0)[1].tick)
        await runtime.post("h", add(Part(number=1)))
        with Journal.open(journal_url) as journal:
            journal.cancel("h")
        await until(lambda: runtime.live("h") is None)

    assert log == ["begun"]
    assert any(
        "not_here.Later is not defined" in r.getMessage() for r in caplog.records
    )
