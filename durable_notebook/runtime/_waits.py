"""Until when a run waits for its answers.

The library counts down a wait's timeout in memory. After a restart nobody would, so
what is left of it is taken from the journal; the time without a process counts too.
"""

from __future__ import annotations

from workflows.runtime.types.internal_state import BrokerState
from workflows.runtime.types.results import AddWaiter
from workflows.runtime.types.ticks import (
    TickStepResult,
    TickWaiterTimeout,
    WorkflowTick,
)

from durable_notebook._model import Json


class Waits:
    """The deadlines of one run's waits, gathered from its ticks."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}

    def tree(self, state: BrokerState) -> list[Json]:
        """Those of the waits that are open, as JSON."""
        return [[str(t.step_id), t.waiter_id, until] for until, t in self.left(state)]

    @classmethod
    def read(cls, tree: list[Json]) -> Waits:
        """Read what `tree` wrote."""
        found = cls()
        found._until = {(step, waiter): until for step, waiter, until in tree}
        return found

    def next(self, tick: WorkflowTick, state: BrokerState) -> None:
        """Note a tick that `state` is about to be reduced by.

        A wait that its body repeats keeps the time at which it first began.
        """
        if not isinstance(tick, TickStepResult) or tick.stamped_at is None:
            return
        open_before = state.workers[tick.step_id].collected_waiters
        known = {waiter.waiter_id for waiter in open_before}
        for wait in tick.result:
            if isinstance(wait, AddWaiter) and wait.waiter_id not in known:
                key = (str(tick.step_id), wait.waiter_id)
                self._until.pop(key, None)
                if wait.timeout is not None:
                    self._until[key] = tick.stamped_at + wait.timeout

    def left(self, state: BrokerState) -> list[tuple[float, TickWaiterTimeout]]:
        """The waits that are open and give up: when, and the tick that says so."""
        return [
            (
                self._until[str(step), waiter.waiter_id],
                TickWaiterTimeout(step_id=step, waiter_id=waiter.waiter_id),
            )
            for step, worker in state.workers.items()
            for waiter in worker.collected_waiters
            if waiter.resolved_event is None
            and not waiter.timed_out
            and (str(step), waiter.waiter_id) in self._until
        ]
