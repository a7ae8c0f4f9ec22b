"""Rows of either database as the values of the interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from durable_notebook.store._records import (
    REASSIGNED,
    Enqueued,
    RunRow,
)


def run_row(row: tuple[Any, ...]) -> RunRow:
    """A run, of the columns that the statements of runs select."""
    return RunRow(
        run_id=row[0],
        workflow=row[1],
        dbos_status=row[2],
        executor_id=row[3],
        created_at=row[4] / 1000,
        updated_at=row[5] / 1000,
        inputs=row[6],
        last_entry=row[7],
        owner=row[8],
        recoveries=row[9],
        parent=row[10],
        queue=row[11],
        paused_at=row[12],
    )


def enqueued(row: tuple[Any, ...]) -> Enqueued:
    """A run that somebody must take, of the columns of the statement `enqueued`."""
    run_id, workflow, executor_id, queue = row
    is_reassigned = queue == REASSIGNED
    return Enqueued(run_id, workflow, executor_id, queue == workflow, is_reassigned)


def executors_of(rows: list[tuple[Any, ...]], notebook: str | None) -> list[str]:
    """The executors a notebook had, then those of notebooks that are gone.

    The rows are newest first, and so are those notebooks; of one, the oldest is first.
    """
    of: dict[str | None, list[str]] = {}
    for executor_id, path in rows:
        of.setdefault(path, []).insert(0, executor_id)
    own = of.pop(notebook, [])
    moved = [ids for path, ids in of.items() if path is not None and _is_gone(path)]
    return own + [executor_id for ids in moved for executor_id in ids]


def _is_gone(notebook: str) -> bool:
    return notebook.endswith(".ipynb") and not Path(notebook).exists()
