"""A live executor goes on with runs that it is given while it lives."""

from __future__ import annotations

import asyncio

import pytest
from process_lives import launched, live, soon, until
from sample_workflows import Answer, Asking
from test_places import IDS, Crowd, Crowded, begin

from durable_notebook import Client, DBOSRuntime
from durable_notebook.errors import ReassignmentError

LOCAL, OTHER = "local", "r2"


def ask(url: str, *run_ids: str, idle_timeout: float | None = None) -> None:
    """Runs of the first executor that wait for a person."""

    async def begin_all(runtime: DBOSRuntime) -> None:
        asking = Asking(runtime=runtime)
        for run_id in run_ids:
            asking.run(run_id=run_id)
        await until(lambda: all(_has_asked(runtime, run_id) for run_id in run_ids))

    live(url, begin_all, idle_timeout=idle_timeout)


def _has_asked(runtime: DBOSRuntime, run_id: str) -> object:
    last = runtime.store.last_entry(run_id)
    return last is not None and last.entry.prompts


async def test_a_live_executor_takes_what_it_is_given(journal_url: str) -> None:
    await asyncio.to_thread(ask, journal_url, "a", "b")

    async with launched(journal_url, executor_id=OTHER) as runtime:
        Asking(runtime=runtime)
        given = await soon(Client(runtime).reassign(LOCAL, OTHER))
        await until(lambda: runtime.live("a") and runtime.live("b"))
        for run_id in given:
            await runtime.send(run_id, Answer(text=run_id))
        results = [(await soon(runtime.result(run_id))).result for run_id in given]

    # Both were begun at once.
    assert given == results
    assert sorted(given) == ["a", "b"]


async def test_what_only_waits_is_left_out_of_memory_and_comes_back(
    journal_url: str,
) -> None:
    await asyncio.to_thread(ask, journal_url, "a", idle_timeout=0.0)

    async with launched(journal_url, executor_id=OTHER, idle_timeout=0.0) as runtime:
        Asking(runtime=runtime)
        await soon(Client(runtime).reassign(LOCAL, OTHER))
        await until(lambda: runtime.is_released("a"))
        # It is known here: nobody takes it again.
        await until(lambda: not is_reassigned(runtime, "a"))
        assert runtime.is_released("a")
        await runtime.send("a", Answer(text="Ada"))
        assert (await soon(runtime.result("a"))).result == "Ada"
        row = runtime.store.run("a")

    assert row is not None
    assert row.recoveries == 1, "waiting is no failure"


def is_reassigned(runtime: DBOSRuntime, run_id: str) -> bool:
    row = runtime.store.run(run_id)
    assert row is not None
    return row.is_reassigned


async def test_a_run_that_was_given_waits_for_its_definition(journal_url: str) -> None:
    await asyncio.to_thread(ask, journal_url, "a")

    async with launched(journal_url, executor_id=OTHER) as runtime:
        await soon(Client(runtime).reassign(LOCAL, OTHER))
        await until(lambda: runtime.is_undefined("a"))
        (info,) = await Client(runtime).runs()
        assert "the definition of Asking" in (info.waits_for or "")
        Asking(runtime=runtime)
        await runtime.send("a", Answer(text="Ada"))
        assert (await soon(runtime.result("a"))).result == "Ada"


async def test_what_is_resumed_without_its_class_is_known_to_wait_for_it(
    journal_url: str,
) -> None:
    """At once: who has just asked for it is told why it does not go on."""
    await asyncio.to_thread(ask, journal_url, "a")

    async with launched(journal_url, executor_id=OTHER) as runtime:
        await soon(Client(runtime).reassign(LOCAL, OTHER))
        assert not await runtime.resume("a")
        info = await Client(runtime).run("a").info()

    assert info.status == "interrupted"
    assert "Asking" in (info.waits_for or "")


async def test_who_waits_for_a_place_waits_in_the_other_and_keeps_its_turn(
    journal_url: str,
) -> None:
    first, second = Crowd(), Crowd()

    async def fill(runtime: DBOSRuntime) -> None:
        begin(Crowded(first, runtime=runtime))
        await until(lambda: len(runtime.store.runs()) == len(IDS))

    await asyncio.to_thread(live, journal_url, fill)
    for run_id in IDS:
        second.gate(run_id).set()

    async with launched(journal_url, executor_id=OTHER) as runtime:
        Crowded(second, num_concurrent_runs=1, runtime=runtime)
        given = await soon(Client(runtime).reassign(LOCAL, OTHER))
        results = [(await soon(runtime.result(run_id))).result for run_id in IDS]

    assert sorted(first.began) == IDS[:2]
    assert given == results == second.began == IDS
    assert second.most == 1


async def test_runs_come_back_to_an_executor_that_had_given_them(
    journal_url: str,
) -> None:
    await asyncio.to_thread(ask, journal_url, "a")

    async with launched(journal_url, executor_id=OTHER) as runtime:
        await soon(Client(runtime).reassign(LOCAL, "r3"))
        with pytest.raises(ReassignmentError, match="'local' has no unfinished"):
            await Client(runtime).reassign(LOCAL, OTHER)
        with pytest.raises(ReassignmentError, match="'r2' is alive"):
            await Client(runtime).reassign(OTHER, LOCAL)
        await soon(Client(runtime).reassign("r3", LOCAL))
    async with launched(journal_url) as runtime:
        Asking(runtime=runtime)
        await runtime.send("a", Answer(text="Ada"))
        assert (await soon(runtime.result("a"))).result == "Ada"
