"""A list of runs that somebody looks at again and again, read where it has changed.

Reading ten thousand runs takes a second or two; looking at which of them have changed
takes a twentieth of that, and no entry is read for it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from durable_notebook._model import RunInfo
from durable_notebook.client._glance import as_executed
from durable_notebook.operations._describe import (
    Contents,
    Standstill,
    contents_of,
    describe,
    seen_by,
)
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.store import Mark, RunRow

# So many are described until the loop, which is that of the runs, gets its turn.
_AT_ONCE = 50


@dataclass(slots=True)
class _Known:
    """A run as it was last seen. What has ended keeps no row: it will not change."""

    mark: Mark
    info: RunInfo
    row: RunRow | None
    contents: Contents | None


class Listing:
    """The runs of a journal as they were at the last look. Of the runtime's loop."""

    def __init__(self, runtime: DBOSRuntime) -> None:
        self._runtime = runtime
        self._known: dict[str, _Known] = {}

    @property
    def is_new(self) -> bool:
        """Whether nothing was read yet, so that the next look reads all."""
        return not self._known

    def is_of(self, runtime: DBOSRuntime) -> bool:
        """Whether it looks through this runtime."""
        return self._runtime is runtime

    @property
    def infos(self) -> list[RunInfo]:
        """The runs at the last look, newest first."""
        return [known.info for known in self._known.values()]

    async def look(self) -> list[RunInfo]:
        """Read what has changed since the last look; gives all runs, newest first.

        A run that is the same object as at the look before has not changed.

        Raises:
            StorageError: The database cannot be read.
        """
        store = self._runtime.store
        marks = await asyncio.to_thread(store.marks)
        before = self._known
        changed = {r for r, mark in marks.items() if not _is_as(before.get(r), mark)}
        rows = await self._read(changed)
        standstill = seen_by(self._runtime)
        known: dict[str, _Known] = {}
        for n, (run_id, mark) in enumerate(marks.items()):
            if run_id in rows:
                known[run_id] = self._described(mark, *rows[run_id], standstill)
            elif run_id in before and run_id not in changed:
                known[run_id] = self._again(before[run_id], standstill)
            # One that is in neither was deleted since.
            if n % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
        self._known = known
        return self.infos

    async def _read(self, run_ids: set[str]) -> dict[str, tuple[RunRow, int | None]]:
        if not run_ids:
            return {}
        store = self._runtime.store
        rows = await asyncio.to_thread(store.rows, run_ids)
        sizes = await asyncio.to_thread(store.sizes, run_ids)
        return {row.run_id: (row, sizes.get(row.run_id)) for row in rows}

    def _described(
        self, mark: Mark, row: RunRow, size: int | None, standstill: Standstill
    ) -> _Known:
        contents = contents_of(self._runtime.store, row)
        info = self._info(row, size, contents, standstill)
        is_over = info.status.is_final
        return _Known(mark, info, *((None, None) if is_over else (row, contents)))

    def _again(self, known: _Known, standstill: Standstill) -> _Known:
        """A run whose row is the same: its process may have died since."""
        if known.row is not None:
            size = known.info.size
            info = self._info(known.row, size, known.contents, standstill)
            if info != known.info:
                known.info = info
        return known

    def _info(
        self,
        row: RunRow,
        size: int | None,
        contents: Contents | None,
        standstill: Standstill,
    ) -> RunInfo:
        store, before = self._runtime.store, self._runtime.before
        info = describe(store, row, size, standstill, before=before, contents=contents)
        return as_executed(self._runtime, info)


def _is_as(known: _Known | None, mark: Mark) -> bool:
    return known is not None and known.mark == mark
