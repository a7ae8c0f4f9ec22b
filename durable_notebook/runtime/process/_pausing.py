"""Runs that somebody has paused: they begin no step body until they are taken up.

A pause is a mark on disk, so it is kept over restarts, and any process may set it or
take it back. Who executes the run lets its bodies in flight go on to their results, as
a drain does, and then has it out of memory: it costs nothing, and no clock of it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from durable_notebook._model import RunStatus
from durable_notebook.errors import RunFinishedError, StorageError, UnknownRunError
from durable_notebook.runtime.codec._outcome import recorded_end
from durable_notebook.runtime.live._run import LiveRun
from durable_notebook.runtime.process._loops import read_beside
from durable_notebook.store import Store

# A commit tells that a run may leave. This is for what is over without one.
_LOOK_S = 0.5


class Pausing:
    """Takes paused runs out of memory, and has them taken up. Belongs to the loop.

    `release` is called with a live run that may go, `bring_back` with the id and the
    workflow of one that may go on.
    """

    def __init__(
        self,
        store: Store,
        live: Mapping[str, LiveRun],
        *,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        release: Callable[[LiveRun], None],
        bring_back: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._live = live
        self._spawn = spawn
        self._release = release
        self._bring_back = bring_back
        self._parked: dict[str, str] = {}
        self._leaving: set[LiveRun] = set()
        # A look that overlaps a change of this process has seen half of it.
        self._changes = 0

    # -- asked for -----------------------------------------------------------------

    async def pause(self, run_id: str) -> None:
        """Have a run begin no body any more; on disk when this returns.

        Raises:
            UnknownRunError, RunFinishedError: There is nothing to pause.
        """
        row = self._store.run(run_id)
        if row is None:
            raise UnknownRunError(run_id)
        end = recorded_end(self._store, row)
        is_noted = end is None and await asyncio.wrap_future(self._store.pause(run_id))
        if not is_noted:
            ended = RunStatus.FAILED if end is None else end["status"]
            raise RunFinishedError(run_id, str(ended))
        self._changes += 1
        run = self._live.get(run_id)
        if run is not None:
            self._hold_back(run)

    async def go_on(self, run_id: str) -> bool:
        """Take a pause back; on disk when this returns. False if there was none."""
        was_paused = await asyncio.wrap_future(self._store.go_on(run_id))
        self._changes += 1
        if was_paused:
            self._take_up(run_id)
        return was_paused

    # -- seen ----------------------------------------------------------------------

    @property
    def has_parked(self) -> bool:
        """Whether a paused run waits here for somebody who takes it up."""
        return bool(self._parked)

    def is_parked(self, run_id: str) -> bool:
        """Whether this run does."""
        return run_id in self._parked

    def park(self, run_id: str, workflow: str) -> None:
        """Note that this process would go on with a run that is paused."""
        self._parked[run_id] = workflow

    def forget(self, run_id: str) -> None:
        """Drop what is known of a run: it is executed, or gone."""
        self._parked.pop(run_id, None)

    async def look(self) -> None:
        """Do what other processes have asked for."""
        changes = self._changes
        paused = await read_beside(self._store, self._store.paused)
        if changes != self._changes:
            return  # The next look tells.
        for run in list(self._live.values()):
            if run.run_id in paused:
                self._hold_back(run)
            elif run.is_paused:
                self._take_up(run.run_id)
        for run_id in self._parked.keys() - paused:
            self._take_up(run_id)

    def _take_up(self, run_id: str) -> None:
        run = self._live.get(run_id)
        if run is not None:
            run.take_up()
        workflow = self._parked.pop(run_id, None)
        if workflow is not None:
            self._bring_back(run_id, workflow)

    # -- out of memory -------------------------------------------------------------

    def _hold_back(self, run: LiveRun) -> None:
        run.is_paused = run.held_back = True
        if run not in self._leaving:
            self._leaving.add(run)
            self._spawn(self._let_out(run))

    async def _let_out(self, run: LiveRun) -> None:
        """Have a run out of memory once its bodies in flight have ended."""
        try:
            while run.is_paused and self._live.get(run.run_id) is run:
                if run.may_leave:
                    self._release(run)
                    return
                changed = run.changed
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), _LOOK_S)
        finally:
            self._leaving.discard(run)

    def leaves(self, run: LiveRun, task: asyncio.Task[Any]) -> None:
        """Note that a paused run is out of memory once its last task has ended."""
        task.add_done_callback(lambda _: self._has_left(run.run_id, run.workflow))

    def _has_left(self, run_id: str, workflow: str) -> None:
        self.park(run_id, workflow)
        # It may have been taken up while it was leaving.
        with contextlib.suppress(StorageError):  # Then the next look tells.
            row = self._store.run(run_id)
            if row is None or not row.is_paused:
                self._take_up(run_id)
