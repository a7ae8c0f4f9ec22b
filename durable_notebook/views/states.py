"""What an execution of a step is called on a screen, and what that means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from durable_notebook._model import Attempt, AttemptStatus

LABELS = {
    "running": "running",
    "waiting": "waits for a person",
    "completed": "completed",
    "re-executed": "re-executed",
    "replayed": "replayed",
    "interrupted": "interrupted",
    "retried": "failed, retried",
    "failed": "failed",
}
"""The states, in the order in which a legend has them, and how they are said."""

MEANINGS = {
    "running": "its body is being executed",
    "waiting": "it has asked, and nobody has answered yet",
    "completed": "its result is on disk",
    "re-executed": "it did again what an interrupted one had left unfinished",
    "replayed": "completed in an earlier session and kept: it was not paid again",
    "interrupted": "its process ended before its result was on disk",
    "retried": "it failed, and its retry policy has it tried again",
    "failed": "it failed",
}


def newest_session(rows: Sequence[Attempt]) -> int:
    """The last life of the run that left a trace."""
    return max((row.session for row in rows), default=1)


def state(row: Attempt, newest: int) -> str:
    """The state of a row of a run whose newest session is this."""
    if row.status is AttemptStatus.FAILED:
        return "retried" if row.is_retried else "failed"
    if row.status is AttemptStatus.COMPLETED:
        if row.session < newest:
            return "replayed"
        if row.is_repeat:
            return "re-executed"
    return str(row.status)


def also(row: Attempt, newest: int) -> str:
    """What else is to be said of it in a word or two."""
    if row.is_repeat and state(row, newest) != "re-executed":
        return "re-executed"
    return f"attempt {row.attempt}" if row.attempt > 1 else ""


def tally(rows: Iterable[Attempt], newest: int) -> dict[str, int]:
    """How many rows are in each state, in the order of a legend."""
    found = Counter(state(row, newest) for row in rows)
    return {name: found[name] for name in LABELS if found[name]}
