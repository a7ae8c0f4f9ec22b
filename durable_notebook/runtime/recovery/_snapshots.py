"""Snapshots of long runs, so that resuming one does not take longer and longer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from durable_notebook.errors import DurableNotebookError
from durable_notebook.logs import about
from durable_notebook.runtime.recovery._reduction import Reduction
from durable_notebook.store import Store

logger = logging.getLogger("durable_notebook")

# A run that has written nothing for so long leaves time for a snapshot: its bodies are
# waiting for something. One that never pauses has them anyway, but not as often.
_PAUSE_S = 0.05
_LATEST = 4


class Snapshots:
    """Those of one live run. Made of its journal, in a thread, beside its steps.

    Never of its memory: what a body has changed in place is not in the journal, and
    resuming must give the same with a snapshot and without. So one costs as much as
    reducing its entries once more. That is done while the run pauses, at the latest
    after `every * 4` entries, and not at all for a run that ends before.
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
        self._position = newest
        self._pause: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_possible = True

    def look(self, position: int) -> None:
        """Make one if the last is long ago; `position` is that of the last entry."""
        self._position = position
        behind = position - self._newest
        if behind < self._every or self._task is not None or not self._is_possible:
            return
        if behind >= self._every * _LATEST:
            self._begin()
        elif self._pause is None:
            self._await_pause()

    def _await_pause(self) -> None:
        loop = asyncio.get_running_loop()
        self._pause = loop.call_later(_PAUSE_S, self._paused, self._position)

    def _paused(self, position: int) -> None:
        self._pause = None
        if position == self._position:
            self._begin()
        else:
            self._await_pause()

    def _begin(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._task = asyncio.create_task(self._make())

    @property
    def is_making(self) -> bool:
        """Whether one is being made."""
        return self._task is not None

    def close(self) -> None:
        """Make no more."""
        self._is_possible = False
        if self._pause is not None:
            self._pause.cancel()
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
            logger.debug(
                "No more snapshots of run %r: %s",
                self._run_id,
                e,
                extra=about(self._run_id),
            )
            self._is_possible = False
        finally:
            self._task = None

    def _read(self) -> tuple[int, str]:
        reduction = self._reduce()
        return reduction.position, reduction.snapshot()
