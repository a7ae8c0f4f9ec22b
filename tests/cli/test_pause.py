"""Pausing a run from a process that executes nothing, and going on with it."""

from __future__ import annotations

import asyncio

from process_lives import live, soon, until
from sample_workflows import Counter

from durable_notebook import DBOSRuntime

from .conftest import Cli, Done
from .lives import asked, counted, interrupted


def causes(done: Done) -> list[str]:
    return [each["cause"] for each in done.document["findings"]]


def test_a_run_is_paused_and_goes_on_in_the_live_process_that_has_it(
    cli: Cli, journal_url: str
) -> None:
    gate = asyncio.Event()
    log: list[str] = []

    async def use(runtime: DBOSRuntime) -> list[Done]:
        handler = Counter(log, gate.wait, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)
        found = [await asyncio.to_thread(cli, "pause", "c")]
        found.append(await asyncio.to_thread(cli, "doctor", "c", "--json"))
        await until(lambda: (run := runtime.live("c")) and run.is_paused)
        gate.set()
        await until(lambda: runtime.live("c") is None)
        found.append(await asyncio.to_thread(cli, "runs", "--json"))
        found.append(await asyncio.to_thread(cli, "doctor", "c", "--json"))
        found.append(await asyncio.to_thread(cli, "resume", "c"))
        await soon(handler)
        return found

    paused, stopping, runs, doctor, resumed = live(journal_url, use)

    assert paused.out == (
        "Run c is paused. Executor local lets its steps in flight end. "
        "'durable-notebook resume c' goes on with it.\n"
    )
    assert causes(stopping) == ["paused", "step-running"]
    assert runs.document["runs"][0]["status"] == "paused"
    assert causes(doctor) == ["paused"]
    assert doctor.document["findings"][0]["commands"] == ["durable-notebook resume c"]
    assert resumed.out == "Run c goes on, in executor local.\n"
    assert log[-1] == "increment 4"


def test_a_paused_run_that_nobody_executes_goes_on_here(
    cli: Cli, journal_url: str
) -> None:
    interrupted(journal_url)
    assert cli("pause", "c", "--json").document == {"run_id": "c", "executor_id": None}
    rows = cli("journal", "c", "--json").document["attempts"]
    doctor = cli("doctor", "c", "--json")

    assert rows[-1]["status"] == "interrupted"
    assert causes(doctor) == ["paused"]
    assert doctor.document["findings"][0]["commands"] == [
        "durable-notebook resume c --app sample_workflows"
    ]
    done = cli("resume", "c", "--app", "sample_workflows")
    assert (done.status, done.err) == (0, "")
    assert "Run c is completed" in done.out


def test_a_question_of_a_paused_run_is_told_beside(cli: Cli, journal_url: str) -> None:
    asked(journal_url)
    cli("pause", "a")

    assert causes(cli("doctor", "a", "--json")) == ["paused", "waiting-for-answer"]
    assert cli("answer", "a", "text=Ada").status == 0
    assert causes(cli("doctor", "a", "--json")) == ["paused", "message-unread"]


def test_a_run_that_has_ended_cannot_be_paused(cli: Cli, journal_url: str) -> None:
    counted(journal_url, "c")

    done = cli("pause", "c")

    assert done.status == 1
    assert "has already ended (completed)" in done.err


def test_a_run_of_no_live_process_needs_its_module(cli: Cli, journal_url: str) -> None:
    interrupted(journal_url)

    done = cli("resume", "c")

    assert done.status == 1
    assert "Say which module defines its workflow: --app MODULE." in done.err
