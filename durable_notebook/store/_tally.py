"""How many runs and messages there are: figures for an operator, of one look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# How DBOS writes the error of a run that was cancelled as the library does it, as a
# pattern for LIKE: its own word for such a run is that it has failed.
CANCELLED = '{"name":"WorkflowCancelledByUser",%'

_STATES = {
    "PENDING": "unfinished",
    "ENQUEUED": "enqueued",
    "DELAYED": "enqueued",
    "SUCCESS": "completed",
    "CANCELLED": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Tally:
    """The runs of a journal by workflow and state, and what nobody has read yet.

    Attributes:
        runs: How many there are of each workflow in each state: `unfinished`,
            `enqueued` (a run waits for a place, or to be taken), `completed`, `failed`
            and `cancelled`.
        unread: How many messages no entry of an unfinished run has consumed.
        oldest_at: When the oldest of them was sent, in seconds since the epoch.
    """

    runs: dict[tuple[str, str], int] = field(default_factory=dict)
    unread: int = 0
    oldest_at: float | None = None

    @classmethod
    def of(cls, runs: Iterable[tuple[Any, ...]], mail: tuple[Any, ...]) -> Tally:
        """Of the rows of the statements `tally` and `unread`."""
        found: dict[tuple[str, str], int] = {}
        for workflow, dbos_status, was_cancelled, count in runs:
            state = _STATES.get(dbos_status, "failed")
            key = (workflow, "cancelled" if was_cancelled else state)
            found[key] = found.get(key, 0) + count
        return cls(found, *mail)
