"""The installed command beside a live process, on SQLite and Postgres."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from durable_notebook.client._journal import Journal

PROGRAM = """
import asyncio, os, sys
from durable_notebook import Client, DBOSRuntime
from pydantic import field_validator
from workflows import Context, Workflow, step
from workflows.events import (
    Event, HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent
)

class Review(InputRequiredEvent):
    question: str

class Verdict(HumanResponseEvent):
    approved: bool
    by: str

    @field_validator("by")
    @classmethod
    def _known(cls, by):
        assert by != "nobody", "nobody may not approve"
        return by

class Work(Event):
    n: int

class Order(Workflow):
    @step
    async def prepare(self, ev: StartEvent) -> Review:
        return Review(question="Send it?")

    @step
    async def approve(self, ctx: Context, ev: Verdict) -> Work:
        await ctx.store.set("by", ev.by)
        return Work(n=0)

    @step
    async def work(self, ctx: Context, ev: Work) -> Work | StopEvent:
        by = await ctx.store.get("by")
        if by == "slow" and ev.n == 3:
            await asyncio.Event().wait()
        return StopEvent(result=f"sent by {by}") if ev.n == 5 else Work(n=ev.n + 1)

async def main():
    async with DBOSRuntime(database_url=sys.argv[1], executor_id="owner") as runtime:
        run = await Client(runtime).start(Order, run_id="order-17")
        while not (await run.info()).prompts:
            await asyncio.sleep(0.01)
        print("asks", flush=True)
        if "--wait" in sys.argv:
            print(await run.result(), flush=True)

if __name__ == "__main__":
    asyncio.run(main())
"""

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["sqlite", "postgres"])
def journal_url(request: pytest.FixtureRequest, journal: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{journal}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "beside_orders.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def command(script: Path, journal_url: str, folder: Path) -> Command:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [script, *words],
            cwd=folder,
            env={**os.environ, "DURABLE_NOTEBOOK_URL": journal_url},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


def program(url: str, folder: Path, *words: str) -> subprocess.Popen[str]:
    """The program, once its run asks."""
    found = subprocess.Popen(
        [sys.executable, "beside_orders.py", url, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert found.stdout is not None
    assert found.stdout.readline() == "asks\n"
    return found


def run_of(command: Command) -> dict[str, Any]:
    (run,) = json.loads(command("runs", "--json").stdout)["runs"]
    return dict(run)


def test_a_live_run_gets_its_answer(
    command: Command, journal_url: str, folder: Path
) -> None:
    process = program(journal_url, folder, "--wait")
    try:
        before = run_of(command)
        asked = json.loads(command("doctor", "--json").stdout)["findings"]
        typo = command("answer", "order-17", "approve=true", "by=Ada")
        refused = command("answer", "order-17", "approved=true", "by=nobody")
        taken = command("answer", "order-17", "approved=true", "by=Ada", "--json")
        assert process.stdout is not None
        result = process.stdout.readline()
        process.wait(30)
    finally:
        process.kill()
        process.communicate()

    assert (before["status"], before["executor_id"]) == ("waiting", "owner")
    assert [each["cause"] for each in asked] == ["waiting-for-answer"]
    assert typo.returncode == 1
    assert "approve: there is no such field" in typo.stderr
    assert refused.returncode == 1
    assert "Executor 'owner' has refused the answer" in refused.stderr
    assert (taken.returncode, taken.stderr) == (0, "")
    assert json.loads(taken.stdout)["is_taken"] is True
    assert result == "sent by Ada\n"
    assert run_of(command)["status"] == "completed"


def test_a_live_run_is_cancelled(
    command: Command, journal_url: str, folder: Path
) -> None:
    process = program(journal_url, folder, "--wait")
    try:
        done = command("cancel", "order-17")
        process.wait(30)
    finally:
        process.kill()
        process.communicate()

    assert (done.returncode, done.stderr) == (0, "")
    assert "Executor owner ends it as cancelled." in done.stdout
    assert run_of(command)["status"] == "cancelled"


def test_a_killed_process_leaves_its_run_to_the_command_line(
    command: Command, journal_url: str, folder: Path
) -> None:
    process = program(journal_url, folder, "--wait")
    owned = command("resume", "order-17", "--app", "beside_orders")
    process.kill()
    process.communicate()

    answered = command("answer", "order-17", "approved=true", "by=Ada")
    done = command("resume", "order-17", "--app", "beside_orders")

    assert owned.returncode == 1
    assert "belongs to executor 'owner', which is a live process" in owned.stderr
    assert answered.returncode == 0
    assert (done.returncode, done.stderr) == (0, "")
    assert "result: StopEvent(result='sent by Ada')" in done.stdout


def test_a_fork_goes_on_and_what_has_ended_is_deleted(
    command: Command, journal_url: str, folder: Path
) -> None:
    program(journal_url, folder).communicate(timeout=60)
    fork = command("fork", "order-17", "--new-run-id", "order-18", "--json")
    deleted = command("delete", "order-17", "--json")
    answered = command("answer", "order-18", "approved=true", "by=Ada")
    done = command("resume", "order-18", "--app", "beside_orders", "--json")
    trimmed = command("trim", "--keep", "0", "--json")

    assert fork.stderr == ""
    assert json.loads(fork.stdout)["forked_from"] == "order-17"
    assert json.loads(deleted.stdout) == {"deleted": ["order-17"]}
    assert answered.returncode == 0
    assert json.loads(done.stdout)["run"]["status"] == "completed"
    assert json.loads(trimmed.stdout) == {"deleted": ["order-18"]}
    assert json.loads(command("runs", "--json").stdout)["runs"] == []


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_leaves_the_run_resumable(
    command: Command, script: Path, journal_url: str, folder: Path
) -> None:
    """On a terminal, where each step is a line."""
    program(journal_url, folder).communicate(timeout=60)
    command("answer", "order-17", "approved=true", "by=slow")
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [script, "resume", "order-17", "--app", "beside_orders"],
        cwd=folder,
        env={**os.environ, "DURABLE_NOTEBOOK_URL": journal_url, "COLUMNS": "100"},
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    try:
        shown = read_until(terminal, "Work(n=3)")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(terminal)
        process.communicate()

    assert shown.count("completed") == 4
    assert process.returncode == 130
    assert "Run 'order-17' stays resumable" in said
    assert "'durable-notebook resume order-17 --app beside_orders' goes on" in said
    assert "Traceback" not in said
    run = run_of(command)
    assert (run["status"], run["steps"]) == ("interrupted", 5)


def read_until(terminal: int, text: str) -> str:
    """What is shown on a terminal, as far as a text; the test's timeout bounds it."""
    shown = ""
    with suppress(OSError):  # The other end is closed.
        while text not in shown:
            shown += os.read(terminal, 1000).decode()
    assert text in shown, shown
    return shown


def test_nothing_of_dbos_begins_beside_a_kernel(
    command: Command, journal_url: str, folder: Path
) -> None:
    """A look is no session, no executor, and takes no run."""
    process = program(journal_url, folder, "--wait")
    try:
        for words in (["runs"], ["journal", "order-17"], ["doctor"]):
            assert command(*words).returncode == 0
        sessions = sessions_of(journal_url)
    finally:
        process.kill()
        process.communicate()

    assert sessions == 1


def sessions_of(url: str) -> int:
    with Journal.open(url) as journal:
        return max(life.session for life in journal.store.lives().values())
