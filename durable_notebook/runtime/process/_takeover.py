"""A run that another process has taken from this one, or DBOS's tools have ended."""

from __future__ import annotations

from typing import Any, TypeGuard

from workflows.events import Event

from durable_notebook.errors import LostOwnershipError, StorageError, UnknownRunError
from durable_notebook.runtime.codec._codec import Codec
from durable_notebook.runtime.codec._outcome import Outcome, recorded_end
from durable_notebook.runtime.live._run import LiveRun
from durable_notebook.store import Store


def stands_still(problem: Exception | None) -> TypeGuard[Exception]:
    """Whether nothing is added to a run because of this.

    One that was lost goes on elsewhere: whether anybody does, its executor tells.
    """
    return problem is not None and not isinstance(problem, LostOwnershipError)


def ended_outside(store: Store, run: LiveRun, codec: Codec, problem: Exception) -> bool:
    """End a run here that was lost because DBOS's tools have cancelled or deleted it.

    False if it was lost for another reason, or nobody can tell: it stands still.
    """
    if not isinstance(problem, LostOwnershipError):
        return False
    try:
        row = store.run(run.run_id)
        end = None if row is None else recorded_end(store, row)
    except StorageError:
        return False
    if row is None:
        run.end(Outcome(error=UnknownRunError(run.run_id)))
    elif end is not None:
        run.end(Outcome.read(end, codec))
    return row is None or end is not None


class Repeats:
    """What a reader was given before it was on disk, and whoever goes on says again.

    Only equal events are known again: what a body says differently the second time is
    new, and a reader that waits for the disk needs none of this.
    """

    def __init__(self) -> None:
        self._given: list[Event] = []

    def note(self, run: LiveRun, after: int) -> int:
        """Note what was given of a lost run and is not on disk; how much of it is."""
        if after > run.stream.count:
            return after
        on_disk = min(after, run.events_on_disk)
        self._given += run.stream.between(on_disk, after)
        return on_disk

    def has(self, event: Any) -> bool:
        """Whether the reader had this one before; true once for each time it had."""
        if event not in self._given:
            return False
        self._given.remove(event)
        return True
