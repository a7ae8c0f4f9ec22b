"""Somebody edits the rows of a journal, on either database."""

from __future__ import annotations

from typing import Any

from process_lives import live, never, reading, until
from sample_workflows import Counter

from durable_notebook import DBOSRuntime
from durable_notebook._config import is_postgres

ROWS = "SELECT * FROM operation_outputs WHERE workflow_uuid = 'c' ORDER BY function_id"


def interrupt(url: str, log: list[str] | None = None) -> list[str]:
    """Leave run `c` with five entries, and the body of `increment 3` begun."""
    ran: list[str] = [] if log is None else log

    async def use(runtime: DBOSRuntime) -> None:
        Counter(ran, never, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in ran)

    live(url, use)
    return ran


def edit(url: str, statements: str, *values: object) -> None:
    """Change a database in one commit; each `?` is the next of the values."""
    left = list(values)
    with reading(url) as connection:
        for statement in statements.split(";"):
            count = statement.count("?")
            given, left = tuple(left[:count]), left[count:]
            connection.exec_driver_sql(_in_dialect(url, statement), given)
        connection.commit()


def read(url: str, query: str) -> list[Any]:
    with reading(url) as connection:
        rows = connection.exec_driver_sql(_in_dialect(url, query))
        return [tuple(row) for row in rows]


def _in_dialect(url: str, statement: str) -> str:
    if is_postgres(url):
        return statement.replace("%", "%%").replace("?", "%s")
    return statement


def put_back(url: str, rows: list[Any]) -> None:
    """Have run `c` consist of these rows of `ROWS` again."""
    edit(url, "DELETE FROM operation_outputs WHERE workflow_uuid = 'c'")
    for row in rows:
        places = ", ".join("?" * len(row))
        edit(url, f"INSERT INTO operation_outputs VALUES ({places})", *row)


def slip_in(url: str, run_id: str, tick: str) -> None:
    """Put a text into the mailbox of a run, and tell nobody."""
    token = ("token", "gen_random_uuid()") if is_postgres(url) else ("key", "NULL")
    edit(
        url,
        f"INSERT INTO durable_mail (run_id, tick, sent_at, {token[0]})"
        f" VALUES (?, ?, 0, {token[1]})",
        run_id,
        tick,
    )
