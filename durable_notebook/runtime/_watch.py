"""What other processes, and DBOS's own tools, do to the runs of this one."""

from __future__ import annotations

import asyncio
import logging
import time

from durable_notebook.errors import StorageError
from durable_notebook.runtime._runs import Runs
from durable_notebook.store import Store

logger = logging.getLogger("durable_notebook")


class Watch:
    """Looks at the database whenever somebody has written to it."""

    def __init__(
        self, runs: Runs, store: Store, *, poll_s: float, queue_poll_s: float
    ) -> None:
        self._runs = runs
        self._store = store
        self._poll_s = poll_s
        self._queue_poll_s = queue_poll_s
        self._queue_due = 0.0
        self._newest_mail = 0
        self._may_be_enqueued = True

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                self._look()
            except StorageError as e:
                logger.warning("%s", e)
            except Exception:  # Without it no run would hear of anything.
                logger.exception("A look at the journal failed, and is repeated")
            await asyncio.sleep(self._poll_s)

    def _look(self) -> None:
        if self._store.changed_outside():
            self._may_be_enqueued = True
            if self._runs.live:
                self._look_at_live()
        now = time.monotonic()
        if self._may_be_enqueued and now >= self._queue_due:
            self._queue_due = now + self._queue_poll_s
            self._may_be_enqueued = self._runs.take_enqueued()

    def _look_at_live(self) -> None:
        self._runs.stop_lost()
        seen, self._newest_mail = self._newest_mail, self._store.newest_mail()
        if self._newest_mail != seen:
            for run in self._runs.live.values():
                run.inbox.fetch()
