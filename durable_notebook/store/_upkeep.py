"""What happens to whole runs, inside the one transaction of the caller.

Each of these runs on a connection that holds the write lock, so what it has read stays
so until the commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from durable_notebook.errors import LostOwnershipError
from durable_notebook.store._records import (
    NewEntry,
    RunRow,
)

# DBOS's status row last: the others are found by it.
_TABLES_OF_A_RUN = (
    "workflow_input",
    "workflow_output",
    "operation_outputs",
    "notifications",
    "workflow_events",
    "workflow_events_history",
    "streams",
    "mail",
    "snapshot",
    "handler",
    "run",
    "code_use",
    "workflow_status",
)


def claim(
    connection: sqlite3.Connection, sql: Mapping[str, str], values: Mapping[str, Any]
) -> bool:
    """Give a run to a new execution; whether it could be given.

    A fork may have copied the end of its original. It goes on before that: without it
    the last turn is the fork's own.
    """
    run = values["run_id"]
    enqueued = connection.execute(sql["forked_from"], (run,)).fetchone()
    is_given = connection.execute(sql["claim"], values).rowcount == 1
    if is_given and enqueued is not None:
        connection.execute(sql["set_going"], values)
        if enqueued[0] is not None:
            connection.execute(sql["drop_end"], (run,))
            connection.execute(sql["copy_code_use"], (run, enqueued[0]))
    return is_given


def note(
    connection: sqlite3.Connection, sql: Mapping[str, str], entry: NewEntry
) -> None:
    """Note what an entry says of its run as a whole."""
    if entry.consumed:
        connection.execute(sql["consume"], (entry.run_id, entry.consumed))
    if entry.code is not None:
        digest, text = entry.code
        connection.execute(sql["put_code"], (digest, text, entry.finished_at))
        connection.execute(sql["use_code"], (digest, entry.run_id))


def delete(
    connection: sqlite3.Connection, sql: Mapping[str, str], runs: Iterable[RunRow]
) -> None:
    """Delete runs with all that belongs to them.

    Raises:
        LostOwnershipError: An execution has taken one since its row was read. Then
            nothing is deleted.
    """
    for run in runs:
        found = connection.execute(sql["owner"], (run.run_id,)).fetchone()
        if found is not None and found[0] != run.owner:
            raise LostOwnershipError(run.run_id)
    for run in runs:
        connection.execute(sql["delete_code"], {"run_id": run.run_id})
        for table in _TABLES_OF_A_RUN:
            connection.execute(sql[f"delete_{table}"], (run.run_id,))


def sweep(connection: sqlite3.Connection, sql: Mapping[str, str]) -> None:
    """Delete what is left of runs that DBOS's own tools have deleted."""
    connection.execute(sql["sweep_mail"])
    connection.execute(sql["sweep_snapshots"])
    connection.execute(sql["sweep_handlers"])
    connection.execute(sql["sweep_runs"])
    for (run_id,) in connection.execute(sql["sweep_code_uses"]).fetchall():
        connection.execute(sql["delete_code"], {"run_id": run_id})
        connection.execute(sql["delete_code_use"], (run_id,))
