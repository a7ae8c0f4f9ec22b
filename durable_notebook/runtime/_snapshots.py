"""Snapshots of long runs, so that resuming one does not take longer and longer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from durable_notebook.errors import DurableNotebookError
from durable_notebook.runtime._reduction import Reduction
from durable_notebook.store import Store

logger = logging.getLogger("durable_notebook")


class Snapshots:
    """Those of one live run. Made of its journal, in a thread, beside its steps.

    Never of its memory: what a body has changed in place is not in the journal, and
    resuming must give the same with a snapshot and without.
    """

    def __init__(
        self,
        store: Store,
        run_id: str,
        *,
        owner: str,
        every: int,
        newest: int,
        reduce: Callable[[], Reduction],
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._owner = owner
        self._every = every
        self._newest = newest
        self._reduce = reduce
        self._task: asyncio.Task[None] | None = None
        self._is_possible = True

    def look(self, position: int) -> None:
        """Make one if the last is long ago; `position` is that of the last entry."""
        is_due = position - self._newest >= self._every
        if is_due and self._task is None and self._is_possible:
            self._task = asyncio.create_task(self._make())

    @property
    def is_making(self) -> bool:
        """Whether one is being made."""
        return self._task is not None

    def close(self) -> None:
        """Make no more."""
        self._is_possible = False
        if self._task is not None:
            self._task.cancel()

    async def _make(self) -> None:
        try:
            position, body = await asyncio.to_thread(self._read)
            put = self._store.put_snapshot(self._run_id, self._owner, body)
            await asyncio.wrap_future(put)
            self._newest = position
        except (DurableNotebookError, ValueError) as e:
            # A run with child workflows, which the library cannot write down, or a
            # database that refuses. The journal is enough, it is only slower.
            logger.debug("No more snapshots of run %r: %s", self._run_id, e)
            self._is_possible = False
        finally:
            self._task = None

    def _read(self) -> tuple[int, str]:
        reduction = self._reduce()
        return reduction.position, reduction.snapshot()
