"""The runs that this process begins: each once, and in order where places are few."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from weakref import WeakValueDictionary

from durable_notebook._model import Json
from durable_notebook.engine import Engine
from durable_notebook.errors import (
    DamagedJournalError,
    DrainingError,
    RunIdTakenError,
    UnstorableValueError,
)
from durable_notebook.runtime.codec._exceptions import said
from durable_notebook.runtime.live._children import held_parent, parent_of
from durable_notebook.runtime.live._execution import Start
from durable_notebook.runtime.live._tracing import note_trace
from durable_notebook.runtime.process._checks import check_same_start
from durable_notebook.runtime.process._executor import Executor
from durable_notebook.runtime.process._places import Places
from durable_notebook.runtime.recovery._registry import Registry
from durable_notebook.store import RunRow

# The beginning of a run, for its own loop or for another one.
Started = asyncio.Task[None] | Future[None]


class Beginnings:
    """Begins runs, each once. Belongs to the runtime's loop.

    `claimed` are the runs that this process executes or is about to: a new one that has
    a place becomes one of them. `attach` is called with the row of one that is there.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        registry: Registry,
        executor: Executor,
        places: Places,
        claimed: set[str],
        attach: Callable[[RunRow], Awaitable[None]],
    ) -> None:
        self._engine = engine
        self._store = executor.store
        self._registry = registry
        self._executor = executor
        self._places = places
        self._claimed = claimed
        self._attach = attach
        # Runs are begun no more: this process is about to end.
        self.are_over = False
        self._starts: dict[str, Start] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._started: WeakValueDictionary[str, Started] = WeakValueDictionary()

    def note(self, run_id: str, started: Started) -> None:
        """Note a beginning that others may wait for."""
        self._started[run_id] = started

    async def until_begun(self, run_id: str) -> None:
        """Wait until a run that is being begun here is on disk, or could not be."""
        started = self._started.get(run_id)
        if started is None:
            return
        if isinstance(started, Future):
            await asyncio.wait([asyncio.wrap_future(started)])
        else:
            await asyncio.wait([started])

    def lock(self, run_id: str) -> asyncio.Lock:
        """Held while a run is begun: whoever waits for it finds the run on disk."""
        return self._locks.setdefault(run_id, asyncio.Lock())

    def is_beginning(self, run_id: str) -> bool:
        """Whether a run is just being begun."""
        return run_id in self._locks

    def take(self, run_id: str) -> Start | None:
        """With what a run was begun here, for its first execution."""
        return self._starts.pop(run_id, None)

    async def begin(self, run_id: str, start: Start, inputs: dict[str, Json]) -> None:
        """Start a run, or attach to the one that has its id; on disk on return."""
        async with self.lock(run_id):  # A second call waits until it is on disk.
            row = self._store.run(run_id)
            if row is not None:
                self._check_same(row, start, inputs)
                await self._attach(row)
            elif run_id not in self._claimed:
                self._executor.check()
                self._check_open(run_id, inputs)
                await self._begin_new(run_id, start, inputs)

    def _check_open(self, run_id: str, inputs: dict[str, Json]) -> None:
        # A body that is to end here may yet need what it begins.
        if self.are_over and parent_of(inputs) is None:
            raise DrainingError(run_id)

    def _check_same(self, row: RunRow, start: Start, inputs: dict[str, Json]) -> None:
        if not self._registry.is_called(start.definition, row.workflow):
            raise RunIdTakenError(row.run_id, row.workflow, start.definition.name)
        check_same_start(row, inputs["start"], start.event)

    async def _begin_new(
        self, run_id: str, start: Start, inputs: dict[str, Json]
    ) -> None:
        name = start.definition.name
        note_trace(run_id, name, inputs)  # This task has the context of who starts it.
        self._starts[run_id] = start
        has_place = self._places.take(run_id, name)
        if has_place:
            self._claimed.add(run_id)
        is_new = False
        try:
            if self._store.mail(run_id, 0):
                # To a run of this id that DBOS's tools have deleted: not to this.
                await asyncio.wrap_future(self._store.sweep())
            is_new = await self._record(run_id, name, inputs, has_place=has_place)
        except UnicodeEncodeError as e:  # Half of a character, which UTF-8 has not.
            raise UnstorableValueError(run_id, "its start event", said(e)) from e
        finally:
            if not is_new:
                self._claimed.discard(run_id)
                self._starts.pop(run_id, None)
                self._places.leave(run_id)
        if not is_new and self._store.run(run_id) is None:
            raise DamagedJournalError(run_id, 0, "its input is none of ours")

    async def _record(
        self, run_id: str, name: str, inputs: dict[str, Json], *, has_place: bool
    ) -> bool:
        """Record a new run; False where there is one of its id."""
        engine, parent = self._engine, held_parent(inputs)
        limit = self._registry.limit(name)
        if limit is None:
            return await engine.start(run_id, name, inputs, parent=parent)
        # One after the other, so that they have the order on disk in which they began.
        async with self._turns.setdefault(name, asyncio.Lock()):
            if has_place:
                return await engine.start(run_id, name, inputs, parent=parent)
            await engine.enqueue(run_id, name, inputs, limit=limit, parent=parent)
        row = self._store.run(run_id)
        is_mine = row is not None and row.executor_id == self._executor.id
        return is_mine and row is not None and row.waits_for_place
