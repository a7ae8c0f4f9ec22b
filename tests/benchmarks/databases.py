"""Fresh databases on SQLite and Postgres, their size, and filling one quickly.

Ten thousand finished runs are made by copying: one run is run to its end, then every
row that names it, in DBOS's tables and in ours (or the peer's), is inserted again under
other ids by SQL. Numbers that the database chooses itself (`INTEGER PRIMARY KEY`,
identity columns) are chosen anew. So the rows are real, only their making is not.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit


@contextmanager
def fresh(server: str | None) -> Iterator[str]:
    """The URL of a new database: a SQLite file, or one on a Postgres server."""
    if server is None:
        folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
        try:
            yield f"sqlite:///{folder / 'journal.sqlite'}"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    name = f"benchmark_{uuid.uuid4().hex[:12]}"
    _administer(server, f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        _administer(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _administer(server: str, statement: str) -> None:
    with closing(_postgres(server)) as connection:
        connection.execute(statement)


def _postgres(url: str) -> Any:
    import psycopg

    return psycopg.connect(url, autocommit=True)


def connect(url: str) -> Any:
    """A connection of our own that commits each statement, fully durable."""
    if not url.startswith("sqlite"):
        return _postgres(url)
    connection = sqlite3.connect(path_of(url), isolation_level=None, timeout=60)
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def path_of(url: str) -> str:
    """The file of a SQLite URL."""
    return url.removeprefix("sqlite:///")


def size(url: str) -> int:
    """Bytes of the database, with all that was written moved into it."""
    with closing(connect(url)) as connection:
        if url.startswith("sqlite"):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return os.path.getsize(path_of(url))
        connection.execute("CHECKPOINT")
        found = connection.execute("SELECT pg_database_size(current_database())")
        return int(found.fetchone()[0])


def multiply(url: str, run_id: str, copies: int, before: int = 0) -> int:
    """Insert copies of a finished run that has some; gives how many rows."""
    is_sqlite = url.startswith("sqlite")
    inserted = 0
    with closing(connect(url)) as connection:
        tables = _sqlite_tables if is_sqlite else _postgres_tables
        for table, columns in list(tables(connection)):
            statement = _copying(table, columns, connection, run_id, is_sqlite)
            if statement is not None:
                values = {"run_id": run_id, "before": before, "copies": copies}
                inserted += connection.execute(statement, values).rowcount
    return inserted


def _copying(
    table: str, columns: list[str], connection: Any, run_id: str, is_sqlite: bool
) -> str | None:
    """The statement that copies a table's rows of the run; None if it has none."""
    mark = ":{}" if is_sqlite else "%({})s"
    named = [c for c in columns if _names(connection, table, c, run_id, is_sqlite)]
    if not named:
        return None
    run, copies = mark.format("run_id"), mark.format("copies")
    other = f"{run} || '-copy-' || ({mark.format('before')} + number.i)"
    values = ", ".join(other if c in named else f't."{c}"' for c in columns)
    quoted = ", ".join(f'"{c}"' for c in columns)
    return (
        f"INSERT INTO {table} ({quoted}) "
        "WITH RECURSIVE number(i) AS "
        f"(SELECT 1 WHERE {copies} > 0 "
        f"UNION ALL SELECT i + 1 FROM number WHERE i < {copies}) "
        f'SELECT {values} FROM {table} t, number WHERE t."{named[0]}" = {run}'
    )


def _names(
    connection: Any, table: str, column: str, run_id: str, is_sqlite: bool
) -> bool:
    """Whether a column holds the run's id."""
    cast = f'"{column}"' if is_sqlite else f'"{column}"::text'
    mark = "?" if is_sqlite else "%s"
    found = connection.execute(
        f"SELECT 1 FROM {table} WHERE {cast} = {mark} LIMIT 1", (run_id,)
    )
    return found.fetchone() is not None


def _sqlite_tables(connection: Any) -> Iterator[tuple[str, list[str]]]:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    for (name,) in names.fetchall():
        columns = connection.execute(f'PRAGMA table_info("{name}")').fetchall()
        keys = [c for c in columns if c[5]]
        chosen = len(keys) == 1 and keys[0][2].upper() == "INTEGER"
        yield f'"{name}"', [c[1] for c in columns if not (chosen and c[5])]


def _postgres_tables(connection: Any) -> Iterator[tuple[str, list[str]]]:
    rows = connection.execute(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns "
        "JOIN information_schema.tables USING (table_schema, table_name) "
        "WHERE table_type = 'BASE TABLE' "
        "AND table_schema NOT IN ('pg_catalog', 'information_schema') "
        "AND is_identity = 'NO' AND coalesce(column_default, '') NOT LIKE 'nextval%' "
        "ORDER BY table_schema, table_name, ordinal_position"
    ).fetchall()
    tables: dict[str, list[str]] = {}
    for schema, table, column in rows:
        tables.setdefault(f'"{schema}"."{table}"', []).append(column)
    yield from tables.items()
