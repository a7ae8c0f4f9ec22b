"""A released run that somebody waits for, while a look at its owner is under way."""

from __future__ import annotations

import asyncio
import math
from types import SimpleNamespace
from typing import Any

from durable_notebook.runtime.live._idle import Idle


class Rows:
    """A store that knows whose the run is."""

    owner = "first"

    def run(self, run_id: str) -> Any:
        return SimpleNamespace(executor_id="e", dbos_status="PENDING", owner=self.owner)


def released() -> Any:
    return SimpleNamespace(cursor=0, due=math.inf)


async def waited_for(idle: Idle, run_id: str) -> asyncio.Task[None]:
    idle._add(run_id, released())
    waiting = asyncio.create_task(idle.until_back(run_id))
    while run_id not in idle.awaited():
        await asyncio.sleep(0)
    return waiting


def idle_of(rows: Rows) -> Idle:
    def nothing(_: object) -> None:
        pass

    store: Any = rows
    return Idle(store, "e", timeout_s=1.0, release=nothing, bring_back=nothing)


async def test_a_run_that_was_back_meanwhile_is_not_forgotten() -> None:
    rows = Rows()
    idle = idle_of(rows)
    first = await waited_for(idle, "r")
    awaited, owners = idle.awaited(), {"r": "first"}
    idle.take("r")  # It is back, under a claim of its own, and leaves again.
    await first
    rows.owner = "second"
    again = await waited_for(idle, "r")

    idle.forget_lost(awaited, owners)

    assert idle.is_released("r")
    again.cancel()


async def test_a_run_that_was_taken_away_is_forgotten() -> None:
    idle = idle_of(Rows())
    waiting = await waited_for(idle, "r")

    idle.forget_lost(idle.awaited(), {"r": "somebody else"})

    await waiting
    assert not idle.is_released("r")
