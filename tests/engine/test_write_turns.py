"""DBOS writes to a file in turn with the store, so that none of its threads starves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from dbos import DBOS
from workflows import Workflow, step
from workflows.events import StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook.store import Turns


class Hello(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result="hello")


async def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


async def test_a_run_is_recorded_when_it_is_its_turn(journal_url: str) -> None:
    async with DBOSRuntime(database_url=journal_url) as runtime:
        hello = Hello(runtime=runtime)
        turns = runtime.store.turns
        assert turns is not None
        turn = turns.take()
        try:
            handler = hello.run(run_id="h")
            # A thread of DBOS's own may wait for one beside it.
            await until(lambda: turns.waiting > 0)

            before = runtime.store.run("h")
        finally:
            turns.give_back(turn)

        assert before is None
        assert await handler == "hello"
        await until(lambda: has_ended(runtime))


def has_ended(runtime: DBOSRuntime) -> bool:
    row = runtime.store.run("h")
    return row is not None and not row.is_unfinished


async def test_a_write_of_dbos_gives_its_turn_back(journal_url: str) -> None:
    async with DBOSRuntime(database_url=journal_url) as runtime:
        turns = runtime.store.turns
        assert turns is not None
        await DBOS.cancel_workflow_async("nobody")

        assert is_free(turns)


def is_free(turns: Turns) -> bool:
    began = time.monotonic()
    turns.give_back(turns.take())
    return time.monotonic() - began < 5


async def test_on_a_server_nobody_takes_turns(postgres_url: str) -> None:
    async with DBOSRuntime(database_url=postgres_url) as runtime:
        assert runtime.store.turns is None
