"""`%durable_doctor`: each cause, really produced, with what cures it in a notebook.

One kernel has them all; what other processes have left is there before it.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from process_lives import live, until
from sample_workflows import Asking

from durable_notebook import DBOSRuntime
from tests.cli.lives import asked, change, counted, failed, interrupted
from tests.many_runs import multiply
from tests.notebook.conftest import DEFINITIONS
from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel

WORKFLOWS = """
import time
from workflows.retry_policy import retry_policy, stop_after_attempt, wait_fixed

class Patient(Workflow):
    @step(retry_policy=retry_policy(wait=wait_fixed(3600), stop=stop_after_attempt(3)))
    async def only(self, ev: StartEvent) -> StopEvent:
        raise ValueError("tray 2 is empty")

class Long(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        await asyncio.sleep(3600)
        return StopEvent()

class Silent(Workflow):
    @step
    async def begin(self, ev: StartEvent) -> None:
        pass

    @step
    async def end(self, ev: Answer) -> StopEvent:
        return StopEvent()

class Parent(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result=await Long(runtime=self.runtime).run(run_id="child"))

class Odd(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result=print)

class Timed(Order):
    pass

class Gone(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        await asyncio.sleep(3600)
        return StopEvent()

class Changed(Workflow):
    @step
    async def first(self, ev: StartEvent) -> Ask:
        return Ask(question="on?")

    @step
    async def second(self, ev: Answer) -> StopEvent:
        return StopEvent()
"""

START = """
run = %durable_run Long --run-id long
client = run.client
single = Long(num_concurrent_runs=1, timeout=None)
for kind, name in ((Patient, "retry"), (Silent, "silent"), (Parent, "parent"),
                   (Odd, "odd"), (Gone, "gone"), (Changed, "changed")):
    await client.start(kind, run_id=name)
await client.start(Order, run_id="asks", qty=1)
timed = Timed(timeout=3600)
timed_run = %durable_run timed --run-id times qty=1
"""


# Copies of a run that was interrupted.
TORN, LOST, NEWER = "copy-00000", "copy-00001", "copy-00002"


@dataclass(frozen=True, slots=True)
class Found:
    cause: str
    says: str
    cures: list[str]
    evidence: list[str]


class Patient:
    """A kernel to be looked at."""

    def __init__(self, running: Kernel, url: str) -> None:
        self.kernel = running
        self.url = url

    def found(self, run_id: str = "", *, until_it_has: str = "") -> list[Found]:
        """What the doctor says, once it says this."""
        text = self.kernel.run(
            "import time, json\n"
            "for _ in range(400):\n"
            f"    d = %durable_doctor {run_id}\n"
            f"    if not {until_it_has!r} or {until_it_has!r} in list(d.df.cause):\n"
            "        break\n"
            "    time.sleep(0.02)\n"
            "print('FOUND ' + d.df[['cause', 'says', 'cures', 'evidence']]"
            ".to_json(orient='records'))"
        )
        assert "FOUND " in text, text
        return [Found(**each) for each in json.loads(text.partition("FOUND ")[2])]

    def first(self, run_id: str, cause: str) -> Found:
        """What it says of a run, first of all."""
        found = self.found(run_id, until_it_has=cause)
        assert found[0].cause == cause, found
        return found[0]


@pytest.fixture(scope="module")
def sick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    folder = tmp_path_factory.mktemp("sick")
    journal = folder / ".durable_notebook/journal.sqlite"
    journal.parent.mkdir()
    url = f"sqlite:///{journal}"
    counted(url, "done")
    failed(url, "broken")
    asked(url, "unread")
    interrupted(url, "dead")
    multiply(journal, ["dead"], 3)
    run_sql = "UPDATE operation_outputs SET output = '{}' WHERE workflow_uuid = '{}'"
    change(url, run_sql.format("{", TORN) + " AND function_id = 2")
    newer_entry = run_sql.format('{"v": 99}', NEWER) + " AND function_id = 2"
    change(url, newer_entry.replace(":", "\\:"))
    change(
        url,
        "UPDATE workflow_status SET status = 'ERROR' WHERE workflow_uuid = :run_id",
        run_id=LOST,
    )
    with kernel(folder) as running:
        running.run("%load_ext durable_notebook")
        running.run(DEFINITIONS + WORKFLOWS)
        said = running.run(START)
        assert "TRACEBACK" not in said, said
        yield Patient(running, url)


# -- how it ended ----------------------------------------------------------------------


def test_one_that_has_completed(sick: Patient) -> None:
    found = sick.first("done", "ended")

    assert (found.says, found.cures) == ("It has ended: it is completed.", [])


def test_one_that_has_failed(sick: Patient) -> None:
    found = sick.first("broken", "failed")

    assert "OutOfPaperError: tray 2 is empty" in found.says
    assert found.cures == ["%durable_rewind broken", "%durable_fork broken"]


def test_one_whose_end_is_not_on_record(sick: Patient) -> None:
    assert sick.first(LOST, "outcome-lost").cures == [f"%durable_fork {LOST}"]


def test_a_damaged_journal(sick: Patient) -> None:
    assert "damaged at position 1" in sick.first(TORN, "unreadable").says


def test_an_entry_of_a_newer_version(sick: Patient) -> None:
    found = sick.first(NEWER, "journal-newer")

    assert found.cures == ["%pip install -U durable-notebook"]


# -- who has it ------------------------------------------------------------------------


def test_a_dead_process_and_how_to_go_on_here(sick: Patient) -> None:
    found = sick.first("dead", "executor-dead")
    assert "'local' is not alive" in found.says
    assert found.cures == ["%durable_reassign dead"]

    panel = sick.kernel.run("r = " + found.cures[0])
    missing = sick.first("dead", "definition-missing")

    assert "Counter · run dead" in panel
    assert "Counter is not defined here. Run the cell" in missing.says
    assert missing.cures == ["%durable_resume dead"]
    assert missing.evidence == ["its steps were: increment, start"]


def test_a_message_that_waits_for_a_process(sick: Patient) -> None:
    sick.kernel.run("await client.answer('unread', {'text': 'Ada'})")
    change(
        sick.url,
        "INSERT INTO durable_mail (run_id, tick, sent_at) VALUES ('unread', '{}', 1)",
    )

    found = [each.cause for each in sick.found("unread")]

    # It is answered: it waits for its process to read that.
    assert found == ["executor-dead", "message-unread"]


@contextmanager
def beside(url: str) -> Iterator[None]:
    """Another process that asks, as far as the database can tell."""
    is_there, is_over = threading.Event(), threading.Event()

    async def ask(runtime: DBOSRuntime) -> None:
        Asking(runtime=runtime, timeout=None).run(run_id="theirs")
        await until(
            lambda: (e := runtime.store.last_entry("theirs")) and e.entry.prompts
        )
        is_there.set()
        await asyncio.to_thread(is_over.wait, 30)

    options: dict[str, Any] = {"executor_id": "elsewhere"}
    thread = threading.Thread(target=lambda: live(url, ask, **options))
    thread.start()
    try:
        assert is_there.wait(30)
        yield
    finally:
        is_over.set()
        thread.join(30)


def test_a_run_of_another_live_process(sick: Patient) -> None:
    with beside(sick.url):
        owner, question = sick.found("theirs", until_it_has="owned-elsewhere")

    assert (owner.cause, question.cause) == ("owned-elsewhere", "waiting-for-answer")
    assert "another process (process " in owner.says
    assert "executor 'elsewhere', which is alive" in owner.says
    assert question.cures == ["%durable_answer theirs text=..."]


def test_a_class_that_this_kernel_no_longer_has(sick: Patient) -> None:
    sick.kernel.run("del Gone\n%durable_restart")

    found = sick.first("gone", "definition-missing")

    assert "Gone is not defined here" in found.says


# -- what it waits for -----------------------------------------------------------------


def test_a_person(sick: Patient) -> None:
    found = sick.first("asks", "waiting-for-answer")

    assert "Ask(question='1 tea?')" in found.says
    assert found.cures == ["%durable_answer asks ok=True"]


def test_a_person_for_so_long(sick: Patient) -> None:
    found = [each.cause for each in sick.found("times", until_it_has="times-out")]

    assert found == ["waiting-for-answer", "times-out"]


def test_a_retry(sick: Patient) -> None:
    found = sick.first("retry", "retry-later")

    assert "Step only has failed (ValueError: tray 2 is empty)" in found.says
    assert "and is tried again: attempt 2." in found.says


def test_a_step(sick: Patient) -> None:
    assert "Step only is running" in sick.first("long", "step-running").says


def test_an_event_from_outside(sick: Patient) -> None:
    assert sick.first("silent", "waiting-for-event").cures == []


def test_a_run_of_its_own(sick: Patient) -> None:
    running, child = sick.found("parent", until_it_has="waiting-for-run")

    assert running.cause == "step-running"
    assert child.cures == ["%durable_doctor child"]


def test_a_run_that_waits_outside_of_memory(sick: Patient) -> None:
    sick.kernel.run("%config DurableNotebook.idle_timeout = 0")
    found = sick.found("asks", until_it_has="released")
    sick.kernel.run("%config DurableNotebook.idle_timeout = None")

    assert [each.cause for each in found[:2]] == ["released", "waiting-for-answer"]


# -- what this kernel refuses ----------------------------------------------------------


def test_a_value_that_is_not_json(sick: Patient) -> None:
    found, *others = sick.found("odd", until_it_has="stopped")

    # Its step is no longer running.
    assert others == []
    assert found.cause == "stopped"
    assert "cannot store" in found.says
    assert found.cures == ["%durable_resume odd"]


def test_a_workflow_that_has_changed(sick: Patient) -> None:
    sick.found("changed", until_it_has="waiting-for-answer")
    changed = WORKFLOWS.partition("class Changed")[2]
    sick.kernel.run("class Changed" + changed.replace("first", "other"))
    sick.kernel.run("%durable_restart")

    found = sick.first("changed", "graph-changed")

    assert any("first" in line for line in found.evidence)
    assert found.cures == [
        "%durable_resume changed",
        "%durable_fork --position 0 changed",
    ]
    assert "UsageError" not in sick.kernel.run("r = " + found.cures[1])


FULL = """
import sqlite3
_connect = sqlite3.connect
def _small(*args, **options):
    made = _connect(*args, **options)
    pages = made.execute("PRAGMA page_count").fetchone()[0]
    made.execute(f"PRAGMA max_page_count = {pages}")
    return made
sqlite3.connect = _small
%durable_restart
class Big(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result="x" * 3_000_000)
r = await client.start(Big, run_id="big")
"""


def test_a_database_that_is_full(sick: Patient) -> None:
    began = FULL.replace("await client", "await run.client")
    assert "TRACEBACK" not in sick.kernel.run(began)

    found = sick.first("big", "journal-full")
    sick.kernel.run("sqlite3.connect = _connect\n%durable_restart")

    assert "database or disk is full" in found.says
    assert found.cures == ["%durable_resume big"]
    assert sick.first("big", "ended")


# -- the journal as a whole ------------------------------------------------------------


def test_a_database_that_another_program_locks(sick: Patient) -> None:
    path = Path(sick.url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        found = sick.found("done")
        foreign.rollback()

    assert found[0].cause == "journal-locked"
    assert found[0].cures == [f"!fuser --verbose {path}"]
    assert sick.found("done")[0].cause == "ended"


def test_a_dbos_that_was_not_tested(sick: Patient) -> None:
    sick.kernel.run(
        "from importlib import metadata\n"
        "_version = metadata.version\n"
        "metadata.version = lambda n: '9.0' if n == 'dbos' else _version(n)"
    )
    found = sick.found("done")
    sick.kernel.run("metadata.version = _version")

    assert found[0].cause == "dbos-untested"
    assert found[0].cures[0].startswith("%pip install 'dbos>=")


def test_a_run_that_is_not_there(sick: Patient) -> None:
    text = sick.kernel.run("%durable_doctor nobody")

    assert text.startswith("UsageError: No run 'nobody'")
    assert "%durable_runs" in text


def test_all_runs_that_have_not_ended_as_text_and_html(sick: Patient) -> None:
    text = sick.kernel.run("%durable_doctor")

    outputs = sick.kernel.outputs()[-1].outputs
    markup = next(
        o.data["text/html"] for o in outputs if "dn-twin" in o.data.get("text/html", "")
    )
    assert "asks · Order · waiting" in text
    assert "It waits for an answer. It waits for a person:" in text
    assert "    %durable_answer asks ok=True" in text
    assert "<code>%durable_answer asks ok=True</code>" in markup
    assert "done" not in text.split()


def test_a_journal_of_a_newer_version(sick: Patient) -> None:
    """Last: the kernel has no session then."""
    change(sick.url, "INSERT INTO durable_migration VALUES (99, 'later', 1.0)")
    sick.kernel.run("%durable_restart")

    (found,) = sick.found()

    assert found.cause == "journal-newer"
    assert found.cures == ["%pip install -U durable-notebook"]
