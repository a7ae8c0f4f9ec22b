"""Runs that rest: released, over a limit, or waiting for a run of their own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
from process_lives import live, never, until
from sample_workflows import Asking, Logged, Once
from workflows import step
from workflows.events import StartEvent, StopEvent

from durable_notebook import DBOSRuntime

from .conftest import Cli, Done
from .lives import interrupted


def beside(
    cli: Cli,
    url: str,
    begin: Callable[[DBOSRuntime], Awaitable[object]],
    *words: str,
    **options: Any,
) -> Done:
    """What a command line says beside a process in which this was begun."""

    async def use(runtime: DBOSRuntime) -> Done:
        await begin(runtime)
        return await asyncio.to_thread(cli, *words)

    return live(url, use, **options)


def causes(done: Done) -> list[str]:
    return [each["cause"] for each in done.document["findings"]]


async def release(runtime: DBOSRuntime) -> None:
    Asking(runtime=runtime, timeout=None).run(run_id="a")
    await until(lambda: runtime.is_released("a"))


async def define(runtime: DBOSRuntime) -> None:
    Asking(runtime=runtime, timeout=None)
    await until(lambda: runtime.is_released("a"))


async def nothing(runtime: DBOSRuntime) -> None:
    pass


def test_a_released_run_is_seen_waiting_for_its_answer(
    cli: Cli, journal_url: str
) -> None:
    def look(*words: str) -> Done:
        return beside(cli, journal_url, release, *words, "--json", idle_timeout=0)

    assert causes(look("doctor")) == ["waiting-for-answer"]
    (run,) = look("runs").document["runs"]
    assert (run["status"], run["waits_for"]) == ("waiting", "an answer: Answer")
    assert run["due"] is None


def test_a_released_run_takes_an_answer_of_the_command_line(
    cli: Cli, journal_url: str
) -> None:
    words = ("answer", "a", "text=Ada", "--json")

    done = beside(cli, journal_url, release, *words, idle_timeout=0)

    assert done.document["is_taken"] is True


def test_a_run_that_a_launch_left_at_rest_has_been_left_for_that(
    cli: Cli, journal_url: str
) -> None:
    live(journal_url, release, idle_timeout=0)

    done = beside(cli, journal_url, define, "doctor", "--json", idle_timeout=0)
    listed = beside(cli, journal_url, define, "runs", "--json", idle_timeout=0)

    rest, question = done.document["findings"]
    assert (rest["cause"], question["cause"]) == ("left-at-rest", "waiting-for-answer")
    assert f"'local' (process {os.getpid()}) has left it out of memory" in rest["says"]
    assert listed.document["runs"][0]["status"] == "waiting"


def test_a_run_at_rest_with_a_message_that_nobody_takes_is_not_taken(
    cli: Cli, journal_url: str
) -> None:
    """Its class is missing: who answers must not be told that all is well."""
    live(journal_url, release, idle_timeout=0)
    assert cli("answer", "a", "text=Ada").status == 0

    done = beside(cli, journal_url, nothing, "doctor", "--json", idle_timeout=0)

    assert causes(done) == ["not-taken", "message-unread"]
    assert "Asking is not defined there" in done.document["findings"][0]["says"]


def test_a_deadline_of_a_run_that_waits_is_shown(cli: Cli, journal_url: str) -> None:
    async def ask(runtime: DBOSRuntime) -> None:
        Asking(runtime=runtime, timeout=3600).run(run_id="a")
        await until(lambda: (e := runtime.store.last_entry("a")) and e.entry.rest)

    shown = beside(cli, journal_url, ask, "runs").out
    (run,) = beside(cli, journal_url, ask, "runs", "--json").document["runs"]

    assert "an answer: Answer, until " in shown
    left = datetime.fromisoformat(run["due"]).timestamp() - (
        datetime.fromisoformat(run["started"]).timestamp()
    )
    assert left == pytest.approx(3600, abs=60)


def test_a_run_over_its_limit_has_not_begun(cli: Cli, journal_url: str) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        log: list[str] = []
        workflow = Once(log, never, runtime=runtime, num_concurrent_runs=1)
        workflow.run(run_id="first", value=1)
        await until(lambda: log)
        workflow.run(run_id="second", value=2)
        await until(lambda: runtime.store.run("second"))

    done = beside(cli, journal_url, begin, "doctor", "second", "--json")

    assert causes(done) == ["not-begun"]
    assert "'num_concurrent_runs'" in done.document["findings"][0]["says"]


class Parent(Logged):
    """One body that runs another."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        child = Asking(runtime=self.runtime)
        return StopEvent(result=await child.run(run_id="child"))


def test_a_run_that_waits_for_one_of_its_own_names_it(
    cli: Cli, journal_url: str
) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        Parent(runtime=runtime).run(run_id="parent")
        await until(
            lambda: (e := runtime.store.last_entry("child")) and e.entry.prompts
        )

    done = beside(cli, journal_url, begin, "doctor", "parent", "--json")

    running, child = done.document["findings"]
    assert (running["cause"], child["cause"]) == ("step-running", "waiting-for-run")
    assert "run 'child', which has not ended" in child["says"]
    assert child["commands"] == ["durable-notebook doctor child"]


def test_a_deleted_run_takes_its_own_runs_with_it(cli: Cli, journal_url: str) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        Parent(runtime=runtime).run(run_id="parent")
        await until(
            lambda: (e := runtime.store.last_entry("child")) and e.entry.prompts
        )

    live(journal_url, begin)
    interrupted(journal_url)

    done = cli("delete", "parent", "--json")

    assert done.document == {"deleted": ["parent", "child"]}
    left = cli("runs", "--json").document["runs"]
    assert [run["run_id"] for run in left] == ["c"]


def test_a_run_of_a_server_is_gone_on_with_by_its_workflow(
    cli: Cli, journal_url: str
) -> None:
    """Recorded under a route, which says nothing of the module that defines it."""

    async def ask(runtime: DBOSRuntime) -> None:
        Asking(runtime=runtime, workflow_name="orders", timeout=None).run(run_id="a")
        await until(lambda: (e := runtime.store.last_entry("a")) and e.entry.prompts)

    live(journal_url, ask)
    cli("answer", "a", "text=Ada")
    found = cli("doctor", "a", "--json").document["findings"][0]

    done = cli("resume", "a", "--app", "sample_workflows:Asking", "--json")

    assert "durable-notebook resume a --app MODULE:WORKFLOW" in found["commands"]
    assert done.document["run"]["status"] == "completed"
    assert done.document["run"]["workflow"] == "orders"
