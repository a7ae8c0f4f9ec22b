"""What a run id may be, and what it leads to."""

from __future__ import annotations

import asyncio

import pytest
from dbos import DBOS, SetWorkflowID
from process_lives import launched, soon, until
from sample_workflows import Asking, Counted, Counter, Once, Other
from workflows import Workflow, step
from workflows.events import StartEvent, StopEvent

from durable_notebook import Client
from durable_notebook.errors import (
    InvalidRunIdError,
    RunIdTakenError,
    UnknownRunError,
)
from durable_notebook.runtime.process._checks import check_run_id


@pytest.mark.parametrize(
    ("run_id", "reason"),
    [
        ("", "it is empty"),
        (" \t", "it is empty"),
        ("a\0b", "it has characters that cannot be shown"),
        ("a\nb", "it has characters that cannot be shown"),
        ("a\ud800", "it has characters that cannot be shown"),
        ("x" * 300, "it has 300 characters"),
        (17, "it is not text"),
        (None, "it is not text"),
    ],
)
def test_a_text_that_cannot_be_a_run_id_is_refused(run_id: object, reason: str) -> None:
    with pytest.raises(InvalidRunIdError) as refused:
        check_run_id(run_id)

    assert refused.value.reason == reason
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "run_id", ["x", "order-17", "Łódź 東京", "a/b?c=%20", "x" * 200]
)
async def test_a_text_that_can_be_shown_is_a_run_id(
    journal_url: str, run_id: str
) -> None:
    async with launched(journal_url) as runtime:
        result = await soon(Other(runtime=runtime).run(run_id=run_id))
        row = runtime.store.run(run_id)

    assert result == "other"
    assert row is not None
    assert row.run_id == run_id


@pytest.mark.parametrize("run_id", ["", " ", "a\0b", "a\ud800", "x" * 300])
async def test_nothing_begins_under_an_invalid_run_id(
    journal_url: str, run_id: str
) -> None:
    async with launched(journal_url) as runtime:
        with pytest.raises(InvalidRunIdError):
            Other(runtime=runtime).run(run_id=run_id)
        with pytest.raises(InvalidRunIdError):
            await soon(Client(runtime).start(Other, run_id=run_id))

        assert runtime.store.runs() == []


async def test_a_run_without_an_id_gets_one(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Other(runtime=runtime).run()
        await soon(handler)

        ids = [row.run_id for row in runtime.store.runs()]

    assert ids == [handler.run_id]


async def test_the_id_of_another_workflow_is_taken(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Other(runtime=runtime).run(run_id="x"))
        before = runtime.store.entries("x")

        with pytest.raises(RunIdTakenError) as refused:
            await soon(Counter(runtime=runtime).run(run_id="x"))

        after = runtime.store.entries("x")
        row = runtime.store.run("x")

    names = ("sample_workflows.Other", "sample_workflows.Counter")
    assert (refused.value.recorded, refused.value.offered) == names
    assert after == before
    assert row is not None
    assert row.workflow == "sample_workflows.Other"


async def test_the_id_of_a_workflow_that_is_not_ours_is_taken(journal_url: str) -> None:
    @DBOS.workflow(name="theirs_taken")
    async def theirs() -> int:
        return 5

    async with launched(journal_url) as runtime:
        with SetWorkflowID("x"):
            handle = await DBOS.start_workflow_async(theirs)
        await soon(handle.get_result())

        with pytest.raises(RunIdTakenError, match="is a run of 'theirs_taken'"):
            await soon(Other(runtime=runtime).run(run_id="x"))

        assert runtime.store.runs() == []


async def test_an_unknown_run_is_reported_at_once(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        adapter = runtime.get_external_adapter("nobody")

        with pytest.raises(UnknownRunError):
            await soon(adapter.get_result())
        with pytest.raises(UnknownRunError):
            await soon(anext(adapter.stream_published_events()))
        with pytest.raises(UnknownRunError):
            await soon(adapter.cancel())
        with pytest.raises(UnknownRunError):
            await soon(runtime.resume("nobody"))

        assert runtime.store.mail("nobody", 0) == []


def defined_again(answer: str, gate: asyncio.Event | None = None) -> type[Workflow]:
    """What running a notebook's cell again does: a new class of the same name."""

    class Notebook(Workflow):
        @step
        async def only(self, ev: StartEvent) -> StopEvent:
            if gate is not None:
                await gate.wait()
            return StopEvent(result=answer)

    return Notebook


async def test_new_runs_use_the_class_that_was_defined_last(
    journal_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with launched(journal_url) as runtime:
        first = await soon(defined_again("one")(runtime=runtime).run(run_id="1"))
        second = await soon(defined_again("two")(runtime=runtime).run(run_id="2"))

        names = {row.workflow for row in runtime.store.runs()}

    assert (first, second) == ("one", "two")
    assert len(names) == 1
    assert caplog.records == []


async def test_a_live_run_keeps_the_class_it_began_with(journal_url: str) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        kept = defined_again("one", gate)(runtime=runtime)
        first = kept.run(run_id="1")
        await until(lambda: runtime.live("1") is not None)

        second = await soon(defined_again("two")(runtime=runtime).run())
        gate.set()

        assert (await soon(first), second) == ("one", "two")


async def test_an_id_is_live_until_its_run_ends(journal_url: str) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        handler = Once(gate=gate.wait, runtime=runtime).run(run_id="x")
        await until(lambda: runtime.live("x") is not None)

        is_resumed = await runtime.resume("x")
        gate.set()
        await soon(handler)

        assert not is_resumed
        assert runtime.live("x") is None
        assert not await runtime.resume("x")


async def test_ids_do_not_see_each_other(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        waiting = Asking(runtime=runtime).run(run_id="a")
        counted = await soon(Counter(runtime=runtime).run(run_id="b"))
        await until(lambda: runtime.live("a") is not None)

        assert counted == Counted(final_count=5)
        assert not waiting.is_done()
        assert len(runtime.store.runs()) == 2
