"""Why a run does not move: each cause, by what is on disk, with what cures it."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from process_lives import live, until
from sample_workflows import (
    Answer,
    Approving,
    Asking,
    Counter,
    OutOfPaperError,
)
from workflows import Workflow, step
from workflows.events import StartEvent, StopEvent
from workflows.retry_policy import retry_policy, stop_after_attempt, wait_fixed

from durable_notebook import DBOSRuntime

from .conftest import Cli
from .lives import asked, change, counted, failed, interrupted, newer, on_a_file

FINDING = {"run_id", "cause", "says", "commands", "since", "due"}


def findings(cli: Cli, *words: str) -> list[dict[str, Any]]:
    document = cli("doctor", *words, "--json").document
    assert set(document) == {"database", "findings"}
    assert all(set(each) == FINDING for each in document["findings"])
    return list(document["findings"])


def causes(cli: Cli, *words: str) -> list[str]:
    return [each["cause"] for each in findings(cli, *words)]


def during(
    cli: Cli, url: str, begin: Callable[[DBOSRuntime], Awaitable[object]]
) -> list[dict[str, Any]]:
    """What the doctor says beside a process in which this was begun."""

    async def use(runtime: DBOSRuntime) -> list[dict[str, Any]]:
        await begin(runtime)
        return await asyncio.to_thread(findings, cli)

    return live(url, use)


# -- who executes it -----------------------------------------------------------------


def test_where_nothing_is_wrong_it_says_so(cli: Cli, journal_url: str) -> None:
    counted(journal_url, "c")

    assert cli("doctor").out == "Nothing stands still here: no run is unfinished.\n"
    (found,) = findings(cli, "c")
    assert (found["cause"], found["says"]) == (
        "ended",
        "It has ended: it is completed.",
    )


def test_a_dead_executor_and_how_to_go_on_without_it(
    cli: Cli, journal_url: str
) -> None:
    interrupted(journal_url)

    (found,) = findings(cli)

    assert found["cause"] == "executor-dead"
    assert "executor 'local' is not alive" in found["says"]
    assert found["commands"] == [
        "durable-notebook resume c --app sample_workflows",
        "durable-notebook reassign c --from local --to EXECUTOR",
    ]
    assert cli(*found["commands"][0].split()[1:]).status == 0
    assert causes(cli) == []


def test_the_notebook_of_a_dead_executor_is_named(cli: Cli, journal_url: str) -> None:
    interrupted(journal_url)
    change(
        journal_url,
        "INSERT INTO durable_executor VALUES ('local', '/work/orders.ipynb', 1.0)",
    )

    (found,) = findings(cli)

    assert "open /work/orders.ipynb" in found["says"]


def test_a_run_whose_definition_is_missing_where_it_belongs(
    cli: Cli, journal_url: str
) -> None:
    interrupted(journal_url)

    async def nothing(runtime: DBOSRuntime) -> None:
        assert list(runtime.undefined()) == ["c"]

    (found,) = during(cli, journal_url, nothing)

    assert found["cause"] == "not-taken"
    assert f"is alive (process {os.getpid()}) and has not taken it" in found["says"]
    assert "Counter is not defined there" in found["says"]
    assert found["since"] is not None


def test_a_fork_that_nobody_has_taken(cli: Cli, journal_url: str) -> None:
    counted(journal_url, "c")
    cli("fork", "c", "--position", "1", "--new-run-id", "d")

    (found,) = findings(cli)

    assert (found["run_id"], found["cause"]) == ("d", "nobody-took-it")
    assert "no process that has Counter has taken it" in found["says"]
    assert cli(*found["commands"][0].split()[1:]).status == 0


def test_a_run_that_was_begun_often_is_told(cli: Cli, journal_url: str) -> None:
    interrupted(journal_url)
    change(journal_url, "UPDATE workflow_status SET recovery_attempts = 12")

    dead, often = findings(cli)

    assert (dead["cause"], often["cause"]) == ("executor-dead", "begun-often")
    assert "begun 12 times" in often["says"]
    assert often["commands"] == ["durable-notebook journal c"]


# -- what it waits for ---------------------------------------------------------------


def test_a_question_with_the_command_that_answers_it(
    cli: Cli, journal_url: str
) -> None:
    async def ask(runtime: DBOSRuntime) -> None:
        Approving(runtime=runtime).run(run_id="a")
        await until(lambda: (e := runtime.store.last_entry("a")) and e.entry.prompts)

    found, deadline = during(cli, journal_url, ask)

    assert found["cause"] == "waiting-for-answer"
    assert deadline["cause"] == "times-out"
    assert datetime.fromisoformat(deadline["due"]).tzinfo is not None
    assert "Question(text='approve 7?')" in found["says"]
    assert found["commands"] == ["durable-notebook answer a by=..."]
    since = datetime.fromisoformat(found["since"])
    assert timedelta() < datetime.now(since.tzinfo) - since < timedelta(minutes=5)


def test_a_question_whose_answer_is_on_disk_is_not_asked_again(
    cli: Cli, journal_url: str
) -> None:
    asked(journal_url)
    assert causes(cli) == ["executor-dead", "waiting-for-answer"]

    cli("answer", "a", "text=Ada")

    assert causes(cli) == ["executor-dead", "message-unread"]


class Patient(Workflow):
    @step(retry_policy=retry_policy(wait=wait_fixed(3600), stop=stop_after_attempt(3)))
    async def only(self, ev: StartEvent) -> StopEvent:
        raise OutOfPaperError("tray 2 is empty")


def test_a_retry_and_when_it_is_due(cli: Cli, journal_url: str) -> None:
    async def fail(runtime: DBOSRuntime) -> None:
        Patient(runtime=runtime).run(run_id="p")
        await until(lambda: (e := runtime.store.last_entry("p")) and e.entry.bodies)

    (found,) = during(cli, journal_url, fail)

    assert found["cause"] == "retry-later"
    assert found["says"] == (
        "Step only has failed (OutOfPaperError: tray 2 is empty), and is tried again: "
        "attempt 2."
    )
    due = datetime.fromisoformat(found["due"])
    left = due - datetime.now(due.tzinfo)
    assert timedelta(minutes=50) < left <= timedelta(minutes=60)


def test_a_step_that_is_running_since_when(cli: Cli, journal_url: str) -> None:
    async def count(runtime: DBOSRuntime) -> None:
        log: list[str] = []
        Counter(log, asyncio.Event().wait, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)

    (found,) = during(cli, journal_url, count)

    assert found["cause"] == "step-running"
    assert found["says"] == "Step increment is running, in executor 'local'."
    assert found["since"] is not None


def test_a_message_that_cannot_be_read(cli: Cli, journal_url: str) -> None:
    event = {"__is_pydantic": True, "value": {}, "qualified_name": "not_here.Event"}

    async def ask(runtime: DBOSRuntime) -> None:
        Asking(runtime=runtime, timeout=None).run(run_id="a")
        await until(lambda: (e := runtime.store.last_entry("a")) and e.entry.prompts)
        text = json.dumps({"type": "add_event", "event": event})
        runtime.store.post("a", text).result()

    question, unread = during(cli, journal_url, ask)

    assert (question["cause"], unread["cause"]) == (
        "waiting-for-answer",
        "message-unread",
    )
    assert "the log of executor 'local' says why" in unread["says"]


class Silent(Workflow):
    """Waits for an event without asking."""

    @step
    async def begin(self, ev: StartEvent) -> None:
        pass

    @step
    async def end(self, ev: Answer) -> StopEvent:
        return StopEvent()


def test_a_run_that_waits_for_an_event_from_outside(cli: Cli, journal_url: str) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        Silent(runtime=runtime, timeout=None).run(run_id="s")
        await until(lambda: (e := runtime.store.last_entry("s")) and e.entry.steps)

    (found,) = during(cli, journal_url, begin)

    assert found["cause"] == "waiting-for-event"
    assert f"in executor 'local' (process {os.getpid()})" in found["says"]


# -- how it ended --------------------------------------------------------------------


def test_a_failure_with_its_error(cli: Cli, journal_url: str) -> None:
    failed(journal_url)

    (found,) = findings(cli, "f")

    assert found["cause"] == "failed"
    assert "OutOfPaperError: tray 2 is empty" in found["says"]
    assert found["commands"] == ["durable-notebook fork f"]
    assert causes(cli) == []


def test_an_end_that_no_entry_tells_of(cli: Cli, journal_url: str) -> None:
    interrupted(journal_url)
    change(journal_url, "UPDATE workflow_status SET status = 'ERROR'")

    (found,) = findings(cli, "c")

    assert found["cause"] == "outcome-lost"
    assert cli(*found["commands"][0].split()[1:]).status == 0


def test_a_damaged_journal_names_the_position(cli: Cli, journal_url: str) -> None:
    interrupted(journal_url)
    change(
        journal_url, "UPDATE operation_outputs SET output = '{' WHERE function_id = 2"
    )

    (found,) = findings(cli)

    assert found["cause"] == "unreadable"
    assert "damaged at position 1" in found["says"]


def test_one_newer_entry_is_told_of_its_run_only(cli: Cli, journal_url: str) -> None:
    interrupted(journal_url)
    asked(journal_url)
    change(
        journal_url,
        "UPDATE operation_outputs SET output = '{\"v\": 99}'"
        " WHERE function_id = 2 AND workflow_uuid = 'c'",
    )

    found = {each["run_id"]: each for each in findings(cli)}

    assert found["c"]["cause"] == "journal-newer"
    assert found["c"]["commands"] == ["pip install -U durable-notebook"]
    assert found["a"]["cause"] != "journal-newer"


# -- the journal as a whole ----------------------------------------------------------


def test_a_newer_journal(cli: Cli, journal_url: str) -> None:
    counted(journal_url, "c")
    newer(journal_url)

    done = cli("doctor", "--json")

    (found,) = done.document["findings"]
    assert done.status == 1
    assert found["cause"] == "journal-newer"
    assert found["commands"] == ["pip install -U durable-notebook"]


@on_a_file
def test_a_foreign_lock_and_who_can_be_asked_for_it(
    cli: Cli, journal_url: str, journal: Path
) -> None:
    counted(journal_url, "c")
    with closing(sqlite3.connect(journal, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        (found,) = findings(cli)
        foreign.rollback()

    assert found["cause"] == "journal-locked"
    assert found["commands"] == [f"fuser --verbose {journal}"]
    assert causes(cli) == []


@on_a_file
def test_a_file_that_is_no_journal(cli: Cli, journal: Path) -> None:
    journal.write_text("not a database, but long enough to be looked at" * 40)

    done = cli("doctor", "--json")

    (found,) = done.document["findings"]
    assert (done.status, found["cause"]) == (1, "journal-unusable")


# Root may write everywhere; without this capability it is a user like others.
WITHOUT_RIGHTS = """
import ctypes, os, sys
from durable_notebook.cli import main
class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
class Data(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint32) for n in ("effective", "permitted", "inheritable")]
if os.getuid() == 0:
    header = Header(0x20080522, 0)
    assert ctypes.CDLL(None).capset(ctypes.byref(header), (Data * 2)()) == 0
sys.exit(main(["doctor", "--json", "--database", sys.argv[1]]))
"""


@on_a_file
@pytest.mark.parametrize("which", ["file", "folder"])
def test_missing_rights_and_the_command_that_gives_them(
    journal_url: str, journal: Path, which: str
) -> None:
    counted(journal_url, "c")
    path = journal if which == "file" else journal.parent
    path.chmod(0o500 if which == "folder" else 0o400)

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_RIGHTS, journal_url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    path.chmod(0o700)

    found = json.loads(done.stdout)["findings"]
    rights = [each for each in found if each["cause"] == "no-rights"]
    assert [each["commands"] for each in rights] == [[f"chmod u+rwX {path}"]]


def test_a_dbos_that_was_not_tested(
    cli: Cli, journal_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted(journal_url, "c")
    real = metadata.version
    for version, expected in (("3.4.9", []), ("3.5.0", ["dbos-untested"])):
        monkeypatch.setattr(
            metadata,
            "version",
            lambda name, v=version: v if name == "dbos" else real(name),
        )
        assert causes(cli) == expected
    assert cli("doctor", "--json").document["findings"][0]["commands"] == [
        "pip install 'dbos>=3.4,<3.5'"
    ]


# -- as text -------------------------------------------------------------------------


def test_each_cause_stands_above_its_command(
    cli: Cli, journal_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(journal_url)
    monkeypatch.setenv("COLUMNS", "60")

    named = shlex.quote(journal_url)
    lines = cli("doctor", "a", "--database", journal_url).out.splitlines()

    commands = [line for line in lines if line.startswith("    ")]
    assert commands == [
        f"    durable-notebook resume a --app sample_workflows --database {named}",
        "    durable-notebook reassign a --from local --to EXECUTOR "
        f"--database {named}",
        f"    durable-notebook answer a text=... --database {named}",
    ]
    assert all(len(line) <= 60 for line in lines if line not in commands)
    assert lines[0] == "a · Asking · interrupted · executor local"
    assert lines[1].startswith("  Its executor 'local' is not alive")


def test_a_password_is_in_no_command(cli: Cli) -> None:
    done = cli("doctor", "--database", "postgresql://me:hunter2@127.0.0.1:1/nothing")

    assert done.status == 1
    assert "hunter2" not in done.out + done.err
