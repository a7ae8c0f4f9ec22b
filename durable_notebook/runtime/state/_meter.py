"""What a process has done since somebody asked: bodies executed, and commits timed."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from workflows.runtime.types.results import (
    AddWaiter,
    StepWorkerFailed,
    StepWorkerOutput,
)

from durable_notebook._model import AttemptStatus

# Upper bounds in seconds, as those of Prometheus: from a commit on the file of a fast
# disk to a server that was away.
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10)


class Meter:
    """Counts on the loop of the runs; whoever shows the figures may read elsewhere.

    Attributes:
        steps: How many bodies have ended, by workflow, step and how. One that waits
            for an event is done again when that has come, and counts then.
        commits: How many commits took at most as long as each of `BOUNDS`, and no bound
            before it; the last figure is of those that took longer.
        commits_s: How many seconds they took together, as a run has waited for them.
    """

    def __init__(self) -> None:
        self.steps: Counter[tuple[str, str, AttemptStatus]] = Counter()
        self.commits = [0] * (len(BOUNDS) + 1)
        self.commits_s = 0.0

    def returned(
        self, workflow: str, step: str, output: Iterable[StepWorkerOutput]
    ) -> None:
        """Count a body by what it has left."""
        status = AttemptStatus.COMPLETED
        for item in output:
            if isinstance(item, AddWaiter):
                return
            if isinstance(item, StepWorkerFailed):
                status = AttemptStatus.FAILED
        self.steps[workflow, step, status] += 1

    def committed(self, took_s: float) -> None:
        """Count an entry that is on disk."""
        self.commits[bisect_left(BOUNDS, took_s)] += 1
        self.commits_s += took_s


@dataclass(frozen=True, slots=True)
class Readings:
    """What there is of a process at a moment.

    `in_flight` are step bodies, `live` and `released` runs.
    """

    executor_id: str
    session: int
    in_flight: int
    live: int
    released: int
    meter: Meter
