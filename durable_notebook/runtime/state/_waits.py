"""Until when a run waits for its answers.

The library counts down a wait's timeout in memory. After a restart nobody would, so
what is left of it is taken from the journal; the time without a process counts too.

Where somebody has set the run going again (forked, rewound or resumed it), its open
waits begin anew: until then nobody could have answered.
"""

from __future__ import annotations

from dataclasses import dataclass

from workflows.runtime.types.internal_state import BrokerState
from workflows.runtime.types.results import AddWaiter
from workflows.runtime.types.ticks import (
    TickStepResult,
    TickWaiterTimeout,
    WorkflowTick,
)

from durable_notebook._model import Json


@dataclass(frozen=True, slots=True)
class _Wait:
    """When a wait began, and for how many seconds."""

    began: float
    timeout_s: float

    def until(self, since: float | None) -> float:
        return max(self.began, since or 0.0) + self.timeout_s


class Waits:
    """The deadlines of one run's waits, gathered from its ticks."""

    def __init__(self) -> None:
        self._waits: dict[tuple[str, str], _Wait] = {}

    def tree(self, state: BrokerState) -> list[Json]:
        """Those of the waits that are open, as JSON."""
        return [
            [step, waiter, wait.began, wait.timeout_s]
            for (step, waiter), wait in self._open(state).items()
        ]

    @classmethod
    def read(cls, tree: list[Json]) -> Waits:
        """Read what `tree` wrote.

        Raises:
            ValueError: It has only the deadlines, as in the first snapshots.
        """
        found = cls()
        found._waits = {
            (step, waiter): _Wait(began, timeout_s)
            for step, waiter, began, timeout_s in tree
        }
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
                self._waits.pop(key, None)
                if wait.timeout is not None:
                    self._waits[key] = _Wait(tick.stamped_at, wait.timeout)

    def left(
        self, state: BrokerState, *, since: float | None
    ) -> list[tuple[float, TickWaiterTimeout]]:
        """The waits that are open and give up: when, and the tick that says so.

        None of them began before `since`, when the run was last set going.
        """
        steps = {str(step): step for step in state.workers}
        return [
            (
                wait.until(since),
                TickWaiterTimeout(step_id=steps[step], waiter_id=waiter),
            )
            for (step, waiter), wait in self._open(state).items()
        ]

    def _open(self, state: BrokerState) -> dict[tuple[str, str], _Wait]:
        keys = [
            (str(step), waiter.waiter_id)
            for step, worker in state.workers.items()
            for waiter in worker.collected_waiters
            if waiter.resolved_event is None and not waiter.timed_out
        ]
        return {key: self._waits[key] for key in keys if key in self._waits}
