"""Letting the step bodies of a process end, before the process ends.

A run that leaves begins no body any more. Those in flight go on to their results, which
are put on disk as ever; then its control loop is ended without an outcome. The next
process begins with what would have come next, and does nothing again.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from durable_notebook.runtime._live import LiveRun
from durable_notebook.runtime._runs import Runs

# It is looked so often which runs may go by now.
_LOOK_S = 0.02


class Drain:
    """Takes the runs of this process out of memory, each as soon as it may go."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._gone_children: Counter[str | None] = Counter()

    async def drain(self, timeout_s: float) -> list[str]:
        """Wait until no run is executed; gives those that still are after this time.

        Of each of these a step body is in flight.
        """
        runs, clock = self._runs, asyncio.get_running_loop().time
        deadline = clock() + timeout_s
        runs.beginnings.are_over = True
        while runs.executes_any:
            for run in list(runs.live.values()):
                self._look_at(run)
            if clock() >= deadline:
                break
            await runs.until_changed(_LOOK_S)
        return sorted(runs.live)

    def _look_at(self, run: LiveRun) -> None:
        run.is_leaving = True
        # Bodies that wait for runs which have gone would wait for ever.
        waiting = self._gone_children[run.run_id]
        if run.is_recorded and run.flight.count <= waiting:
            self._gone_children[run.parent] += 1
            self._runs.release(run)
