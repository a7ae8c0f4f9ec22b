"""Where a trial's journal is: each trial has a database of its own to begin with."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import psycopg
from psycopg import sql

from tests.postgres_server import PostgresServer

Rows = list[tuple[Any, ...]]

BACKENDS = ("sqlite", "postgres")

_TABLES = {"workflow_status", "operation_outputs", "durable_mail"}


class Backend(ABC):
    """The databases of one kind."""

    name: str

    @abstractmethod
    def fresh(self, folder: Path) -> str:
        """The URL of a database that is not there yet."""

    @abstractmethod
    def opened(self, folder: Path) -> str:
        """The URL of a copy of the database that was launched on once."""

    @abstractmethod
    def keep(self, url: str) -> None:
        """Make this the database to copy: it was launched on once."""

    @abstractmethod
    def rows(self, url: str, *queries: str) -> list[Rows]:
        """What is in the database; nothing where it has no tables yet."""

    @abstractmethod
    def free_executors(self, url: str) -> None:
        """Lose the locks that keep each executor in one process, as faults do.

        A lease runs out, as it does some time after the death of its process.
        """

    @abstractmethod
    def drop(self, url: str) -> None:
        """The trial is over."""


class SqliteFiles(Backend):
    """A file in the folder of the trial."""

    name = "sqlite"
    _kept: Path

    def fresh(self, folder: Path) -> str:
        return f"sqlite:///{folder / 'journal.sqlite'}"

    def opened(self, folder: Path) -> str:
        for path in self._kept.parent.glob("journal.sqlite*"):
            shutil.copy(path, folder)
        return self.fresh(folder)

    def keep(self, url: str) -> None:
        self._kept = Path(url.removeprefix("sqlite:///"))

    def rows(self, url: str, *queries: str) -> list[Rows]:
        # Of a copy, so that the file stays as the kill has left it.
        folder = Path(url.removeprefix("sqlite:///")).parent
        with tempfile.TemporaryDirectory() as copy:
            for name in ("journal.sqlite", "journal.sqlite-wal"):
                if (folder / name).exists():
                    shutil.copy(folder / name, copy)
            connection = sqlite3.connect(Path(copy) / "journal.sqlite")
            try:
                names = connection.execute("SELECT name FROM sqlite_master")
                if not {name for (name,) in names} >= _TABLES:
                    return [[] for _ in queries]
                return [connection.execute(query).fetchall() for query in queries]
            finally:
                connection.close()

    def free_executors(self, url: str) -> None:
        for lock in Path(url.removeprefix("sqlite:///")).parent.glob("*.lock"):
            lock.unlink()

    def drop(self, url: str) -> None:
        pass  # It goes with its folder.


class PostgresDatabases(Backend):
    """Databases of the test session's server.

    Copying one takes as long as a process of a trial. So a database that was copied is
    emptied after its trial, filled again as it was kept, and given to the next.
    """

    name = "postgres"
    _kept: str
    _as_kept: sql.Composed

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._ready: SimpleQueue[str] = SimpleQueue()
        self._copies: set[str] = set()

    def fresh(self, folder: Path) -> str:
        return self._server.new_url()

    def opened(self, folder: Path) -> str:
        try:
            return self._ready.get_nowait()
        except Empty:
            url = self._server.copy(self._kept)
            self._copies.add(url)
            return url

    def keep(self, url: str) -> None:
        self._end_clients(url)
        with psycopg.connect(url) as connection:
            query = "SELECT tablename FROM pg_tables WHERE schemaname = 'dbos'"
            tables = [sql.Identifier(name) for (name,) in connection.execute(query)]
            keep = [_KEEP.format(table, table) for table in tables]
            connection.execute(sql.SQL("CREATE SCHEMA kept;") + sql.Composed(keep))
        # Nobody may be connected to what is copied.
        self._end_clients(url)
        self._kept = self._server.name(url)
        self._as_kept = sql.Composed(map(_EMPTY.format, tables)) + sql.Composed(
            _FILL.format(table, table) for table in tables
        )

    def _end_clients(self, url: str) -> None:
        """End what the server still does for processes that are dead."""
        self._server.cut(url)
        deadline = time.monotonic() + 10
        while self._server.connections(url):
            assert time.monotonic() < deadline, "a connection does not end"
            time.sleep(0.001)

    def rows(self, url: str, *queries: str) -> list[Rows]:
        try:
            opened = psycopg.connect(url, options="-csearch_path=dbos")
        except psycopg.OperationalError:
            if self._server.has(url):
                raise
            # The first launch was killed before it had made it.
            return [[] for _ in queries]
        with opened as connection:
            names = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'dbos'"
            )
            if not {name for (name,) in names} >= _TABLES:
                return [[] for _ in queries]
            return [connection.execute(q.encode()).fetchall() for q in queries]

    def free_executors(self, url: str) -> None:
        self._end_clients(url)
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE dbos.durable_lease SET expires_at = 0")

    def drop(self, url: str) -> None:
        if url not in self._copies:
            self._server.drop(url)
            return
        self._end_clients(url)
        with psycopg.connect(url) as connection:
            connection.execute(self._as_kept)
        self._ready.put(url)


_KEEP = sql.SQL("CREATE TABLE kept.{} AS TABLE dbos.{};")
# Of these few rows that is faster than TRUNCATE.
_EMPTY = sql.SQL("DELETE FROM dbos.{};")
_FILL = sql.SQL("INSERT INTO dbos.{} OVERRIDING SYSTEM VALUE TABLE kept.{};")
