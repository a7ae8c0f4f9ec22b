"""What other processes, and DBOS's own tools, do to the runs of this one."""

from __future__ import annotations

import asyncio
import logging
import time

from durable_notebook.errors import StorageError
from durable_notebook.runtime._runs import Runs
from durable_notebook.store import Store

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
        self._complaint = ""

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            try:
                self._look()
                self._complaint = ""
            except StorageError as e:
                self._complain(str(e))
            except Exception:  # Without it no run would hear of anything.
                logger.exception("A look at the journal failed, and is repeated")
            is_sooner = self._runs.idle.has_released
            await asyncio.sleep(self._poll_s / (_SOONER if is_sooner else 1.0))

    def _complain(self, text: str) -> None:
        """Say it once, and again only if it has been well in between."""
        if text != self._complaint:
            self._complaint = text
            logger.warning("%s", text)

    def _look(self) -> None:
        now = time.monotonic()
        if self._store.changed_outside() or now >= self._anyway_due:
            self._anyway_due = now + _LOOK_ANYWAY_S
            self._has_news = self._may_be_enqueued = True
        if self._has_news and (self._runs.live or self._runs.idle.has_released):
            self._look_at_live()
            # Not before it is done: what failed is to be tried again.
            self._has_news = False
        if self._may_be_enqueued and now >= self._queue_due:
            self._queue_due = now + self._queue_poll_s
            self._may_be_enqueued = self._runs.take_enqueued()

    def _look_at_live(self) -> None:
        self._runs.stop_lost()
        now = time.monotonic()
        if now >= self._released_due:
            self._released_due = now + _LOOK_ANYWAY_S
            self._runs.idle.forget_lost()
        mailed = self._store.mailed(self._seen_mail)
        self._runs.idle.mailed(mailed)
        for run_id in mailed.keys() & self._runs.live.keys():
            self._runs.live[run_id].inbox.fetch()
        self._seen_mail = max(mailed.values(), default=self._seen_mail)
