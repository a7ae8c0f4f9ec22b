"""A run's timeline, read while it grows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

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

    async def read(self) -> tuple[RunInfo, list[Attempt]]:
        """What the run is doing, and its rows; an unchanged one is the same object.

        Raises:
            UnknownRunError: There is no such run, or no more.
        """
        # The run before its entries: one that has ended has all of them.
        info = await self._read_info(self._run_id)
        last = self._timeline.last
        after = -1 if last is None else last.position - 1
        found = await asyncio.to_thread(self._store.entries, self._run_id, after)
        if last is not None:
            if found[:1] == [last]:
                found = found[1:]
            else:
                # The run was rewound: what was behind that position is gone.
                self._timeline = Timeline()
                found = await asyncio.to_thread(self._store.entries, self._run_id)
        self._timeline.add(found)
        is_live = info.status in (RunStatus.RUNNING, RunStatus.WAITING)
        return info, self._timeline.rows(is_live=is_live)
