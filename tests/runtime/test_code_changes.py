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
from durable_notebook.journal._timeline import attempts
from durable_notebook.runtime.recovery._restore import recorded_code


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


def test_code_that_has_not_changed_is_named_once(journal_url: str) -> None:
    interrupt(journal_url)

    async def use(runtime: DBOSRuntime) -> list[str]:
        await soon(defined()(runtime=runtime).run(run_id="v"))
        return [r.entry.code for r in runtime.store.entries("v")]

    first, *rest = live(journal_url, use)

    assert first
    assert not any(rest)


def test_the_journal_says_which_step_was_edited(journal_url: str) -> None:
    def first() -> type[Workflow]:
        class Edited(Workflow):
            @step
            async def only(self, ev: StartEvent) -> StopEvent:
                await never()
                return StopEvent()

        return Edited

    def second() -> type[Workflow]:
        class Edited(Workflow):
            @step
            async def only(self, ev: StartEvent) -> StopEvent:
                return StopEvent(result="edited")

        return Edited

    async def begin(runtime: DBOSRuntime) -> None:
        first()(runtime=runtime, workflow_name="E").run(run_id="e")
        await until(lambda: runtime.store.last_entry("e"))

    async def use(runtime: DBOSRuntime) -> list[str]:
        handler = second()(runtime=runtime, workflow_name="E").run(run_id="e")
        assert await soon(handler) == "edited"
        digests = [r.entry.code for r in runtime.store.entries("e") if r.entry.code]
        rows = attempts(runtime.store.entries("e"))
        assert [(r.session, r.code) for r in rows] == list(enumerate(digests, start=1))
        before, after = (recorded_code(runtime.store, d) for d in digests)
        assert before is not None
        assert after is not None
        return after.changed_steps(before)

    live(journal_url, begin)

    assert live(journal_url, use) == ["only"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"field": "renamed"},
            ["event Middle lost its field x", "event Middle has a new field renamed"],
        ),
        ({"second": "another"}, ["step another is new", "step second is gone"]),
    ],
    ids=["an event lost a field", "a step is gone"],
)
def test_a_run_whose_journal_does_not_fit_stays_resumable(
    journal_url: str, change: dict[str, str], said: list[str]
) -> None:
    interrupt(journal_url)

    async def use(runtime: DBOSRuntime) -> object:
        with pytest.raises(ReplayMismatchError) as refused:
            await soon(defined(**change)(runtime=runtime).run(run_id="v"))
        before = runtime.store.entries("v")
        assert refused.value.run_id == "v"
        assert 0 <= refused.value.position < len(before)
        assert [
            c
            for c, start in zip(refused.value.changes, said, strict=True)
            if c.startswith(start)
        ] == list(refused.value.changes)
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
