"""What is left of a run that waits out of memory, and how it goes on from there."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workflows.runtime.types.ticks import TickSessionStart, TickWakeup, WorkflowTick

from durable_notebook.journal._entry import Entry, now
from durable_notebook.runtime.recovery._reduction import reduced
from durable_notebook.store import Pending

if TYPE_CHECKING:
    from durable_notebook.runtime.live._run import LiveRun
    from durable_notebook.runtime.recovery._registry import Definition
    from durable_notebook.runtime.recovery._restore import Restored


class RunReleased(BaseException):
    """Ends the control loop of an idle run. Not an Exception: it is no outcome."""


@dataclass(frozen=True, slots=True)
class Released:
    """A run that waits out of memory.

    Attributes:
        cursor: A message behind it brings the run back.
        due: When it comes back without one, by the loop's clock; infinite for never.
        definition: The one it goes on with; None for today's.
        since: When this process began to wait for it, if a process before had it last.
    """

    cursor: int
    due: float
    definition: Definition | None = None
    since: float | None = None

    @classmethod
    def of(cls, run: LiveRun, definition: Definition) -> Released:
        """What stays of a run that this process has had until now."""
        assert run.rest_until is not None
        left_s = run.rest_until - run.now()
        return cls(run.inbox.cursor, _clock() + left_s, definition)

    @classmethod
    def left_alone(cls, pending: Pending) -> Released | None:
        """A run of a process before that only waits; None if it has something to do.

        Its last entry says so. One without that, or that cannot be read, is begun
        again, which will tell.
        """
        if pending.last_entry is None or '"rest":' not in pending.last_entry:
            return None
        try:
            entry = Entry.decode(pending.last_entry)
        except (TypeError, ValueError):
            return None
        if entry.rest is None or entry.end or pending.newest_mail > entry.cursor:
            return None
        at = max(now(), entry.at)
        due = math.inf if not entry.rest else _clock() + entry.rest - at
        return cls(entry.cursor, due, since=at)

    def catch_up(self, restored: Restored, run: LiveRun) -> None:
        """Count the time out of memory as time in which the run has lived.

        Its workflow's timeout counts such time, and goes on while a run is released.
        Two ticks that the library reduces to nothing else say it in the journal.
        """
        ticks: list[WorkflowTick] = [TickWakeup(due=0.0, stamped_at=run.now())]
        if self.since is not None:
            ticks.insert(0, TickSessionStart(stamped_at=self.since))
        restored.state = reduced(restored.state, ticks, run.run_id)
        for tick in ticks:
            run.reduced(tick)


def _clock() -> float:
    return asyncio.get_running_loop().time()
