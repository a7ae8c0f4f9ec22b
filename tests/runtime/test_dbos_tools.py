"""DBOS's own operations, of its class and of its command line, on our runs."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS, SetWorkflowID
from process_lives import launched, live, never, soon, until
from sample_workflows import (
    Answer,
    Asking,
    AskingTwice,
    Counted,
    Counter,
    Failing,
    Logged,
    Once,
    OutOfPaperError,
    Tick,
)
from workflows import step
from workflows.errors import WorkflowCancelledByUser
from workflows.events import StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook._model import RunStatus
from durable_notebook.errors import UnknownRunError

Operation = Callable[..., Awaitable[Any]]


async def command_line(url: str, *words: str) -> str:
    """Run `dbos workflow ...`, as an operator would beside the program."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dbos.cli.cli", "workflow", *words, "-s", url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


WAYS = ["async", "sync", "command line"]


async def operate(way: str, url: str, operation: str, run_id: str) -> None:
    """Let DBOS cancel or resume a run, in one of the ways that it offers."""
    if way == "command line":
        await command_line(url, operation, run_id)
    elif way == "async":
        await getattr(DBOS, f"{operation}_workflow_async")(run_id)
    else:
        await asyncio.to_thread(getattr(DBOS, f"{operation}_workflow"), run_id)


def status(runtime: DBOSRuntime, run_id: str) -> str | None:
    row = runtime.store.run(run_id)
    return None if row is None else row.dbos_status


@pytest.mark.parametrize("way", WAYS)
async def test_a_run_that_dbos_cancels_while_it_waits_ends_as_cancelled(
    journal_url: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a"))

        await operate(way, journal_url, "cancel", "a")

        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)
        info = await Client(runtime).run("a").info()
        assert info.status is RunStatus.CANCELLED
        assert runtime.live("a") is None
        assert status(runtime, "a") == "CANCELLED"
    assert [r.getMessage() for r in caplog.records] == []


async def test_the_body_of_a_run_that_dbos_cancels_does_not_go_on(
    journal_url: str,
) -> None:
    log: list[str] = []
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        handler = Counter(log, gate.wait, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)

        await DBOS.cancel_workflow_async("c")
        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)
        gate.set()
        for _ in range(20):
            await asyncio.sleep(0)

    assert log[-1] == "increment 3"


@pytest.mark.parametrize("way", WAYS)
async def test_a_cancelled_run_that_dbos_resumes_goes_on(
    journal_url: str, way: str
) -> None:
    log: list[str] = []
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        workflow = Counter(log, gate.wait, runtime=runtime)
        handler = workflow.run(run_id="c")
        await until(lambda: "increment 3" in log)
        await DBOS.cancel_workflow_async("c")
        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)

        gate.set()
        await operate(way, journal_url, "resume", "c")
        await until(lambda: status(runtime, "c") == "SUCCESS")

        assert await soon(workflow.run(run_id="c")) == Counted(final_count=5)
    assert log == [
        "start",
        *(f"increment {n}" for n in (0, 1, 2, 3, 3, 4)),
    ]


def test_a_cancelled_run_is_resumed_in_a_later_life(journal_url: str) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a"))
        await DBOS.cancel_workflow_async("a")

    async def use(runtime: DBOSRuntime) -> Any:
        await DBOS.resume_workflow_async("a")
        # Its class comes only now: until then it waits, and DBOS must not take it.
        await until(lambda: "a" in runtime.undefined())
        workflow = Asking(runtime=runtime)
        await until(lambda: runtime.live("a"))
        await runtime.send("a", Answer(text="Ada"))
        return await soon(workflow.run(run_id="a"))

    live(journal_url, begin)

    assert live(journal_url, use) == "Ada"


def test_a_run_of_which_nobody_can_tell_who_has_it_keeps_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path / 'j.sqlite'}"

    async def begin(runtime: DBOSRuntime) -> None:
        run_id = f"of-{runtime.executor_id}"
        Asking(runtime=runtime).run(run_id=run_id)
        await until(lambda: runtime.store.last_entry(run_id))
        await DBOS.cancel_workflow_async(run_id)

    async def use(runtime: DBOSRuntime) -> list[str]:
        for executor_id in ("a", "b", "c"):
            await DBOS.resume_workflow_async(f"of-{executor_id}")
        Asking(runtime=runtime)
        await until(lambda: runtime.live("of-a") and runtime.live("of-c"))
        return [run_id for run_id in ("of-b",) if runtime.live(run_id)]

    for executor_id in ("a", "b", "c"):
        live(url, begin, executor_id=executor_id)
    with lock_that_cannot_be_read(tmp_path / "j.sqlite.b.lock"):
        caplog.clear()
        taken = live(url, use, queue_polling_interval_sec=0.01)

    assert taken == []
    said = [r for r in caplog.records if "j.sqlite.b.lock" in r.getMessage()]
    assert [(r.levelname, r.__dict__["run_id"]) for r in said] == [("WARNING", "of-b")]


@contextmanager
def lock_that_cannot_be_read(path: Path) -> Iterator[None]:
    """A socket: nobody opens it as a file, not even root."""
    path.unlink(missing_ok=True)
    before = os.getcwd()
    os.chdir(path.parent)  # The path of a socket may not be long.
    try:
        with socket.socket(socket.AF_UNIX) as taken:
            taken.bind(path.name)
    finally:
        os.chdir(before)
    yield
    path.unlink()


async def test_a_run_that_has_ended_is_not_resumed(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a"))
        await client.cancel("a")
        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)
        before = runtime.store.entries("a")

        await DBOS.resume_workflow_async("a")

        with pytest.raises(WorkflowCancelledByUser):
            await soon(client.run("a").result())
        assert runtime.store.entries("a") == before


# -- forks --------------------------------------------------------------------------


async def counted(runtime: DBOSRuntime, log: list[str]) -> Counter:
    """A counter whose run `c` has ended."""
    workflow = Counter(log, runtime=runtime)
    await soon(workflow.run(run_id="c"))
    log.clear()
    return workflow


@pytest.mark.parametrize("kept", range(8))
async def test_a_fork_goes_on_with_the_state_of_its_position(
    journal_url: str, kept: int
) -> None:
    """The counter has 7 entries: the start, one for each body; the last one ends it."""
    log: list[str] = []
    async with launched(journal_url) as runtime:
        workflow = await counted(runtime, log)

        with SetWorkflowID("f"):
            await DBOS.fork_workflow_async("c", kept + 1)
        await until(lambda: status(runtime, "f") == "SUCCESS")

        result = await soon(workflow.run(run_id="f"))
        events = [e async for e in workflow.run(run_id="f").stream_events()]
        original = [e async for e in workflow.run(run_id="c").stream_events()]

    bodies = ["start", *(f"increment {n}" for n in range(5))]
    assert result == Counted(final_count=5)
    # The first entry begins the first body; the end of the original is not kept.
    assert log == bodies[min(max(kept - 1, 0), 5) :]
    assert events == original
    assert [e.count for e in events if isinstance(e, Tick)] == [1, 2, 3, 4, 5]


async def test_the_client_forks_at_a_position(journal_url: str) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        await counted(runtime, log)
        client = Client(runtime)

        fork = await client.fork("c", 4, "f")
        result = await soon(fork.result())
        (whole, info) = await soon(client.fork("c")), await fork.info()
        await soon(whole.result())

    assert (fork.run_id, result) == ("f", Counted(final_count=5))
    assert log == ["increment 2", "increment 3", "increment 4", "increment 4"]
    assert info.status is RunStatus.COMPLETED
    assert whole.run_id.startswith("c-fork-")


async def test_the_command_line_forks(journal_url: str) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        await counted(runtime, log)

        await command_line(journal_url, "fork", "c", "-S", "6", "-f", "f")
        await until(lambda: status(runtime, "f") == "SUCCESS")

    assert log == ["increment 3", "increment 4"]


async def test_a_fork_asks_its_own_questions(journal_url: str) -> None:
    """Messages are not copied: the fork at the second question hears its own answer."""
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        original = await client.start(AskingTwice, run_id="a")
        for fields in ({"text": "Ada"}, {"by": "Bob", "number": 1}):
            await until(lambda: runtime.store.run("a") and prompts(runtime, "a"))
            await original.answer(**fields)
            await until(lambda: not answered(runtime, "a"))
        assert await soon(original.result()) == ["Ada", "Bob"]
        position = next(
            r.position
            for r in runtime.store.entries("a")
            if [p["waiter"] for p in r.entry.prompts] == ["second"]
        )

        fork = await client.fork("a", position + 1)
        (prompt,) = (await fork.info()).prompts
        await fork.answer(by="Eve", number=2)

        assert prompt.answer_name == "Approval"
        assert await soon(fork.result()) == ["Ada", "Eve"]
        assert await soon(original.result()) == ["Ada", "Bob"]


def prompts(runtime: DBOSRuntime, run_id: str) -> list[Any]:
    recorded = runtime.store.last_entry(run_id)
    return [] if recorded is None else recorded.entry.prompts


def answered(runtime: DBOSRuntime, run_id: str) -> bool:
    """Whether a message has come that no entry has consumed."""
    recorded = runtime.store.last_entry(run_id)
    cursor = 0 if recorded is None else recorded.entry.cursor
    return bool(runtime.store.mail(run_id, cursor))


async def test_a_fork_of_a_live_run_leaves_it_alone(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        original = await client.start(Asking, run_id="a")
        await until(lambda: prompts(runtime, "a"))

        fork = await client.fork("a")
        await until(lambda: runtime.live(fork.run_id))
        await fork.answer(text="Eve")
        await original.answer(text="Ada")

        assert await soon(fork.result()) == "Eve"
        assert await soon(original.result()) == "Ada"


# -- deletion -----------------------------------------------------------------------


@pytest.mark.parametrize("way", ["async", "sync"])
async def test_a_run_that_dbos_deletes_while_it_waits_is_unknown(
    journal_url: str, way: str
) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a"))

        await operate(way, journal_url, "delete", "a")

        with pytest.raises(UnknownRunError):
            await soon(handler)
        assert runtime.live("a") is None


def test_what_dbos_leaves_of_a_deleted_run_is_gone_at_the_next_open(
    journal_url: str,
) -> None:
    async def begin(runtime: DBOSRuntime) -> int:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a"))
        await runtime.send("a", Answer(text="Ada"))
        await soon(handler)
        await DBOS.delete_workflow_async("a")
        return len(runtime.store.mail("a", 0))

    async def use(runtime: DBOSRuntime) -> int:
        return len(runtime.store.mail("a", 0))

    assert live(journal_url, begin) == 1
    assert live(journal_url, use) == 0


async def test_a_run_does_not_hear_what_was_sent_to_a_deleted_one(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        workflow = Asking(runtime=runtime)
        for name in ("Ada", "Eve"):
            handler = workflow.run(run_id="a")
            await until(lambda: prompts(runtime, "a"))
            await runtime.send("a", Answer(text=name), key="answer:0")

            assert await soon(handler) == name
            await DBOS.delete_workflow_async("a")


async def test_the_steps_of_a_fork_are_listed_by_dbos(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await counted(runtime, [])
        await soon((await Client(runtime).fork("c", 3, "f")).result())

        steps = await DBOS.list_workflow_steps_async("f")

    names = [step["function_name"] for step in steps]
    kept = ["StartEvent", "start", "increment"]
    assert names == [*kept, "session_start", *["increment"] * 4]


async def test_a_run_on_a_queue_of_the_user_waits_for_its_definition(
    journal_url: str,
) -> None:
    """DBOS gives it out by itself; what it does then must not be lost."""

    async def begin(runtime: DBOSRuntime) -> None:
        Once([], never, runtime=runtime).run(run_id="o", value=1)
        await until(lambda: runtime.live("o"))
        await DBOS.cancel_workflow_async("o")

    await asyncio.to_thread(live, journal_url, begin)
    async with launched(journal_url) as runtime:
        await DBOS.register_queue_async("theirs", polling_interval_sec=0.01)
        await DBOS.resume_workflow_async("o", queue_name="theirs")
        while "o" not in runtime.undefined():
            await asyncio.sleep(0)

        workflow = Once(runtime=runtime)

        assert await soon(workflow.run(run_id="o")) == 1


# -- looking --------------------------------------------------------------------------


async def test_the_command_line_shows_a_run_as_it_was_written(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await counted(runtime, [])
        with pytest.raises(OutOfPaperError):
            await soon(Failing(runtime=runtime).run(run_id="bad"))
        await until(lambda: status(runtime, "bad") == "ERROR")

        listed = json.loads(await command_line(journal_url, "list"))
        failed = json.loads(await command_line(journal_url, "list", "-S", "ERROR"))
        run = json.loads(await command_line(journal_url, "get", "c"))
        steps = json.loads(await command_line(journal_url, "steps", "c"))

    names = {row["workflow_id"]: row["name"] for row in listed}
    assert names == {
        "c": "sample_workflows.Counter",
        "bad": "sample_workflows.Failing",
    }
    assert [row["workflow_id"] for row in failed] == ["bad"]
    assert "tray 2 is empty" in str(failed[0]["error"])
    assert (run["workflow_id"], run["status"]) == ("c", "SUCCESS")
    assert "final_count" in str(run["output"])
    found = [step["function_name"] for step in steps]
    assert found == ["StartEvent", "start", *["increment"] * 5]


async def test_dbos_lists_the_steps_of_a_run_that_waits(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime, "a"))

        steps = await DBOS.list_workflow_steps_async("a")
        found = await DBOS.get_workflow_status_async("a")
        await runtime.send("a", Answer(text="Ada"))

        assert await soon(handler) == "Ada"
    assert [step["function_name"] for step in steps] == ["StartEvent", "ask"]
    assert found is not None
    assert found.status == "PENDING"


# -- trees ----------------------------------------------------------------------------


class Family(Logged):
    """A body that runs another, which passes the gate."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        inside = Once(self.log, self.gate, runtime=self.runtime)
        return StopEvent(result=await inside.run(run_id="child", value=1))


async def test_dbos_deletes_the_children_of_a_run_with_it(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Family(runtime=runtime).run(run_id="f"))
        await until(lambda: status(runtime, "f") == "SUCCESS")

        await DBOS.delete_workflow_async("f", delete_children=True)

        assert runtime.store.runs() == []


async def test_dbos_cancels_the_children_of_a_run_with_it(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Family([], never, runtime=runtime).run(run_id="f")
        await until(lambda: runtime.live("child"))

        await DBOS.cancel_workflow_async("f", cancel_children=True)

        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)
        with pytest.raises(WorkflowCancelledByUser):
            await soon(Client(runtime).run("child").result())
        assert status(runtime, "child") == "CANCELLED"


@pytest.mark.parametrize("kept", range(7))
async def test_a_rewound_run_goes_on_with_the_state_of_its_position(
    journal_url: str, kept: int
) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        workflow = await counted(runtime, log)
        await until(lambda: status(runtime, "c") == "SUCCESS")
        before = [e async for e in workflow.run(run_id="c").stream_events()]

        await DBOS.rewind_workflow_async("c", start_step=kept + 1)
        await until(lambda: status(runtime, "c") == "SUCCESS" and log)

        result = await soon(workflow.run(run_id="c"))
        events = [e async for e in workflow.run(run_id="c").stream_events()]

    bodies = ["start", *(f"increment {n}" for n in range(5))]
    assert result == Counted(final_count=5)
    assert log == bodies[max(kept - 1, 0) :]
    assert events == before
