"""The model double: the same answers, counted and priced, whatever dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook.course import Ledger, OfflineModel, Reply
from durable_notebook.journal._usage import calls


async def test_answers_are_the_same_and_every_call_is_paid(tmp_path: Path) -> None:
    model = OfflineModel(tmp_path / "calls.txt", answers={"tea": "Oolong."}, takes_s=0)

    first = await model.ask("Which tea?")
    again = await model.ask("Which tea?")
    other = await model.ask("one two three " * 20)

    assert str(first) == str(again) == "Oolong."
    assert str(other).startswith("In short: one two three")
    assert model.bill().calls == 3
    assert model.bill().tokens == sum(r.tokens for r in (first, again, other))
    assert str(model.bill()).startswith("3 calls, ")


async def test_a_key_is_paid_once(tmp_path: Path) -> None:
    model = OfflineModel(tmp_path / "calls.txt", takes_s=0)

    first = await model.ask("Which tea?", key="order-1/ask")
    again = await model.ask("Which tea?", key="order-1/ask")

    assert first == again
    assert model.bill().calls == 1


async def test_each_call_is_one_to_who_counts_usage(tmp_path: Path) -> None:
    model = OfflineModel(tmp_path / "calls.txt", takes_s=0)

    reply = await model.ask("Which tea?")

    (call,) = calls({"reply": reply.model_dump()})
    assert call.has_id
    assert call.usage.total == reply.tokens
    assert call.usage.given + call.usage.made == call.usage.total


class Asked(Event):
    reply: Reply


class Asking(Workflow):
    @step
    async def ask(self, ev: StartEvent) -> Asked:
        model = OfflineModel(ev.ledger, takes_s=0)
        return Asked(reply=await model.ask("Which tea?"))

    @step
    async def tell(self, ev: Asked) -> StopEvent:
        return StopEvent(result=[ev.reply.text, ev.reply.tokens])


async def test_the_journal_has_what_a_call_used(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.sqlite'}"
    async with DBOSRuntime(database_url=url) as runtime:
        client = Client(runtime)
        run = await client.start(Asking, run_id="a", ledger=str(tmp_path / "calls"))
        _, tokens = await run
        usage = (await client.read_run("a")).usage()

    assert {step: used.total for step, used in usage.items()} == {"ask": tokens}


KILLED = """
import os, signal, sys
from durable_notebook.course import Ledger
ledger = Ledger(sys.argv[1])
ledger.add("charged 40")
ledger.add("charged  41\\nand more", key="a b")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_ledger_outlasts_a_kill_and_a_key_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.txt"
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=60)
    ledger = Ledger(path)

    assert ledger.lines() == ["charged 40", "charged 41 and more"]
    assert ledger.add("charged 41", key="a b") is False
    assert ledger.add("charged 42", key="c") is True
    assert len(ledger) == 3
    assert str(ledger).endswith("charged 42")
    assert path.read_text().count("\n") == 3
