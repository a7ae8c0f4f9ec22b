"""The runs of this process that wait for a place, as others ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from durable_notebook.engine import Engine
from durable_notebook.runtime.process._beginnings import Beginnings
from durable_notebook.runtime.process._loops import read_beside
from durable_notebook.runtime.process._places import Places
from durable_notebook.store import Enqueued, Store


class Line:
    """Who waits, behind how many, and who leaves without having been let in."""

    def __init__(
        self,
        *,
        places: Places,
        beginnings: Beginnings,
        engine: Engine,
        store: Store,
        executor_id: str,
        wake: Callable[[], None],
    ) -> None:
        self._places = places
        self._beginnings = beginnings
        self._engine = engine
        self._store = store
        self._executor_id = executor_id
        self._wake = wake

    def before(self, run_id: str) -> int | None:
        """How many runs wait for a place before this one; None if it does not wait."""
        return self._places.before(run_id)

    def is_waiting(self, run_id: str) -> bool:
        """Whether a run waits for a place in this process."""
        return self._places.is_waiting(run_id)

    def has_waited(self, run_id: str) -> bool:
        """Whether a run has a place for which it had to wait."""
        return self._places.has_waited(run_id)

    def leave(self, run_id: str) -> None:
        """Have a run wait no longer, if it does."""
        if self.is_waiting(run_id):
            self._stop_waiting(run_id)

    async def cancel(self, run_id: str) -> None:
        """End a run as cancelled that waits; on disk when this returns."""
        await self._engine.cancel(run_id)
        self.leave(run_id)
        self._wake()

    async def drop_gone(self, enqueued: Iterable[Enqueued]) -> None:
        """Forget who was cancelled or deleted elsewhere; `enqueued` is who was not."""
        found = {run.run_id for run in enqueued}
        gone = [run_id for run_id in self._places.waiting() if run_id not in found]
        if not gone:
            return
        # Who waits after a crash, or after the limit was lowered, is not on the queue.
        unfinished = self._store.unfinished
        begun = await read_beside(self._store, unfinished, self._executor_id)
        for run_id in gone:
            if run_id not in begun and not self._beginnings.is_beginning(run_id):
                row = self._store.run(run_id)
                if row is None or not row.is_unfinished:
                    self._stop_waiting(run_id)

    def _stop_waiting(self, run_id: str) -> None:
        self._beginnings.take(run_id)
        self._places.leave(run_id)
        self._wake()
