"""Where a trial's journal is: each trial has a database of its own to begin with."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import psycopg

from tests.postgres_server import PostgresServer

Rows = list[tuple[Any, ...]]

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

    def drop(self, url: str) -> None:
        pass  # It goes with its folder.


class PostgresDatabases(Backend):
    """A database of the test session's server."""

    name = "postgres"
    _kept: str

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def fresh(self, folder: Path) -> str:
        return self._server.new_url()

    def opened(self, folder: Path) -> str:
        return self._server.copy(self._kept)

    def keep(self, url: str) -> None:
        # Nobody may be connected to what is copied, and a dead process is, a moment.
        self._server.cut(url)
        self._kept = self._server.name(url)

    def rows(self, url: str, *queries: str) -> list[Rows]:
        with psycopg.connect(url, options="-csearch_path=dbos") as connection:
            names = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'dbos'"
            )
            if not {name for (name,) in names} >= _TABLES:
                return [[] for _ in queries]
            return [connection.execute(q.encode()).fetchall() for q in queries]

    def drop(self, url: str) -> None:
        self._server.drop(url)
