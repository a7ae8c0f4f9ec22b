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
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from durable_notebook.errors import StorageError
from durable_notebook.runtime.live._released import Released
from durable_notebook.store import Store

if TYPE_CHECKING:
    from durable_notebook.runtime.live._run import LiveRun
    from durable_notebook.runtime.recovery._registry import Definition

# Of runs that became idle together so many are released before others have a turn.
_AT_ONCE = 100

# How long a run that cannot be released just now is left alone: somebody is about to
# change its store, or a snapshot of it is being made.
_AGAIN_S = 0.05

# A run that comes back by itself within this time is not worth releasing.
_WORTH_S = 0.1


class Idle:
    """Decides when an idle run is released, and says when one has to come back.

    Belongs to the runtime's loop. `release` is called with a run that may go,
    `bring_back` with the id of one that has to return.
    """

    def __init__(
        self,
        store: Store,
        executor_id: str,
        *,
        timeout_s: float | None,
        release: Callable[[LiveRun], None],
        bring_back: Callable[[str], None],
    ) -> None:
        self._store = store
        self._executor_id = executor_id
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

    @property
    def count(self) -> int:
        """How many runs are out of memory."""
        return len(self._released)

    def left(self, run_ids: list[str]) -> list[str]:
        """Leave those of these runs out of memory that only wait; gives the others.

        The look at the database and what follows from it are one step of the loop: a
        message that comes later finds the run released.
        """
        found: dict[str, Released | None] = {}
        try:
            pending = self._store.pending(run_ids, self._executor_id)
            found = {each.run_id: Released.left_alone(each) for each in pending}
        except StorageError:
            pass  # Whoever is begun will tell of it.
        begun = []
        for run_id in run_ids:
            released = found.get(run_id)
            if released is None:
                begun.append(run_id)
            else:
                self._add(run_id, released)
        return begun

    def leaves(
        self, run: LiveRun, definition: Definition, task: asyncio.Task[Any]
    ) -> None:
        """Note that a run is out of memory once its last task has ended."""
        if run.is_leaving:
            return  # For another process to bring back.
        run_id, released = run.run_id, Released.of(run, definition)
        task.add_done_callback(lambda _: self._has_left(run_id, released))

    def _has_left(self, run_id: str, released: Released) -> None:
        self._add(run_id, released)
        # What has come while it was leaving: from here on whoever posts wakes it.
        try:
            mail = self._store.mail(run_id, released.cursor)
            is_mailed = any(each.tick for each in mail)  # Not what was refused.
        except StorageError:
            is_mailed = True  # Perhaps; if not, that is found out when it is back.
        if is_mailed:
            self.wake(run_id)

    def _add(self, run_id: str, released: Released) -> None:
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
        """Bring back the runs of which somebody has found these newest messages.

        A message that a run had consumed before it was released may be among them.
        """
        for run_id in newest.keys() & self._released.keys():
            if newest[run_id] > self._released[run_id].cursor:
                self.wake(run_id)

    # -- who waits for one that is released ------------------------------------------

    async def until_back(self, run_id: str) -> None:
        """Wait until a released run is back, or is no longer this executor's."""
        row = self._store.run(run_id)
        is_ours = row is not None and row.executor_id == self._executor_id
        if row is None or not is_ours or row.dbos_status != "PENDING":
            self.take(run_id)
        elif run_id in self._released:
            watched = (row.owner, asyncio.Event())
            _, back = self._watched.setdefault(run_id, watched)
            await back.wait()

    def awaited(self) -> dict[str, tuple[str | None, asyncio.Event]]:
        """The released runs that somebody waits for, as they are now."""
        return dict(self._watched)

    def forget_lost(
        self,
        awaited: Mapping[str, tuple[str | None, asyncio.Event]],
        owners: Mapping[str, str | None],
    ) -> None:
        """Forget those of these that were taken away, by the owners read since.

        One that was back meanwhile, and is released again, has another owner because
        this process has claimed it: what was read of it says nothing any more.
        """
        for run_id, watched in awaited.items():
            is_same = self._watched.get(run_id) is watched
            if is_same and owners.get(run_id) != watched[0]:
                self.take(run_id)

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
