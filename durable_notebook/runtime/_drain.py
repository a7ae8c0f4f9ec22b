"""Letting the step bodies of a process end, before the process ends.

A run that leaves begins no body any more. Those in flight go on to their results, which
are put on disk as ever; then its control loop is ended without an outcome. The next
process begins with what would have come next, and does nothing again.
"""

from __future__ import annotations

import asyncio

from durable_notebook.runtime._children import begun_by
from durable_notebook.runtime._live import LiveRun
from durable_notebook.runtime._runs import Runs
from durable_notebook.store import Store

# It is looked so often which runs may go by now.
_LOOK_S = 0.02

# And so often, which runs the bodies in flight wait for: that asks the database.
_ASK_S = 0.1


class Drain:
    """Takes the runs of this process out of memory, each as soon as it may go."""

    def __init__(self, runs: Runs, store: Store) -> None:
        self._runs = runs
        self._store = store
        self._asked_at = -_ASK_S

    async def drain(self, timeout_s: float) -> list[str]:
        """Wait until no run is executed; gives those that still are after this time.

        Of each of these a step body is in flight.
        """
        runs, clock = self._runs, asyncio.get_running_loop().time
        deadline = clock() + timeout_s
        runs.beginnings.are_over = True
        while runs.executes_any:
            is_due = clock() >= self._asked_at + _ASK_S
            for run in list(runs.live.values()):
                run.is_leaving = True
                if run.is_recorded and (not run.flight.count or is_due):
                    self._look_at(run)
            if is_due:
                self._asked_at = clock()
            if clock() >= deadline:
                break
            await runs.until_changed(_LOOK_S)
        return sorted(runs.live)

    def _look_at(self, run: LiveRun) -> None:
        # Bodies that wait for runs which have gone would wait for ever.
        if run.flight.count <= self._waiting(run):
            self._runs.release(run)

    def _waiting(self, run: LiveRun) -> int:
        """How many bodies in flight have begun a run that ends in another process."""
        bodies = run.flight.running()
        if not bodies:
            return 0
        gone = {
            begun_by(child.input)
            for child in self._store.children(run.run_id)
            if child.is_unfinished and not self._runs.is_claimed(child.run_id)
        }
        return sum(not gone.isdisjoint((b.id, *b.carried.bodies)) for b in bodies)
