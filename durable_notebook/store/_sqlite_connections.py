"""Connections to a SQLite journal: how they are made, and who reads with which."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from durable_notebook._config import Settings
from durable_notebook.errors import JournalTooNewError, StorageError
from durable_notebook.store._direct import is_busy
from durable_notebook.store._queries import migrations, statements, tables_are_old


@dataclass(frozen=True, slots=True)
class _Reader:
    """A connection that one thread reads with and another may want to close."""

    connection: sqlite3.Connection
    lock: threading.Lock = field(default_factory=threading.Lock)


class Connections:
    """Opens the file. Each thread reads with a connection of its own."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.name = str(path)
        self.sql = statements("sqlite")
        self._path = path
        self._settings = settings
        self._local = threading.local()
        self._readers: list[_Reader] = []
        self._is_closed = False

    def connect(self, timeout_s: float | None = None) -> sqlite3.Connection:
        """A new connection, as durable as the settings say.

        `timeout_s` is how long a write waits for a lock, if not as the settings say.
        """
        patience_s = self._settings.busy_timeout_s if timeout_s is None else timeout_s
        connection = sqlite3.connect(
            self._path,
            timeout=patience_s,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            # WAL before DBOS opens the file: it is ten times faster than the rollback
            # journal and DBOS does not ask for it. The file remembers it.
            self._use_wal(connection)
            durability = self._settings.durability.upper()
            connection.execute(f"PRAGMA synchronous={durability}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        # Two that switch a new file at once: SQLite refuses one of them without
        # waiting, whatever the timeout, because each could wait for the other.
        deadline = time.monotonic() + self._settings.busy_timeout_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as e:
                is_busy = getattr(e, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
                if not is_busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.005)

    def check(self) -> None:
        """See that our tables have their form of today, without writing anything.

        Raises:
            JournalTooNewError, ConfigError: They have not.
        """
        applied, newest = 0, migrations("sqlite")[-1][0]
        if self._path.exists():
            uri = f"file:{quote(str(self._path))}?mode=ro"
            patience_s = self._settings.busy_timeout_s
            with closing(sqlite3.connect(uri, uri=True, timeout=patience_s)) as only:
                if only.execute(self.sql["has_migrations"]).fetchone() is not None:
                    applied = only.execute(self.sql["applied_migration"]).fetchone()[0]
        self._refuse_newer(applied)
        if applied < newest:
            raise tables_are_old(self.name, applied, newest)

    def _refuse_newer(self, applied: int) -> None:
        if applied > migrations("sqlite")[-1][0]:
            raise JournalTooNewError(self.name, f"its schema has version {applied}")

    def migrate(self, connection: sqlite3.Connection) -> None:
        """Bring our tables into their form of today.

        Raises:
            JournalTooNewError: They cannot be.
        """
        connection.execute(self.sql["migration_table"])
        known = migrations("sqlite")
        applied = connection.execute(self.sql["applied_migration"]).fetchone()[0]
        self._refuse_newer(applied)
        for version, name, script in known:
            if version > applied:
                self._apply(connection, version, name, script)

    def _apply(
        self, connection: sqlite3.Connection, version: int, name: str, script: str
    ) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            row = connection.execute(self.sql["applied_migration"]).fetchone()
            if row[0] < version:  # Another process may have been faster.
                for statement in script.split(";\n"):
                    if statement.strip():
                        connection.execute(statement)
                connection.execute(
                    self.sql["record_migration"], (version, name, time.time())
                )
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise

    def read(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement, on the calling thread's connection.

        Raises:
            StorageError: The file could not be read.
        """
        reader: _Reader | None = getattr(self._local, "reader", None)
        try:
            if reader is None:
                reader = self._local.reader = _Reader(self.connect())
                self._readers.append(reader)
            with reader.lock:
                if self._is_closed:
                    reader.connection.close()
                    raise StorageError(self.name, "the journal was closed")
                found = reader.connection.execute(self.sql[statement], values)
                return found.fetchall()
        except (sqlite3.Error, UnicodeError, OverflowError) as e:
            raise StorageError(self.name, str(e)) from e

    def is_locked(self, patience_s: float) -> bool:
        """Whether another program holds the write lock for so long."""
        try:
            with closing(self.connect(patience_s)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.rollback()
        except sqlite3.Error as e:
            if is_busy(e):
                return True
            raise StorageError(self.name, str(e)) from e
        return False

    def close(self) -> None:
        """Close what is read with, whichever thread reads."""
        self._is_closed = True
        for reader in self._readers:
            # Closing a connection under another thread's statement crashes the
            # process: wait for the read that is going on.
            with reader.lock:
                reader.connection.close()
        self._readers.clear()
