"""A run goes on with today's code where its journal fits, and else stands still."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from process_lives import live, never, soon, until
from pydantic import create_model
from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook.errors import ReplayMismatchError


def defined(
    answer: str = "as it was", *, field: str = "x", second: str = "second"
) -> type[Workflow]:
    """One class in the versions that its author tries, all of one name."""
    middle = create_model("Middle", __base__=Event, **{field: (int, ...)})  # type: ignore[call-overload]
    end = create_model("End", __base__=Event)

    class Versioned(Workflow):
        gate: Callable[[], object] | None = None

        @step
        async def first(self, ev: StartEvent) -> middle:
            return middle(**{field: 1})

        @step
        async def last(self, ev: end) -> StopEvent:
            if self.gate is not None:
                await self.gate()  # type: ignore[misc]
            return StopEvent(result=answer)

    async def body(ev: middle) -> end:
        return end()

    body.__name__ = second
    step(workflow=Versioned)(body)
    return Versioned


def interrupt(url: str) -> None:
    """Leave run `v` with two steps on disk and the body of the last one in flight."""

    async def use(runtime: DBOSRuntime) -> None:
        workflow = defined()(runtime=runtime)
        workflow.gate = never
        workflow.run(run_id="v")
        await until(lambda: steps(runtime) == 2)

    live(url, use)


def steps(runtime: DBOSRuntime) -> int:
    last = runtime.store.last_entry("v")
    return 0 if last is None else last.entry.steps


def test_an_edited_body_runs_in_its_new_form(journal_url: str) -> None:
    interrupt(journal_url)

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(defined("edited")(runtime=runtime).run(run_id="v"))

    assert live(journal_url, use) == "edited"


@pytest.mark.parametrize(
    "change",
    [{"field": "renamed"}, {"second": "another"}],
    ids=["an event lost a field", "a step is gone"],
)
def test_a_run_whose_journal_does_not_fit_stays_resumable(
    journal_url: str, change: dict[str, str]
) -> None:
    interrupt(journal_url)

    async def use(runtime: DBOSRuntime) -> object:
        with pytest.raises(ReplayMismatchError) as refused:
            await soon(defined(**change)(runtime=runtime).run(run_id="v"))
        before = runtime.store.entries("v")
        assert refused.value.run_id == "v"
        assert 0 <= refused.value.position < len(before)
        result = await soon(defined()(runtime=runtime).run(run_id="v"))
        assert runtime.store.entries("v")[: len(before)] == before
        return result

    assert live(journal_url, use) == "as it was"


def test_a_journal_that_does_not_fit_is_not_changed(journal_url: str) -> None:
    interrupt(journal_url)

    async def misfit(runtime: DBOSRuntime) -> object:
        before = runtime.store.entries("v")
        with pytest.raises(ReplayMismatchError):
            await soon(defined(field="renamed")(runtime=runtime).run(run_id="v"))
        assert runtime.store.entries("v") == before
        row = runtime.store.run("v")
        return row and row.dbos_status

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(defined()(runtime=runtime).run(run_id="v"))

    assert live(journal_url, misfit) == "PENDING"
    assert live(journal_url, use) == "as it was"
