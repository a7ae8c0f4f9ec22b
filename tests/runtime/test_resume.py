"""A run that was interrupted goes on in the next process life."""

from __future__ import annotations

import asyncio
from typing import Any

from process_lives import launched, live, never, quick_dbos, soon, until
from sample_workflows import Counted, Counter, Once, Tick
from workflows.events import Event, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook.journal._entry import RecordedEntry


def interrupt(url: str, log: list[str]) -> None:
    """Leave run `c` with the body of `increment 3` begun and not ended."""

    async def use(runtime: DBOSRuntime) -> None:
        Counter(log, never, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)

    live(url, use)


def test_completed_steps_do_not_run_again(journal_url: str) -> None:
    log: list[str] = []
    interrupt(journal_url, log)
    before = list(log)

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(Counter(log, runtime=runtime).run(run_id="c"))

    result = live(journal_url, use)

    assert before == ["start", *(f"increment {n}" for n in range(4))]
    assert log[len(before) :] == ["increment 3", "increment 4"]
    assert result == Counted(final_count=5)


def test_a_launch_goes_on_with_a_run_that_nobody_asks_for(journal_url: str) -> None:
    log: list[str] = []
    interrupt(journal_url, log)

    async def use(runtime: DBOSRuntime) -> StopEvent:
        workflow = Counter(log, runtime=runtime)
        result = await soon(runtime.result("c"))
        assert workflow.runtime is runtime
        return result

    assert live(journal_url, use) == Counted(final_count=5)


def test_a_workflow_made_before_the_launch_goes_on_at_once(journal_url: str) -> None:
    log: list[str] = []
    interrupt(journal_url, log)

    async def life() -> StopEvent:
        quick_dbos(journal_url)
        runtime = DBOSRuntime()
        workflow = Counter(log, runtime=runtime)
        async with runtime:
            assert runtime.get_registered(workflow) is not None
            return await soon(runtime.result("c"))

    assert asyncio.run(life()) == Counted(final_count=5)


def test_the_store_is_as_it_was_before_the_interrupted_body(journal_url: str) -> None:
    """The fourth count was set but its turn was not committed: it is made once."""
    interrupt(journal_url, [])

    async def use(runtime: DBOSRuntime) -> list[Any]:
        await soon(Counter(runtime=runtime).run(run_id="c"))
        entries = runtime.store.entries("c")
        return [op["value"] for r in entries for op in r.entry.store]

    assert live(journal_url, use) == [0, 1, 2, 3, 4, 5]


def test_the_stream_of_a_resumed_run_has_each_event_once(journal_url: str) -> None:
    interrupt(journal_url, [])

    async def use(runtime: DBOSRuntime) -> list[Event]:
        handler = Counter(runtime=runtime).run(run_id="c")
        return [event async for event in handler.stream_events()]

    events = live(journal_url, use)

    assert events == [Tick(count=n) for n in range(1, 6)] + [Counted(final_count=5)]


def test_an_entry_knows_its_session_and_what_was_interrupted(journal_url: str) -> None:
    interrupt(journal_url, [])

    async def use(runtime: DBOSRuntime) -> list[RecordedEntry]:
        await soon(Counter(runtime=runtime).run(run_id="c"))
        return runtime.store.entries("c")

    recorded = live(journal_url, use)

    entries = [r.entry for r in recorded]
    assert [r.position for r in recorded] == list(range(len(recorded)))
    sessions = [entry.session for entry in entries]
    assert sessions == sorted(sessions)
    assert len(set(sessions)) == 2
    first = sessions.index(sessions[-1])
    assert [len(entry.interrupted) for entry in entries[:first]] == [0] * first
    (row,) = entries[first].interrupted
    assert (row["step"], row["attempt"]) == ("increment", 1)
    assert row["session"] == sessions[0]
    assert row["event"]["value"] == {"count": 3}
    assert row["started"] == entries[first - 1].at
    bodies = [body for entry in entries[first:] for body in entry.bodies.values()]
    assert [attempt for *_, attempt in bodies] == [2, 1]


def test_each_interruption_of_a_body_is_told(journal_url: str) -> None:
    log: list[str] = []
    for _ in range(3):
        log.clear()
        interrupt(journal_url, log)

    async def use(runtime: DBOSRuntime) -> list[RecordedEntry]:
        await soon(Counter(runtime=runtime).run(run_id="c"))
        return runtime.store.entries("c")

    recorded = live(journal_url, use)

    rows = [row for r in recorded for row in r.entry.interrupted]
    assert [row["attempt"] for row in rows] == [1, 2, 3]
    assert [row["session"] for row in rows] == sorted({r["session"] for r in rows})
    result = recorded[-1].entry.end
    assert result is not None
    assert result["result"]["value"] == {"final_count": 5}


def test_a_finished_run_gives_its_recorded_result_and_stream(journal_url: str) -> None:
    log: list[str] = []

    async def use(runtime: DBOSRuntime) -> tuple[object, list[Event], int]:
        handler = Counter(log, runtime=runtime).run(run_id="c")
        events = [event async for event in handler.stream_events()]
        return await soon(handler), events, len(runtime.store.entries("c"))

    async def use_twice(runtime: DBOSRuntime) -> list[tuple[object, list[Event], int]]:
        return [await use(runtime), await use(runtime)]

    first, again = live(journal_url, use_twice)
    next_life = live(journal_url, use)

    assert first == again == next_life
    assert first[0] == Counted(final_count=5)
    assert len(log) == 6


def test_a_run_waits_for_its_workflow_and_says_so(journal_url: str) -> None:
    log: list[str] = []
    interrupt(journal_url, log)

    async def use(runtime: DBOSRuntime) -> StopEvent:
        Once(runtime=runtime)
        waiting = asyncio.create_task(runtime.result("c"))
        await soon(Once(runtime=runtime).run(run_id="o"))
        assert runtime.undefined() == {"c": "sample_workflows.Counter"}
        assert not waiting.done()
        workflow = Counter(log, runtime=runtime)
        result = await soon(waiting)
        assert runtime.undefined() == {}
        assert workflow.runtime is runtime
        return result

    assert live(journal_url, use) == Counted(final_count=5)


def test_a_run_whose_workflow_never_came_is_as_resumable_as_before(
    journal_url: str,
) -> None:
    interrupt(journal_url, [])

    async def look(runtime: DBOSRuntime) -> dict[str, str]:
        return runtime.undefined()

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(Counter(runtime=runtime).run(run_id="c"))

    assert [*live(journal_url, look)] == [*live(journal_url, look)] == ["c"]
    assert live(journal_url, use) == Counted(final_count=5)


def test_a_run_of_which_only_the_input_is_on_disk_begins(journal_url: str) -> None:
    """The start event is in DBOS's row before the first entry is written."""
    log: list[str] = []

    async def start(runtime: DBOSRuntime) -> None:
        adapter = Once(log, runtime=runtime).run(run_id="o", value=3)
        await until(lambda: runtime.store.run("o") is not None)
        assert adapter.run_id == "o"

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(Once(log, runtime=runtime).run(run_id="o"))

    live(journal_url, start)

    assert live(journal_url, use) == 3


async def test_a_second_handler_attaches_to_a_live_run(journal_url: str) -> None:
    log: list[str] = []
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        workflow = Counter(log, gate.wait, runtime=runtime)
        first = workflow.run(run_id="c")
        await until(lambda: "increment 3" in log)

        second = workflow.run(run_id="c")
        third = runtime.get_external_adapter("c")
        events = second.stream_events()
        seen = [await anext(events)]
        gate.set()
        seen += [event async for event in events]
        results = [await soon(first), await soon(second), await third.get_result()]

    assert results == [Counted(final_count=5)] * 3
    assert [e.count for e in seen if isinstance(e, Tick)] == [1, 2, 3, 4, 5]
    assert len(log) == 6
