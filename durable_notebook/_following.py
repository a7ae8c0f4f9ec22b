"""A run's timeline, read while it grows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from durable_notebook._entry import RecordedEntry
from durable_notebook._model import Attempt, RunInfo, RunStatus
from durable_notebook._timeline import Timeline
from durable_notebook.store import Store


class Following:
    """Reads a run again and again, and each entry of it once."""

    def __init__(
        self,
        read_info: Callable[[str], Awaitable[RunInfo]],
        store: Store,
        run_id: str,
    ) -> None:
        self._read_info = read_info
        self._store = store
        self._run_id = run_id
        self._timeline = Timeline()
        self.cost_s = 0.0
        """What the last reading cost of a processor, in seconds."""

    async def read(self) -> tuple[RunInfo, list[Attempt]]:
        """What the run is doing, and its rows; an unchanged one is the same object.

        Raises:
            UnknownRunError: There is no such run, or no more.
        """
        # The run before its entries: one that has ended has all of them.
        info = await self._read_info(self._run_id)
        last = self._timeline.last
        after = -1 if last is None else last.position - 1
        found, self.cost_s = await asyncio.to_thread(self._entries, after)
        if last is not None and found[:1] != [last]:
            # The run was rewound: what was behind that position is gone.
            last, self._timeline = None, Timeline()
            found, self.cost_s = await asyncio.to_thread(self._entries, -1)
        began = time.thread_time()
        self._timeline.add(found if last is None else found[1:])
        is_live = info.status in (RunStatus.RUNNING, RunStatus.WAITING)
        rows = self._timeline.rows(is_live=is_live)
        self.cost_s += time.thread_time() - began
        return info, rows

    def _entries(self, after: int) -> tuple[list[RecordedEntry], float]:
        began = time.thread_time()
        found = self._store.entries(self._run_id, after)
        return found, time.thread_time() - began
