"""Giving the runs of a dead executor to another, beside everybody."""

from __future__ import annotations

import asyncio
import os

import pytest
from process_lives import live, soon, until
from sample_workflows import Asking, Counted, Counter

from durable_notebook import DBOSRuntime

from .conftest import Cli
from .lives import counted, interrupted


def owners(cli: Cli) -> dict[str, str]:
    runs = cli("runs", "--json").document["runs"]
    return {run["run_id"]: run["executor_id"] for run in runs}


def test_a_dead_executors_runs_are_given_and_go_on_in_the_other(
    cli: Cli, journal_url: str
) -> None:
    counted(journal_url, "ended")
    interrupted(journal_url)
    log: list[str] = []

    done = cli("reassign", "--from", "local", "--to", "r2", "--json")

    async def go_on(runtime: DBOSRuntime) -> object:
        Counter(log, runtime=runtime)
        return await soon(runtime.result("c"))

    assert (done.status, done.err) == (0, "")
    assert done.document == {
        "from": "local",
        "to": "r2",
        "is_alive": False,
        "is_dry_run": False,
        "reassigned": ["c"],
    }
    assert owners(cli) == {"c": "r2", "ended": "local"}
    assert live(journal_url, go_on, executor_id="r2") == Counted(final_count=5)
    assert log == ["increment 3", "increment 4"]


def test_a_dry_run_changes_nothing(cli: Cli, journal_url: str) -> None:
    interrupted(journal_url)

    done = cli("reassign", "--from", "local", "--to", "r2", "--dry-run")

    assert done.status == 0
    assert done.out == (
        "Would give 1 run of executor local to executor r2, which goes on with them "
        "when it is started; no process has been that so far:\n  c\n"
    )
    assert owners(cli) == {"c": "local"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "local", "--to", "local"], "are its own already"),
        (["--from", "nobody", "--to", "r2"], "'nobody' has no unfinished runs"),
        (["--from", "local", "--to", " "], "cannot be an executor"),
        (["--from", "local", "--to", "r2", "nobody"], "No run 'nobody'"),
        (["--from", "local", "--to", "r2", "c", "ended"], "'local' and has ended"),
    ],
)
def test_what_cannot_be_given_is_one_sentence_and_nothing_is(
    cli: Cli, journal_url: str, words: list[str], said: str
) -> None:
    counted(journal_url, "ended")
    interrupted(journal_url)

    done = cli("reassign", *words)

    assert (done.status, done.out) == (1, "")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert owners(cli) == {"c": "local", "ended": "local"}


def test_the_runs_of_a_live_executor_stay_with_its_process(
    cli: Cli, journal_url: str
) -> None:
    async def look(runtime: DBOSRuntime) -> str:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.live("a"))
        words = ("reassign", "--from", "local", "--to", "r2")
        return (await asyncio.to_thread(cli, *words)).err

    said = live(journal_url, look)

    assert f"Executor 'local' is alive (process {os.getpid()})" in said
    assert owners(cli) == {"a": "local"}


def test_some_are_given_with_what_their_steps_have_begun(
    cli: Cli, journal_url: str
) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        Calling(runtime=runtime).run(run_id="p")
        Asking(runtime=runtime).run(run_id="other")
        await until(lambda: len(runtime.store.runs()) == 3)

    live(journal_url, begin)

    done = cli("reassign", "--from", "local", "--to", "r2", "p", "--json")

    assert done.document["reassigned"] == ["p", "child"]
    assert owners(cli) == {"p": "r2", "child": "r2", "other": "local"}


class Calling(Counter):
    """Waits for a run that it has begun."""

    async def pass_gate(self) -> None:
        await Asking(runtime=self.runtime).run(run_id="child")


def test_the_doctor_names_a_live_executor_to_give_the_run_to(
    cli: Cli, journal_url: str
) -> None:
    interrupted(journal_url)

    async def look(runtime: DBOSRuntime) -> list[str]:
        Counter(runtime=runtime)
        found = (await asyncio.to_thread(cli, "doctor", "--json")).document
        command: str = found["findings"][0]["commands"][1]
        assert command == "durable-notebook reassign c --from local --to r2"
        assert (await asyncio.to_thread(cli, *command.split()[1:])).status == 0
        return [str(await soon(runtime.result("c")))]

    assert live(journal_url, look, executor_id="r2") == [str(Counted(final_count=5))]
