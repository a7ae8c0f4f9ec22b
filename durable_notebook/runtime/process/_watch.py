"""What other processes, and DBOS's own tools, do to the runs of this one."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TypeVar

from durable_notebook.errors import StorageError
from durable_notebook.runtime.process._loops import read_beside
from durable_notebook.runtime.process._runs import Runs
from durable_notebook.store import Store

T = TypeVar("T")

logger = logging.getLogger("durable_notebook")

# Postgres tells of messages only, not of what DBOS's tools write, and a pooler between
# us and the server may swallow even that.
_LOOK_ANYWAY_S = 1.0

# So much more often is it looked where runs are released: to come back takes a moment,
# and who has sent a message is not to notice.
_SOONER = 2.5


class Watch:
    """Looks at the database whenever somebody may have written to it."""

    def __init__(
        self, runs: Runs, store: Store, *, poll_s: float, queue_poll_s: float
    ) -> None:
        self._runs = runs
        self._store = store
        self._poll_s = poll_s
        self._queue_poll_s = queue_poll_s
        self._queue_due = 0.0
        self._anyway_due = 0.0
        self._released_due = 0.0
        self._seen_mail = 0
        self._has_news = True
        self._may_be_enqueued = True
        self._problem: StorageError | None = None

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                await self._look()
                self._is_well()
            except StorageError as e:
                self._complain(e)
            except Exception:  # Without it no run would hear of anything.
                logger.exception("A look at the journal failed, and is repeated")
            is_sooner = self._runs.idle.has_released
            await asyncio.sleep(self._poll_s / (_SOONER if is_sooner else 1.0))

    def _complain(self, problem: StorageError) -> None:
        """Say it once, here or of a run, and again if it has been well in between."""
        self._problem = problem
        if self._runs.problems.refusals.is_news(problem):
            logger.warning("%s", problem)

    def _is_well(self) -> None:
        if self._problem is not None:
            self._runs.problems.refusals.is_over(self._problem)
            self._problem = None

    async def _look(self) -> None:
        now = time.monotonic()
        if self._store.changed_outside() or now >= self._anyway_due:
            self._anyway_due = now + _LOOK_ANYWAY_S
            self._has_news = self._may_be_enqueued = True
        if self._has_news and self._runs.holds_any:
            self._has_news = False
            try:
                await self._look_at_live()
            except BaseException:
                self._has_news = True  # What failed is to be tried again.
                raise
        if self._may_be_enqueued and now >= self._queue_due:
            self._queue_due = now + self._queue_poll_s
            enqueued = await read_beside(self._store, self._store.enqueued)
            self._may_be_enqueued = self._runs.take_enqueued(enqueued)
            await self._runs.line.drop_gone(enqueued)
            if self._store.is_remote:
                # The read has shown that the server is there. A file that nobody can
                # write waits for somebody who mends it, and resumes the run.
                self._runs.recover_refused()

    async def _look_at_live(self) -> None:
        # Meanwhile others may begin: they are looked at the next time.
        runs = list(self._runs.live.values())
        owners = await read_beside(
            self._store, self._store.owners, [run.run_id for run in runs]
        )
        self._runs.stop_lost(runs, owners)
        await self._runs.pausing.look()
        await self._look_at_released()
        mailed = await read_beside(self._store, self._store.mailed, self._seen_mail)
        self._runs.idle.mailed(mailed)
        for run_id in mailed.keys() & self._runs.live.keys():
            self._runs.live[run_id].inbox.fetch()
        self._seen_mail = max(mailed.values(), default=self._seen_mail)

    async def _look_at_released(self) -> None:
        now = time.monotonic()
        awaited = self._runs.idle.awaited()
        if awaited and now >= self._released_due:
            self._released_due = now + _LOOK_ANYWAY_S
            owners = await read_beside(self._store, self._store.owners, list(awaited))
            self._runs.idle.forget_lost(awaited, owners)
