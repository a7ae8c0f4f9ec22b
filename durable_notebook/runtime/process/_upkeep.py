"""Runs as wholes: fork or rewind one, delete some, and trim what has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from durable_notebook.engine import Engine
from durable_notebook.errors import LostOwnershipError, UnfinishedRunError
from durable_notebook.operations._reassignment import reassign, reassignable
from durable_notebook.operations._retention import (
    AT_ONCE,
    deletable,
    expired,
    id_for_fork,
    kept_by_fork,
    known,
)
from durable_notebook.runtime.codec._outcome import recorded_end
from durable_notebook.runtime.process._checks import check_run_id
from durable_notebook.runtime.process._executor import Executor
from durable_notebook.runtime.process._runs import Runs
from durable_notebook.store import RunRow, Store


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
        known(self._store, run_id)
        kept = kept_by_fork(self._store, run_id, position)
        if new_run_id is None:
            new_run_id = id_for_fork(run_id)
        await self._engine.fork(run_id, check_run_id(new_run_id), kept)
        await self._runs.resume(new_run_id)
        return new_run_id

    async def rewind(self, run_id: str, position: int | None) -> None:
        """Put a run that has ended back to a position, and go on with it."""
        known(self._store, run_id)
        kept = kept_by_fork(self._store, run_id, position)
        while self._runs.is_claimed(run_id) and self._has_ended(run_id):
            await self._runs.until_changed(1.0)  # DBOS is about to record the end.
        if known(self._store, run_id).is_unfinished:
            raise UnfinishedRunError(run_id)
        await self._engine.rewind(run_id, kept)
        await self._runs.resume(run_id)

    def _has_ended(self, run_id: str) -> bool:
        return recorded_end(self._store, known(self._store, run_id)) is not None

    async def reassign(
        self, from_executor: str, to_executor: str, run_ids: Sequence[str]
    ) -> list[str]:
        """Give the unfinished runs of a dead executor, or some of them, to another."""
        store, ids = self._store, (from_executor, to_executor)
        chosen = await asyncio.to_thread(reassignable, store, *ids, run_ids)
        return await asyncio.to_thread(reassign, store, *ids, chosen)

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
        return deletable(self._store, run_id, self._is_elsewhere)

    def _is_elsewhere(self, executor_id: str) -> bool:
        is_ours = self._executor.is_me(executor_id)
        return not is_ours and self._executor.is_alive(executor_id)

    async def trim(self, older_than: timedelta | None, keep: int | None) -> list[str]:
        """Delete finished runs that are too old or too many, and give their ids."""
        rows = await asyncio.to_thread(self._store.runs)
        gone = expired(rows, older_than, keep)
        for n in range(0, len(gone), AT_ONCE):
            await self._delete(gone[n : n + AT_ONCE])
        return [row.run_id for row in gone]

    async def _delete(self, rows: list[RunRow]) -> None:
        await asyncio.wrap_future(self._store.delete(rows))
        for row in rows:
            self._runs.forget(row.run_id)
