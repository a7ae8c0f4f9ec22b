"""Who executes the runs of this process, and whether it still may."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_notebook.engine import ExecutorLock
from durable_notebook.errors import (
    LeaseLostError,
    LostOwnershipError,
    StorageError,
    StrandedRunError,
)
from durable_notebook.runtime.codec._outcome import recorded_end
from durable_notebook.store import Enqueued, RunRow, Store

if TYPE_CHECKING:
    from durable_notebook.runtime.process._runs import Runs

# How often it is looked whether a run of this executor stands still; of many runs, so
# much less often than a look takes.
_LOOK_S = 1.0
_SELDOM = 50
_LONGEST_S = 5.0


@dataclass(frozen=True, slots=True)
class Executor:
    """An executor as one process life is it: its hold, and the number of that life.

    `only` are the runs that it goes on with by itself; None for all that are its own.
    """

    lock: ExecutorLock
    session: int
    store: Store
    only: Collection[str] | None = None

    @property
    def id(self) -> str:
        """The executor id under which the runs of this process are recorded."""
        return self.lock.executor_id

    def problem(self) -> LeaseLostError | None:
        """Why this process may be the executor no more; None while it surely is."""
        return self.lock.problem()

    def check(self) -> None:
        """Refuse what only the executor may do.

        Raises:
            LeaseLostError: Another process is the executor, or may be.
        """
        problem = self.problem()
        if problem is not None:
            raise problem

    def is_me(self, executor_id: str | None) -> bool:
        """Whether this process is an executor."""
        return executor_id == self.id and self.problem() is None

    def may(self, run_id: str) -> bool:
        """Whether it goes on with a run that nobody has asked it for."""
        return self.only is None or run_id in self.only

    def goes_on_with(self, row: RunRow) -> bool:
        """Whether this process is who goes on with an unfinished run."""
        if row.is_owned:
            return self.is_me(row.executor_id)
        return self.is_free(row.executor_id)

    def check_goes_on(self, row: RunRow) -> None:
        """Refuse to wait for a run that nobody will go on with.

        Raises:
            StrandedRunError: Its executor is another, and no live process is that.
        """
        executor_id = row.executor_id or ""
        if not row.is_owned or self.is_me(executor_id):
            return
        is_open = recorded_end(self.store, row) is None
        if is_open and not self.is_alive(executor_id):
            raise StrandedRunError(row.run_id, executor_id)

    def is_free(self, executor_id: str | None) -> bool:
        """Whether a run that DBOS's tools enqueued is: its executor is us, or dead."""
        if executor_id is None or self.is_me(executor_id):
            return True
        return not self.is_alive(executor_id)

    def is_alive(self, executor_id: str) -> bool:
        """Whether a live process is an executor."""
        return self.is_me(executor_id) or self.store.is_held(executor_id)


class Look:
    """Which of the enqueued runs are for this process, in one look at all of them.

    Each other executor is asked after once. Where nobody can tell whether it is alive,
    `tell` is called with why and with the first of its runs, and none is taken yet.
    """

    def __init__(
        self, executor: Executor, tell: Callable[[StorageError, str], None]
    ) -> None:
        self._executor = executor
        self._tell = tell
        self._is_free: dict[str | None, bool] = {}
        self._is_away = False

    def may_take(self, run: Enqueued) -> bool:
        """Whether an enqueued run is for this process."""
        if not self._executor.may(run.run_id):
            return False
        if run.waits_for_place or run.is_reassigned:
            return self._executor.is_me(run.executor_id)
        if run.executor_id not in self._is_free:
            self._is_free[run.executor_id] = self._ask(run)
        return self._is_free[run.executor_id]

    def _ask(self, run: Enqueued) -> bool:
        if run.executor_id is None or self._executor.is_me(run.executor_id):
            return True
        if self._is_away:
            return False  # The loop has waited for the server once.
        try:
            return self._executor.is_free(run.executor_id)
        except StorageError as e:
            self._is_away = self._executor.store.is_remote
            self._tell(e, run.run_id)
            return False


class Tenure:
    """Looks after a lease: who waits for its loss, and runs that it left behind.

    A process that was stopped while it began a run may have recorded it after another
    had taken its lease; and a lease that ran out may be renewed, if nobody has taken
    it. Such runs stand still, and this process goes on with them.
    """

    def __init__(self, executor: Executor, runs: Runs, *, poll_s: float) -> None:
        self.lost = asyncio.Event()
        self._executor = executor
        self._runs = runs
        self._poll_s = poll_s
        self._due = 0.0
        self._idle: set[str] = set()

    async def watch(self) -> None:
        """Look until the lease is another's, or until cancelled."""
        while True:
            problem = self._executor.problem()
            if problem is not None:
                # At once: who cannot ask the database may wait long for its answer.
                self._runs.stop_lost(list(self._runs.live.values()), {})
            if problem is not None and problem.is_taken:
                self.lost.set()
                return
            if problem is None and time.monotonic() >= self._due:
                with contextlib.suppress(StorageError):  # Whoever writes will tell.
                    await self._look()
            await asyncio.sleep(self._poll_s)

    async def _look(self) -> None:
        began_at = time.monotonic()
        store, executor_id = self._executor.store, self._executor.id
        self._due = began_at + _LOOK_S
        mine = await asyncio.to_thread(store.unfinished, executor_id)
        idle = {run_id for run_id in mine if self._stands_still(run_id)}
        now = time.monotonic()
        if not idle:
            # It may have taken so long because the database was away.
            pause_s = min(_SELDOM * (now - began_at), _LONGEST_S)
            self._due = now + max(_LOOK_S, pause_s)
        # Twice in a row: one that DBOS has just given out is not known here yet.
        for run_id in idle & self._idle:
            self._runs.problems.forget(run_id)
            self._runs.undefined.add(run_id, mine[run_id])
        self._idle = idle
        self._runs.recover_defined()

    def _stands_still(self, run_id: str) -> bool:
        runs = self._runs
        if not self._executor.may(run_id):
            return False
        if runs.is_claimed(run_id) or runs.line.is_waiting(run_id):
            return False
        if run_id in runs.undefined or runs.idle.is_released(run_id):
            return False
        if runs.pausing.is_parked(run_id):
            return False
        # One that the database has stopped is begun again when that is back.
        problem = runs.problems.get(run_id)
        return problem is None or isinstance(problem, LostOwnershipError)
