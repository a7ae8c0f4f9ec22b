"""Somebody edits the rows of a journal that nobody has open."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from process_lives import live, never, until
from sample_workflows import Counter

from durable_notebook import DBOSRuntime

ROWS = "SELECT * FROM operation_outputs WHERE workflow_uuid = 'c' ORDER BY function_id"


def interrupt(url: str, log: list[str] | None = None) -> list[str]:
    """Leave run `c` with five entries, and the body of `increment 3` begun."""
    ran: list[str] = [] if log is None else log

    async def use(runtime: DBOSRuntime) -> None:
        Counter(ran, never, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in ran)

    live(url, use)
    return ran


def edit(journal: Path, statement: str, *values: object) -> None:
    """Change a database in one commit; more than one statement may stand in it."""
    with closing(sqlite3.connect(journal)) as database:
        for each in statement.split(";"):
            database.execute(each, values)
        database.commit()


def read(journal: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(journal)) as database:
        return database.execute(query).fetchall()
