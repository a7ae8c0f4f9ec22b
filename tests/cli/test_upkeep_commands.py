"""Forking, deleting and trimming from a process that executes nothing."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from process_lives import launched, live, reading, soon, until
from sample_workflows import Asking, Counted, Counter

from durable_notebook import DBOSRuntime

from .conftest import Cli
from .lives import asked, change, counted, failed, interrupted


def run_ids(cli: Cli) -> list[str]:
    return [run["run_id"] for run in cli("runs", "--json").document["runs"]]


def test_a_fork_is_recorded_and_executed_by_who_has_its_class(
    cli: Cli, journal_url: str
) -> None:
    log: list[str] = []
    counted(journal_url, "c")

    forked = cli("fork", "c", "--position", "3", "--new-run-id", "d", "--json")
    waiting = cli("runs", "--json").document["runs"][0]

    async def go_on(runtime: DBOSRuntime) -> object:
        return await soon(Counter(log, runtime=runtime).run(run_id="d"))

    assert (forked.status, forked.err) == (0, "")
    assert forked.document == {"run_id": "d", "forked_from": "c", "position": 3}
    assert (waiting["run_id"], waiting["status"]) == ("d", "interrupted")
    assert "nobody has taken it yet" in waiting["waits_for"]
    assert live(journal_url, go_on) == Counted(final_count=5)
    assert log == [f"increment {n}" for n in range(1, 5)]


def test_a_fork_of_a_failed_run_does_its_last_turn_again(
    cli: Cli, journal_url: str
) -> None:
    failed(journal_url)

    done = cli("fork", "f")

    assert done.status == 0
    (new,) = [run_id for run_id in run_ids(cli) if run_id != "f"]
    assert f"Run {new} begins with 1 turn of f." in done.out
    assert f"'durable-notebook resume {new} --app sample_workflows'" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fork", "nobody"], "No run 'nobody'"),
        (["fork", "c", "--position", "99"], "cannot go on from position 99"),
        (["fork", "c", "--new-run-id", "d"], "There is a run 'd' already"),
        (["fork", "c", "--new-run-id", " "], "cannot be a run id"),
        (["delete", "nobody"], "No run 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    cli: Cli, journal_url: str, words: list[str], said: str
) -> None:
    counted(journal_url, "c", "d")

    done = cli(*words)

    assert (done.status, done.out) == (1, "")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert run_ids(cli) == ["d", "c"]


@pytest.mark.parametrize("make", [asked, interrupted, failed])
def test_a_run_that_nobody_executes_is_deleted(
    cli: Cli, journal_url: str, make: object
) -> None:
    assert callable(make)
    make(journal_url, "x")
    counted(journal_url, "kept")

    done = cli("delete", "x")

    assert (done.status, done.out) == (0, "Deleted run x.\n")
    assert run_ids(cli) == ["kept"]
    assert cli("delete", "kept", "--json").document == {"deleted": ["kept"]}


def test_a_live_run_is_neither_deleted_nor_resumed(cli: Cli, journal_url: str) -> None:
    async def use(runtime: DBOSRuntime) -> list[tuple[int, str]]:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a"))
        found = []
        for words in (["delete", "a"], ["resume", "a", "--app", "sample_workflows"]):
            done = await asyncio.to_thread(cli, *words)
            found.append((done.status, done.err))
        assert runtime.live("a") is not None
        return found

    (deleted, resumed) = live(journal_url, use)

    assert deleted[0] == resumed[0] == 1
    assert (
        "it was not deleted. Cancel it with 'durable-notebook cancel a'" in deleted[1]
    )
    assert "which is a live process: it goes on there" in resumed[1]


def test_trimming_deletes_finished_runs_only(cli: Cli, journal_url: str) -> None:
    counted(journal_url, "old", "new")
    asked(journal_url)
    change(
        journal_url,
        "UPDATE workflow_status SET updated_at = updated_at - 7200000"
        " WHERE workflow_uuid = 'old'",
    )

    assert cli("trim", "--older-than", "3h").out == "Deleted 0 finished runs.\n"
    assert cli("trim", "--older-than", "90m").out == "Deleted 1 finished run:\n  old\n"
    assert cli("trim", "--keep", "0", "--json").document == {"deleted": ["new"]}
    assert run_ids(cli) == ["a"]


# -- resume --------------------------------------------------------------------------


def test_a_run_goes_on_until_it_ends(cli: Cli, journal_url: str) -> None:
    interrupted(journal_url)

    done = cli("resume", "c", "--app", "sample_workflows", "--json")

    assert (done.status, done.err) == (0, "")
    assert done.document["run"]["status"] == "completed"
    assert done.document["result"] == {
        "name": "Counted",
        "fields": {"final_count": 5},
    }
    with reading(journal_url) as connection:
        (status,) = connection.execute(
            sa.text("SELECT status FROM workflow_status")
        ).one()
    assert status == "SUCCESS"
    again = cli("resume", "c", "--app", "sample_workflows")
    assert again.status == 0
    assert "Run c is completed (6 completed steps)." in again.out


def test_a_run_goes_on_until_it_waits(cli: Cli, journal_url: str) -> None:
    asked(journal_url)

    waits = cli("resume", "a", "--app", "sample_workflows")
    cli("answer", "a", "text=Ada")
    ends = cli("resume", "a", "--app", "sample_workflows:Asking")

    assert (waits.status, waits.err) == (0, "")
    assert "Run a is waiting (1 completed step)." in waits.out
    assert "It asks Question(text='name?')" in waits.out
    assert (ends.status, ends.err) == (0, "")
    assert "result: StopEvent(result='Ada')" in ends.out


def test_no_other_run_is_touched(cli: Cli, journal_url: str) -> None:
    """Their bodies would be begun, and interrupted when the one run has ended."""
    interrupted(journal_url, "c")
    interrupted(journal_url, "other")
    cli("fork", "c", "--new-run-id", "fork")
    before = cli("journal", "other", "--json").document

    assert cli("resume", "c", "--app", "sample_workflows").status == 0

    assert cli("journal", "other", "--json").document == before
    fork = cli("runs", "--json").document["runs"][0]
    assert (fork["run_id"], fork["executor_id"]) == ("fork", None)
    assert cli("resume", "fork", "--app", "sample_workflows").status == 0


def test_a_run_that_fails_is_exit_status_1(cli: Cli, journal_url: str) -> None:
    failed(journal_url)
    cli("fork", "f", "--new-run-id", "g")

    done = cli("resume", "g", "--app", "sample_workflows")

    assert done.status == 1
    assert done.err == (
        "durable-notebook: Run 'g' has failed: OutOfPaperError: tray 2 is empty.\n"
    )


def test_a_fork_is_taken_under_an_id_of_its_own(cli: Cli, journal_url: str) -> None:
    counted(journal_url, "c")
    cli("fork", "c", "--position", "2", "--new-run-id", "d")

    async def use(runtime: DBOSRuntime) -> list[int]:
        words = ["resume", "d", "--app", "sample_workflows"]
        refused = await asyncio.to_thread(cli, *words)
        assert "--executor-id ID" in refused.err
        return [refused.status]

    async def live_once() -> list[int]:
        async with launched(journal_url) as runtime:
            return await use(runtime)

    assert asyncio.run(live_once()) == [1]
    done = cli("resume", "d", "--app", "sample_workflows", "--executor-id", "mine")
    assert done.status == 0
    run = cli("runs", "--json").document["runs"][0]
    assert (run["run_id"], run["executor_id"]) == ("d", "mine")


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("sample_workflows:Nothing", "has no Nothing"),
        ("math", "math defines no workflow 'sample_workflows.Counter'"),
        ("sample_workflows:Tick", "defines no workflow"),
    ],
)
def test_a_module_without_the_workflow_is_refused(
    cli: Cli, journal_url: str, app: str, said: str
) -> None:
    interrupted(journal_url)

    done = cli("resume", "c", "--app", app)

    assert (done.status, done.out) == (1, "")
    assert said in done.err


PROGRAM = """
import asyncio, sys
from durable_notebook import Client, DBOSRuntime
from workflows import Context, Workflow, step
from workflows.events import HumanResponseEvent, InputRequiredEvent
from workflows.events import StartEvent, StopEvent
class Review(InputRequiredEvent):
    question: str
class Verdict(HumanResponseEvent):
    approved: bool
class Order(Workflow):
    @step
    async def prepare(self, ev: StartEvent) -> Review:
        return Review(question="Send it?")
    @step
    async def send(self, ctx: Context, ev: Verdict) -> StopEvent:
        await ctx.store.set("verdict", ev)
        return StopEvent(result=ev.approved)
async def main():
    async with DBOSRuntime(database_url=sys.argv[1]) as runtime:
        run = await Client(runtime).start(Order, run_id="order-17")
        while not (await run.info()).prompts:
            await asyncio.sleep(0.01)
if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_a_run_of_a_program_goes_on_by_its_module(
    cli: Cli, journal_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `python orders_of_test.py` has recorded is of `__main__`."""
    (tmp_path / "orders_of_test.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "orders_of_test.py", journal_url]
    program = await asyncio.create_subprocess_exec(*command)
    assert await asyncio.wait_for(program.wait(), 60) == 0

    def answer_and_resume() -> list[object]:
        app = ["--app", "orders_of_test"]
        wrong = cli("answer", "order-17", *app, "approved=perhaps")
        right = cli("answer", "order-17", *app, "approved=true")
        done = cli("resume", "order-17", *app, "--json")
        return [wrong.status, right.status, done.status, done.document["result"]]

    found = await asyncio.to_thread(answer_and_resume)

    result = {"name": "StopEvent", "fields": {"result": True}}
    assert found == [1, 0, 0, result]
