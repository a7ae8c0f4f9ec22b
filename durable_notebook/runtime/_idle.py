"""Runs that wait: who is idle since when, and which of them are out of memory.

An idle run has no body in flight and nothing in its inbox, so all of it is on disk.
After the timeout its control loop is ended without an outcome, and what is left of it
is one small record here: up to where its mailbox is consumed, and when its next
deadline is due. A message behind that, or the deadline, has it restored from its
journal, as after a restart. There is one timer, for who is idle and for who is due.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from workflows.runtime.types.ticks import TickSessionStart, TickWakeup, WorkflowTick

from durable_notebook._entry import Entry, now
from durable_notebook.runtime._reduction import reduced
from durable_notebook.store import Pending

if TYPE_CHECKING:
    from durable_notebook.runtime._live import LiveRun
    from durable_notebook.runtime._registry import Definition
    from durable_notebook.runtime._restore import Restored

# Of runs that became idle together so many are released before others have a turn.
_AT_ONCE = 100

# How long a run that cannot be released just now is left alone: somebody is about to
# change its store, or a snapshot of it is being made.
_AGAIN_S = 0.05

# A run that comes back by itself within this time is not worth releasing.
_WORTH_S = 0.1


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


class Idle:
    """Decides when an idle run is released, and says when one has to come back.

    Belongs to the runtime's loop. `release` is called with a run that may go,
    `bring_back` with the id of one that has to return.
    """

    def __init__(
        self,
        timeout_s: float | None,
        *,
        release: Callable[[LiveRun], None],
        bring_back: Callable[[str], None],
    ) -> None:
        self._timeout_s = timeout_s
        self._release = release
        self._bring_back = bring_back
        # The longest idle first.
        self._resting: dict[str, tuple[float, LiveRun]] = {}
        self._released: dict[str, Released] = {}
        self._due: list[tuple[float, str]] = []
        self._watched: dict[str, tuple[str | None, asyncio.Event]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def is_on(self) -> bool:
        """Whether idle runs are released."""
        return self._timeout_s is not None

    def release_after(self, timeout_s: float | None) -> None:
        """Release runs that are idle for this time; None for never.

        Those that are released already come back when there is something for them.
        """
        self._timeout_s = timeout_s
        self._arm()

    def close(self) -> None:
        """Release and bring back nobody any more; who waits for a run is woken."""
        self._is_closed = True
        self._resting.clear()
        self._released.clear()
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
        for _, back in self._watched.values():
            back.set()

    # -- who is idle ---------------------------------------------------------------

    def rest(self, run: LiveRun) -> None:
        """Note that a run does nothing by itself from now on."""
        self._resting[run.run_id] = _clock(), run
        self._arm()

    def move(self, run: LiveRun) -> None:
        """Note that something has come for a run."""
        run.rest_until = None
        self._resting.pop(run.run_id, None)

    # -- who is released -----------------------------------------------------------

    def is_released(self, run_id: str) -> bool:
        """Whether a run of this executor waits out of memory."""
        return run_id in self._released

    @property
    def has_released(self) -> bool:
        """Whether any run does."""
        return bool(self._released)

    def add(self, run_id: str, released: Released) -> None:
        """Note that a run is out of memory."""
        if self._is_closed:
            return
        self._released[run_id] = released
        if released.due < math.inf:
            self._forget_stale()
            heapq.heappush(self._due, (released.due, run_id))
            self._arm()

    def _forget_stale(self) -> None:
        """Drop the deadlines of runs that came back earlier, if they are many."""
        if len(self._due) > 2 * len(self._released) + _AT_ONCE:
            pending = [(r.due, run_id) for run_id, r in self._released.items()]
            self._due = [entry for entry in pending if entry[0] < math.inf]
            heapq.heapify(self._due)

    def take(self, run_id: str) -> Released | None:
        """Note that a run is no longer out of memory, or is nobody's here."""
        _, back = self._watched.pop(run_id, (None, None))
        if back is not None:
            back.set()
        return self._released.pop(run_id, None)

    def wake(self, run_id: str) -> None:
        """Bring a run back, if it is out of memory."""
        if run_id in self._released:
            self._bring_back(run_id)

    def mailed(self, newest: dict[str, int]) -> None:
        """Bring back the runs that have messages; gives the newest of each run."""
        # A message that a run has consumed before it was released may be among them.
        found = newest.keys() & self._released.keys()
        for run_id in found:
            if newest[run_id] > self._released[run_id].cursor:
                self.wake(run_id)

    # -- who waits for one that is released ------------------------------------------

    async def until_back(self, run_id: str, owner: str | None) -> None:
        """Wait until a released run is back, or is taken from this executor.

        `owner` is who may write it, as it is in the database.
        """
        if run_id not in self._released:
            return
        _, back = self._watched.setdefault(run_id, (owner, asyncio.Event()))
        await back.wait()

    def watched(self) -> dict[str, str | None]:
        """The runs that somebody waits for, and who may write them."""
        return {run_id: owner for run_id, (owner, _) in self._watched.items()}

    # -- the timer -----------------------------------------------------------------

    def _arm(self) -> None:
        """Have the timer go off for whoever is first."""
        times = [self._due[0][0]] if self._due else []
        if self._timeout_s is not None and self._resting:
            since, _ = next(iter(self._resting.values()))
            times.append(since + self._timeout_s)
        if not times or self._is_closed:
            return
        first = min(times)
        if self._timer is not None:
            if self._timer.when() <= first:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(first, self._look)

    def _look(self) -> None:
        self._timer = None
        at = _clock()
        while self._due and self._due[0][0] <= at:
            due, run_id = heapq.heappop(self._due)
            released = self._released.get(run_id)
            # It may have been back since, and be released until another time.
            if released is not None and released.due == due:
                self.wake(run_id)
        if self._timeout_s is not None:
            for run in self._idle_since(at - self._timeout_s):
                self._let_go(run, at, self._timeout_s)
        self._arm()

    def _idle_since(self, at: float) -> Iterable[LiveRun]:
        first = list(islice(self._resting.values(), _AT_ONCE))
        return [run for since, run in first if since <= at]

    def _let_go(self, run: LiveRun, at: float, timeout_s: float) -> None:
        del self._resting[run.run_id]
        until = run.rest_until or 0.0
        if run.is_at_rest and until - run.now() > _WORTH_S:
            self._release(run)
        else:
            self._resting[run.run_id] = at + max(0.0, _AGAIN_S - timeout_s), run


def _clock() -> float:
    return asyncio.get_running_loop().time()
