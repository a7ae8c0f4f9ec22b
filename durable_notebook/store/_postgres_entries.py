"""An entry as Postgres is to write it: one statement, and what it notes beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from durable_notebook.errors import LostOwnershipError
from durable_notebook.store._postgres_writer import Cursor, Doubt, Write
from durable_notebook.store._records import (
    NewEntry,
)


def appended(entry: NewEntry, lease: str | None) -> Write:
    """The write of an entry: for its owner only, and under its lease, if any."""
    values: dict[str, Any] = {
        "run_id": entry.run_id,
        "owner": entry.owner,
        "position": entry.position,
        "name": entry.name,
        "body": entry.body,
        "started_ms": int(entry.started_at * 1000),
        "finished_ms": int(entry.finished_at * 1000),
        "lease": lease,
    }
    before: tuple[str, ...] = ()
    if entry.consumed:
        values["consumed"] = entry.consumed
        before = ("consume",)
    if entry.code is not None:
        values["digest"], values["code"] = entry.code
        values["now"] = entry.finished_at
        before += ("put_code", "use_code")
    doubt = Doubt("append_barrier", "is_appended")
    return Write("append_entry", values, if_owned(entry.run_id), doubt, before)


def if_owned(run_id: str) -> Callable[[Cursor], None]:
    """The answer to a write that its statement does for the run's owner only."""

    def answer(cursor: Cursor) -> None:
        if cursor.rowcount != 1:
            raise LostOwnershipError(run_id)

    return answer
