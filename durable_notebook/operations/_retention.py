"""Which runs may go, and what a fork keeps: asked of the store alone."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from durable_notebook.errors import (
    ConfigError,
    InvalidPositionError,
    LiveElsewhereError,
    UnknownRunError,
)
from durable_notebook.store import RunRow, Store

AT_ONCE = 50
"""So many go in one transaction: a live run that wants to write waits for no more."""


def known(store: Store, run_id: str) -> RunRow:
    """The row of a run.

    Raises:
        UnknownRunError: There is no such run.
    """
    row = store.run(run_id)
    if row is None:
        raise UnknownRunError(run_id)
    return row


def kept_by_fork(store: Store, run_id: str, position: int | None) -> int:
    """How many entries of a run its fork at a position has.

    Raises:
        InvalidPositionError: The journal has no such position.
    """
    last = store.last_entry(run_id)
    count = 0 if last is None else last.position + 1
    if last is not None and last.entry.end is not None:
        count -= 1  # Its last turn ended the run; the fork has one of its own.
    kept = count if position is None else position
    if not 0 <= kept <= count:
        raise InvalidPositionError(run_id, position, count)
    return kept


def id_for_fork(run_id: str) -> str:
    """An id for a fork of a run whose id nobody has chosen."""
    return f"{run_id[:180]}-fork-{secrets.token_hex(3)}"


def deletable(
    store: Store, run_id: str, is_elsewhere: Callable[[str], bool]
) -> list[RunRow]:
    """The row of a run that may be deleted, and of the runs that go with it.

    These are the runs that its step bodies have begun, and theirs.

    Raises:
        UnknownRunError: There is no such run.
        LiveElsewhereError: One of them goes on, in a process that `is_elsewhere`.
    """
    found = [known(store, run_id)]
    for row in found:  # It grows meanwhile.
        if row.is_unfinished and is_elsewhere(row.executor_id or ""):
            entry = store.end_of(row)
            if entry is None or entry.end is None:
                raise LiveElsewhereError(row.run_id, row.executor_id or "")
        found += store.children(row.run_id)
    return found


def expired(
    rows: Sequence[RunRow], older_than: timedelta | None, keep: int | None
) -> list[RunRow]:
    """The finished runs that are too old or too many.

    A run that a step body has begun stays as long as the run of that body, which may be
    executed again and then goes on with it, and goes when that goes.

    Raises:
        ConfigError: Nothing says when they are, or a number that is none.
    """
    if older_than is None and keep is None:
        raise ConfigError(
            "Nothing says which finished runs are to be deleted.",
            "Give 'older_than' (a timedelta), or 'keep' (how many stay).",
        )
    if keep is not None and keep < 0:
        raise ConfigError(f"Nobody can keep {keep} runs.", "Give 0 or more.")
    children = _children(rows)
    inside = {row.run_id for each in children.values() for row in each}
    ended = [row for row in rows if not row.is_unfinished and row.run_id not in inside]
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
    return gone


def _children(rows: Sequence[RunRow]) -> dict[str, list[RunRow]]:
    """The runs that step bodies began, by the run of the body, where that is there."""
    there = {row.run_id for row in rows}
    found: dict[str, list[RunRow]] = {}
    for row in rows:
        if row.parent in there and row.parent is not None:
            found.setdefault(row.parent, []).append(row)
    return found
