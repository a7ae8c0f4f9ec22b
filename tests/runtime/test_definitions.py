"""Classes are defined again, later, under new names: nothing is stranded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from process_lives import launched, live, never, soon, until
from sample_workflows import Counted, Counter, Other
from workflows import Workflow, step
from workflows.events import StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook.errors import RunIdTakenError


def version(answer: str, gate: Callable[[], Any] | None = None) -> type[Workflow]:
    """One class of one name, as its cell is run again and again."""

    class Answering(Workflow):
        @step
        async def only(self, ev: StartEvent) -> StopEvent:
            if gate is not None:
                await gate()
            return StopEvent(result=answer)

    return Answering


async def test_a_class_that_is_defined_again_takes_the_new_runs(
    journal_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with launched(journal_url) as runtime:
        results = []
        for answer in ("one", "two", "three"):
            workflow = version(answer)(runtime=runtime)
            results.append(await soon(workflow.run(run_id=answer)))

    assert results == ["one", "two", "three"]
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_a_live_run_keeps_the_class_it_began_with(journal_url: str) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        old = version("old", gate.wait)(runtime=runtime).run(run_id="old")
        await until(lambda: runtime.live("old") is not None)
        new = version("new")(runtime=runtime).run(run_id="new")

        assert await soon(new) == "new"
        gate.set()

        assert await soon(old) == "old"


def test_registering_more_workflows_strands_nothing(journal_url: str) -> None:
    """DBOS's version would be another one: its hash is over all that are registered."""

    async def begin(runtime: DBOSRuntime) -> None:
        log: list[str] = []
        Counter(log, never, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)

    async def use(runtime: DBOSRuntime) -> object:
        Other(runtime=runtime)
        version("another")(runtime=runtime)
        return await soon(Counter(runtime=runtime).run(run_id="c"))

    live(journal_url, begin)

    assert live(journal_url, use) == Counted(final_count=5)


def test_a_run_goes_on_when_its_class_is_defined_after_launch(
    journal_url: str,
) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        log: list[str] = []
        Counter(log, never, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)

    async def use(runtime: DBOSRuntime) -> object:
        assert list(runtime.undefined()) == ["c"]
        assert runtime.live("c") is None
        Counter(runtime=runtime)
        # Nobody asks for the run: defining its class is enough.
        return await soon(runtime.result("c"))

    live(journal_url, begin)

    assert live(journal_url, use) == Counted(final_count=5)


def test_old_runs_end_on_the_old_code_beside_a_new_version(journal_url: str) -> None:
    """The document's way: the new version has a name of its own."""

    async def begin(runtime: DBOSRuntime) -> None:
        old = version("old", never)(runtime=runtime, workflow_name="answering")
        old.run(run_id="began-old")
        await until(lambda: runtime.store.last_entry("began-old"))

    async def use(runtime: DBOSRuntime) -> list[object]:
        old = version("old")(runtime=runtime, workflow_name="answering")
        new = version("new")(runtime=runtime, workflow_name="answering-v2")
        with pytest.raises(RunIdTakenError, match="began-old"):
            await soon(new.run(run_id="began-old"))
        handlers = [old.run(run_id="began-old"), new.run(run_id="began-new")]
        return [await soon(handler) for handler in handlers]

    live(journal_url, begin)

    assert live(journal_url, use) == ["old", "new"]


def test_two_executors_may_have_classes_of_one_name(journal_url: str) -> None:
    """As two notebooks on one journal have, each with a `__main__` of its own."""

    async def begin_in(runtime: DBOSRuntime, answer: str) -> None:
        version(answer, never)(runtime=runtime).run(run_id=answer)
        await until(lambda: runtime.store.last_entry(answer))

    async def finish_in(runtime: DBOSRuntime, answer: str) -> object:
        return await soon(version(answer)(runtime=runtime).run(run_id=answer))

    for name in ("first", "second"):
        live(journal_url, lambda r, n=name: begin_in(r, n), executor_id=name)

    results = [
        live(journal_url, lambda r, n=name: finish_in(r, n), executor_id=name)
        for name in ("first", "second")
    ]

    assert results == ["first", "second"]
