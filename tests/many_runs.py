"""A journal with thousands of runs, made of a few that were really run."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_TABLES = ("workflow_status", "workflow_input", "workflow_output", "operation_outputs")


def multiply(journal: Path, run_ids: list[str], count: int) -> None:
    """Copy the rows of runs, in turn, under new ids: `copy-00000` and so on.

    Each is a second older than the one before.
    """
    with closing(sqlite3.connect(journal, timeout=30)) as connection, connection:
        connection.execute("CREATE TEMP TABLE copies (run_id TEXT, origin TEXT, n INT)")
        connection.executemany(
            "INSERT INTO copies VALUES (?, ?, ?)",
            [(f"copy-{n:05}", run_ids[n % len(run_ids)], n) for n in range(count)],
        )
        for table in _TABLES:
            rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
            names = [row[1] for row in rows if row[1] != "workflow_uuid"]
            # DBOS has started it in milliseconds.
            values = [
                "t.created_at - 1000 * c.n" if name == "created_at" else f"t.{name}"
                for name in names
            ]
            connection.execute(
                f"INSERT INTO {table} (workflow_uuid, {', '.join(names)})"
                f" SELECT c.run_id, {', '.join(values)} FROM copies c"
                f" JOIN {table} t ON t.workflow_uuid = c.origin"
            )
