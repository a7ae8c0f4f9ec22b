"""A run that another process has taken from this one, for who reads it here."""

from __future__ import annotations

from typing import Any, TypeGuard

from workflows.events import Event

from durable_notebook.errors import LostOwnershipError
from durable_notebook.runtime.live._run import LiveRun


def stands_still(problem: Exception | None) -> TypeGuard[Exception]:
    """Whether nothing is added to a run because of this.

    One that was lost goes on elsewhere: whether anybody does, its executor tells.
    """
    return problem is not None and not isinstance(problem, LostOwnershipError)


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
