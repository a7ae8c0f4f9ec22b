"""A paused run begins no step until somebody goes on with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from process_lives import launched, soon, until
from sample_workflows import Answer, Asking, AskingTwice, Counter, Once
from workflows import Context, step
from workflows.errors import WorkflowCancelledByUser
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook._model import AttemptStatus, RunStatus
from durable_notebook.client._client import Client
from durable_notebook.client._journal import Journal
from durable_notebook.errors import RunFinishedError, UnknownRunError
from durable_notebook.runtime.live._run import LiveRun


@pytest.fixture
def log() -> list[str]:
    return []


ALL = ["start", *(f"increment {n}" for n in range(5))]


async def test_a_body_in_flight_ends_and_none_begins(
    journal_url: str, log: list[str]
) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        handler = Counter(log, gate.wait, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)
        run = client.run("c")

        await run.pause()
        info = await run.info()
        assert info.status is RunStatus.PAUSED
        assert info.waits_for == "somebody who goes on with it"
        assert (await run.journal())[-1].status is AttemptStatus.RUNNING
        gate.set()
        await until(lambda: runtime.live("c") is None)
        assert (await run.info()).steps == 5
        assert log == ALL[:-1]

        await run.go_on()
        assert (await soon(handler)).final_count == 5
    assert log == ALL


async def test_a_launch_does_not_go_on_with_a_paused_run(
    journal_url: str, log: list[str]
) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        Counter(log, gate.wait, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)
        await runtime.pause("c")
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        workflow = Counter(log, runtime=runtime)
        # Whoever starts it again attaches to it, and waits.
        handler = workflow.run(run_id="c")
        await runtime.started("c", handler._external_adapter)
        other = Once(log, runtime=runtime).run(run_id="o")
        await soon(other)
        info = await client.read_info("c")
        assert info.status is RunStatus.PAUSED
        body = (await client.read_journal("c"))[-1]
        assert body.status is AttemptStatus.INTERRUPTED
        assert log == [*ALL[:-1], "only"]

        assert await runtime.resume("c")
        assert (await soon(handler)).final_count == 5
    assert log == [*ALL[:-1], "only", "increment 3", "increment 4"]


async def test_another_process_pauses_and_goes_on(
    journal_url: str, log: list[str]
) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        handler = Counter(log, gate.wait, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)
        live = runtime.live("c")
        assert live is not None
        with Journal.open(journal_url) as journal:
            assert journal.pause("c") == "local"
            await until(lambda: live.is_paused)
            gate.set()
            await until(lambda: runtime.live("c") is None)
            assert journal.info("c").status is RunStatus.PAUSED
            assert journal.go_on("c") == "local"
        assert (await soon(handler)).final_count == 5
    assert log == ALL


async def test_an_answer_to_a_paused_run_is_heard_when_it_goes_on(
    journal_url: str, log: list[str]
) -> None:
    async with launched(journal_url) as runtime:
        run = Client(runtime).run("a")
        handler = Asking(log, runtime=runtime).run(run_id="a")
        await until(lambda: "ask" in log)
        await run.pause()
        await until(lambda: runtime.live("a") is None)
        assert (await run.info()).prompts
        await run.answer(text="Ada")
        assert (await run.info()).status is RunStatus.PAUSED
    async with launched(journal_url) as runtime:
        handler = Asking(log, runtime=runtime).run(run_id="a")
        run = Client(runtime).run("a")
        await until(lambda: runtime._opened.runs.pausing.is_parked("a"))
        assert log == ["ask"]
        await run.go_on()
        assert await soon(handler) == "Ada"
    assert log == ["ask", "hear Ada"]


class Begun(Event):
    """What a quick body gives while another is at the gate."""


async def test_what_was_held_back_begins_at_once_beside_a_body_in_flight(
    journal_url: str, log: list[str]
) -> None:
    gate, quick = asyncio.Event(), asyncio.Event()

    class Beside(Once):
        @step
        async def quick(self, ev: StartEvent) -> Begun:
            await quick.wait()
            return Begun()

        @step
        async def after(self, ev: Begun) -> StopEvent | None:
            self.log.append("after")
            return None

    async with launched(journal_url) as runtime:
        handler = Beside(log, gate.wait, runtime=runtime).run(run_id="b")
        await until(lambda: "only" in log)
        await runtime.pause("b")
        entries = len(runtime.store.entries("b"))
        quick.set()
        await until(lambda: len(runtime.store.entries("b")) > entries)
        assert log == ["only"]

        await runtime.go_on("b")
        await until(lambda: "after" in log)
        gate.set()
        await soon(handler)
    assert log == ["only", "after"]


async def test_a_paused_run_that_is_cancelled_ends_and_begins_nothing(
    journal_url: str, log: list[str]
) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        run = Client(runtime).run("c")
        handler = Counter(log, gate.wait, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)
        await run.pause()
        gate.set()
        await until(lambda: runtime.live("c") is None)
        await run.cancel()
        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)
        assert (await run.info()).status is RunStatus.CANCELLED
    assert log == ALL[:-1]


async def test_a_run_that_ends_while_it_is_paused_has_ended(
    journal_url: str, log: list[str]
) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        handler = Once(log, gate.wait, runtime=runtime).run(run_id="o", value=7)
        await until(lambda: log)
        await runtime.pause("o")
        gate.set()
        assert await soon(handler) == 7
        assert (await client.read_info("o")).status is RunStatus.COMPLETED
        with pytest.raises(RunFinishedError):
            await runtime.pause("o")
        with pytest.raises(UnknownRunError):
            await client.pause("nobody")
        assert not await client.go_on("o")


async def test_a_released_run_can_be_paused(journal_url: str, log: list[str]) -> None:
    async with launched(journal_url, idle_timeout=0.0) as runtime:
        run = Client(runtime).run("a")
        handler = Asking(log, runtime=runtime).run(run_id="a")
        await until(lambda: runtime.is_released("a"))
        await run.pause()
        await run.answer(text="Ada")
        await until(lambda: runtime._opened.runs.pausing.is_parked("a"))
        assert log == ["ask"]
        await run.go_on()
        assert await soon(handler) == "Ada"


class Patient(AskingTwice):
    """Waits for its answer for half a second."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        answer = await ctx.wait_for_event(Answer, waiter_id="first", timeout=0.5)
        return StopEvent(result=answer.text)


async def test_the_timeout_of_a_wait_does_not_count_the_pause(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        handler = Patient(runtime=runtime).run(run_id="p")
        await until(lambda: len(runtime.store.entries("p")) > 1)
        await runtime.pause("p")
        await until(lambda: runtime.live("p") is None)
        await asyncio.sleep(0.5)  # The very time that the wait has.
        await runtime.send("p", Answer(text="late"))
        await runtime.go_on("p")
        assert await soon(handler) == "late"


async def test_a_fork_of_a_paused_run_is_not_paused(
    journal_url: str, log: list[str]
) -> None:
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        Asking(log, runtime=runtime).run(run_id="a")
        await until(lambda: "ask" in log)
        await runtime.pause("a")
        await until(lambda: runtime.live("a") is None)
        fork = await client.fork("a")
        await fork.answer(text="Ada")
        assert await soon(fork.result()) == "Ada"
        assert (await client.read_info("a")).status is RunStatus.PAUSED
        assert runtime.store.paused() == {"a"}


async def test_a_pause_that_is_taken_back_during_a_commit_is_over(
    journal_url: str, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What that commit held back begins: nobody would tell of it a second time."""
    gate = asyncio.Event()
    commit = LiveRun.commit

    async def taken_back(run: LiveRun, bodies: Sequence[str]) -> None:
        await commit(run, bodies)
        if run.is_paused:
            await runtime.go_on(run.run_id)

    monkeypatch.setattr(LiveRun, "commit", taken_back)
    # The run may leave as soon as its body has ended, and would be brought back.
    monkeypatch.setattr(LiveRun, "may_leave", False)
    async with launched(journal_url) as runtime:
        handler = Counter(log, gate.wait, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)
        await runtime.pause("c")
        gate.set()

        assert (await soon(handler)).final_count == 5
    assert log == ALL
