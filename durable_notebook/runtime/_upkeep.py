"""Runs as wholes: fork or rewind one, delete some, and trim what has ended."""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import timedelta

from durable_notebook.engine import Engine
from durable_notebook.errors import (
    ConfigError,
    InvalidPositionError,
    LiveElsewhereError,
    LostOwnershipError,
    UnfinishedRunError,
    UnknownRunError,
)
from durable_notebook.runtime._checks import check_run_id
from durable_notebook.runtime._outcome import recorded_end
from durable_notebook.runtime._runs import Executor, Runs
from durable_notebook.store import RunRow, Store

# So many go in one transaction: a live run that wants to write waits for no more.
_AT_ONCE = 50


class Upkeep:
    """Forks, rewinds and deletes runs. Belongs to the runtime's loop."""

    def __init__(
        self, *, engine: Engine, store: Store, runs: Runs, executor: Executor
    ) -> None:
        self._engine = engine
        self._store = store
        self._runs = runs
        self._executor = executor

    async def fork(
        self, run_id: str, position: int | None, new_run_id: str | None
    ) -> str:
        """Begin a new run with the first entries of another, and give its id."""
        kept = self._kept(run_id, position)
        if new_run_id is None:
            new_run_id = f"{run_id[:180]}-fork-{secrets.token_hex(3)}"
        await self._engine.fork(run_id, check_run_id(new_run_id), kept)
        await self._runs.resume(new_run_id)
        return new_run_id

    async def rewind(self, run_id: str, position: int | None) -> None:
        """Put a run that has ended back to a position, and go on with it."""
        kept = self._kept(run_id, position)
        while self._runs.is_claimed(run_id) and self._has_ended(run_id):
            await self._runs.until_changed(1.0)  # DBOS is about to record the end.
        if self._row(run_id).is_unfinished:
            raise UnfinishedRunError(run_id)
        await self._engine.rewind(run_id, kept)
        await self._runs.resume(run_id)

    def _has_ended(self, run_id: str) -> bool:
        return recorded_end(self._store, self._row(run_id)) is not None

    def _kept(self, run_id: str, position: int | None) -> int:
        """How many entries are before a position; all but the end's without one."""
        self._row(run_id)
        last = self._store.last_entry(run_id)
        count = 0 if last is None else last.position + 1
        if last is not None and last.entry.end is not None:
            count -= 1  # Its last turn ended the run; what goes on has one of its own.
        kept = count if position is None else position
        if not 0 <= kept <= count:
            raise InvalidPositionError(run_id, position, count)
        return kept

    async def delete(self, run_id: str) -> None:
        """Delete a run with all that belongs to it, and stop it if it is live here.

        To it belong the runs that its step bodies have begun, and theirs.
        """
        try:
            gone = self._deletable(run_id)
            await self._delete(gone)
        except LostOwnershipError:  # It has ended, or was begun again, since the look.
            gone = self._deletable(run_id)
            await self._delete(gone)
        # Without its rows it can write nothing, so there is no hurry.
        for row in gone:
            await self._runs.stop_run(row.run_id)
            self._runs.forget(row.run_id)

    def _deletable(self, run_id: str) -> list[RunRow]:
        found = [self._row(run_id)]
        for row in found:  # It grows meanwhile.
            self._check_deletable(row)
            found += self._store.children(row.run_id)
        return found

    def _check_deletable(self, row: RunRow) -> None:
        executor_id = row.executor_id or ""
        is_ours = executor_id == self._executor.id
        is_elsewhere = not is_ours and self._executor.is_alive(executor_id)
        is_open = row.is_unfinished and recorded_end(self._store, row) is None
        if is_elsewhere and is_open:
            raise LiveElsewhereError(row.run_id, executor_id)

    async def trim(self, older_than: timedelta | None, keep: int | None) -> list[str]:
        """Delete finished runs that are too old or too many, and give their ids.

        A run that a step body has begun stays as long as the run of that body, which
        may be executed again and then goes on with it, and goes when that goes.
        """
        if older_than is None and keep is None:
            raise ConfigError(
                "Nothing says which finished runs are to be deleted.",
                "Give 'older_than' (a timedelta), or 'keep' (how many stay).",
            )
        if keep is not None and keep < 0:
            raise ConfigError(f"Nobody can keep {keep} runs.", "Give 0 or more.")
        rows = await asyncio.to_thread(self._store.runs)
        children = _children(rows)
        inside = {row.run_id for each in children.values() for row in each}
        ended = [
            row for row in rows if not row.is_unfinished and row.run_id not in inside
        ]
        ended.sort(key=lambda row: row.updated_at, reverse=True)
        since = None if older_than is None else time.time() - older_than.total_seconds()
        gone = [
            row
            for n, row in enumerate(ended)
            if (keep is not None and n >= keep)
            or (since is not None and row.updated_at < since)
        ]
        for row in gone:  # It grows meanwhile.
            of_row = children.get(row.run_id, [])
            gone += [child for child in of_row if not child.is_unfinished]
        for n in range(0, len(gone), _AT_ONCE):
            await self._delete(gone[n : n + _AT_ONCE])
        return [row.run_id for row in gone]

    async def _delete(self, rows: list[RunRow]) -> None:
        await asyncio.wrap_future(self._store.delete(rows))
        for row in rows:
            self._runs.forget(row.run_id)

    def _row(self, run_id: str) -> RunRow:
        row = self._store.run(run_id)
        if row is None:
            raise UnknownRunError(run_id)
        return row


def _children(rows: list[RunRow]) -> dict[str, list[RunRow]]:
    """The runs that step bodies began, by the run of the body, where that is there."""
    known = {row.run_id for row in rows}
    found: dict[str, list[RunRow]] = {}
    for row in rows:
        if row.parent in known and row.parent is not None:
            found.setdefault(row.parent, []).append(row)
    return found
