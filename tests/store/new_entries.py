"""Entries to append, for the tests of the store."""

from __future__ import annotations

from typing import Any

from durable_notebook._entry import Entry
from durable_notebook.store import NewEntry


def new_entry(run_id: str, position: int, owner: str = "me", **body: Any) -> NewEntry:
    """An entry on its way; `body` are members of it."""
    return NewEntry(
        run_id=run_id,
        position=position,
        name=f"step {position}",
        body=Entry(session=1, at=2.5, **body).encode(),
        owner=owner,
        started_at=1.25,
        finished_at=2.5,
    )
