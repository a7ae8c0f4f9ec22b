"""Letting the step bodies of a process end, before the process ends.

A run that leaves begins no body any more. Those in flight go on to their results, which
are put on disk as ever; then its control loop is ended without an outcome. The next
process begins with what would have come next, and does nothing again.
"""

from __future__ import annotations

import asyncio
import contextlib

from durable_notebook.errors import StorageError
from durable_notebook.runtime.live._children import begun_by
from durable_notebook.runtime.live._run import LiveRun
from durable_notebook.runtime.process._loops import read_beside
from durable_notebook.runtime.process._runs import Runs
from durable_notebook.store import Store

# It is looked so often which runs may go by now.
_LOOK_S = 0.02

# And so often, which runs the bodies in flight have begun: that asks the database.
_ASK_S = 0.1


class Drain:
    """Takes the runs of this process out of memory, each as soon as it may go."""

    def __init__(self, runs: Runs, store: Store) -> None:
        self._runs = runs
        self._store = store
        self._ask_at = 0.0

    async def drain(self, timeout_s: float) -> list[str]:
        """Wait until no run is executed; gives those that still are after this time.

        Of each of these a step body is in flight. One that has begun a run which has
        gone most likely waits for that, and would for ever: it is waited for half of
        the time.
        """
        self._runs.beginnings.are_over = True
        self._ask_at = _clock() + timeout_s / 2
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._runs.executes_any:
                    await self._look()
                    await self._runs.until_changed(_LOOK_S)
        return sorted(self._runs.live)

    async def _look(self) -> None:
        may_ask = _clock() >= self._ask_at
        if may_ask:
            self._ask_at = _clock() + _ASK_S
        runs = list(self._runs.live.values())
        for run in runs:
            run.is_leaving = True
        for run in runs:
            waiting = await self._waiting(run) if may_ask else 0
            is_live = self._runs.live.get(run.run_id) is run
            if is_live and run.is_recorded and run.flight.count <= waiting:
                self._runs.release(run)

    async def _waiting(self, run: LiveRun) -> int:
        """How many bodies in flight have begun a run that ends in another process."""
        bodies = run.flight.running()
        if not (bodies and run.is_recorded):
            return 0
        try:
            store = self._store
            children = await read_beside(store, store.children, run.run_id)
        except StorageError:
            return 0  # It is away: then nobody can tell.
        gone = {
            begun_by(child.input)
            for child in children
            if child.is_unfinished and not self._runs.is_claimed(child.run_id)
        }
        return sum(not gone.isdisjoint((b.id, *b.carried.bodies)) for b in bodies)


def _clock() -> float:
    return asyncio.get_running_loop().time()
