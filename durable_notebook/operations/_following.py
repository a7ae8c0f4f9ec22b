"""A run, read while it goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from durable_notebook.journal._entry import RecordedEntry
from durable_notebook.journal._reading import RunReading
from durable_notebook.journal._timeline import Timeline
from durable_notebook.store import Store


class Following:
    """Reads a run again and again, and each entry of it once."""

    def __init__(
        self, look: Callable[[str], Awaitable[RunReading]], store: Store, run_id: str
    ) -> None:
        """`look` gives a reading without entries."""
        self._look = look
        self._store = store
        self._run_id = run_id
        self._entries: list[RecordedEntry] = []
        self._timeline = Timeline()
        # Two readers at once would both add what is new.
        self._one_by_one = asyncio.Lock()
        self.cost_s = 0.0
        """What the last reading cost of a processor, in seconds."""

    async def read(self) -> RunReading:
        """The run as it is now; a row that has not changed is the same object.

        Raises:
            UnknownRunError: There is no such run, or no more.
        """
        async with self._one_by_one:
            return await self._read()

    async def _read(self) -> RunReading:
        # The run before its entries: one that has ended has all of them.
        reading = await self._look(self._run_id)
        last = self._entries[-1] if self._entries else None
        after = -1 if last is None else last.position - 1
        found, self.cost_s = await asyncio.to_thread(self._read_entries, after)
        if last is not None and found[:1] != [last]:
            # The run was rewound: what was behind that position is gone.
            last, self._entries, self._timeline = None, [], Timeline()
            found, self.cost_s = await asyncio.to_thread(self._read_entries, -1)
        began = time.thread_time()
        new = found if last is None else found[1:]
        self._timeline.add(new)
        # Another list, if it is longer: who has an earlier reading keeps that.
        self._entries = [*self._entries, *new] if new else self._entries
        rows = self._timeline.rows(is_live=reading.is_live)
        self.cost_s += time.thread_time() - began
        return replace(reading, entries=self._entries, rows=rows)

    def _read_entries(self, after: int) -> tuple[list[RecordedEntry], float]:
        began = time.thread_time()
        found = self._store.entries(self._run_id, after)
        return found, time.thread_time() - began
