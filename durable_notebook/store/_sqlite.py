"""The journal in one SQLite file, shared with DBOS."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from durable_notebook._config import Settings
from durable_notebook._entry import RecordedEntry, now
from durable_notebook.errors import (
    JournalTooNewError,
    LostOwnershipError,
    StorageError,
)
from durable_notebook.store._abc import Mail, NewEntry, RunRow, Store
from durable_notebook.store._file_lock import FileHold
from durable_notebook.store._queries import migrations, statements
from durable_notebook.store._rows import OURS, executors_of, recorded, run_row
from durable_notebook.store._writer import SqliteWriter


@dataclass(frozen=True, slots=True)
class _Reader:
    """A connection that one thread reads with and another may want to close."""

    connection: sqlite3.Connection
    lock: threading.Lock = field(default_factory=threading.Lock)


class SqliteStore(Store):
    """A journal file. Readers and the writer never wait for each other (WAL)."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.name = str(path)
        self._settings = settings
        self._sql = statements("sqlite")
        self._local = threading.local()
        self._readers: list[_Reader] = []
        self._is_closed = False
        self._seen_version: int | None = None
        with ExitStack() as opened:
            try:
                _create_privately(path)
                connection = self._connect()
                opened.callback(connection.close)
                self._migrate(connection)
                self._watching = _Reader(self._connect())
            except (OSError, sqlite3.Error) as e:
                if isinstance(e, StorageError):
                    raise
                raise StorageError(self.name, str(e)) from e
            opened.pop_all()
        self._writer = SqliteWriter(connection, self.name)

    # -- connections -----------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path,
            timeout=self._settings.busy_timeout_s,
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
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute(self._sql["migration_table"])
        known = migrations("sqlite")
        applied = connection.execute(self._sql["applied_migration"]).fetchone()[0]
        if applied > known[-1][0]:
            raise JournalTooNewError(self.name, f"its schema has version {applied}")
        for version, name, script in known:
            if version > applied:
                self._apply(connection, version, name, script)

    def _apply(
        self, connection: sqlite3.Connection, version: int, name: str, script: str
    ) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            row = connection.execute(self._sql["applied_migration"]).fetchone()
            if row[0] < version:  # Another process may have been faster.
                for statement in script.split(";\n"):
                    if statement.strip():
                        connection.execute(statement)
                connection.execute(
                    self._sql["record_migration"], (version, name, time.time())
                )
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise

    def _read(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        reader: _Reader | None = getattr(self._local, "reader", None)
        try:
            if reader is None:
                reader = self._local.reader = _Reader(self._connect())
                self._readers.append(reader)
            with reader.lock:
                if self._is_closed:
                    reader.connection.close()
                    raise StorageError(self.name, "the journal was closed")
                found = reader.connection.execute(self._sql[statement], values)
                return found.fetchall()
        except (sqlite3.Error, UnicodeError, OverflowError) as e:
            raise StorageError(self.name, str(e)) from e

    def _has_dbos(self) -> bool:
        return bool(self._read("has_dbos"))

    # -- sessions --------------------------------------------------------------

    def executor_for(self, notebook: str | None) -> list[str]:
        return executors_of(self._read("executors"), notebook)

    def hold(self, executor_id: str) -> FileHold | None:
        return FileHold.take(self.path, executor_id)

    def is_held(self, executor_id: str) -> bool:
        return FileHold.is_held(self.path, executor_id)

    def add_executor(self, executor_id: str, notebook: str | None) -> None:
        values = (executor_id, notebook, time.time())
        self._writer.submit(
            lambda c: c.execute(self._sql["add_executor"], values)
        ).result()

    def begin_session(self, executor_id: str) -> int:
        values = (executor_id, os.getpid(), time.time())
        return self._writer.submit(
            lambda c: int(c.execute(self._sql["begin_session"], values).fetchone()[0])
        ).result()

    # -- journal ---------------------------------------------------------------

    def append(self, entry: NewEntry) -> Future[None]:
        def job(connection: sqlite3.Connection) -> None:
            self._check_owner(connection, entry.run_id, entry.owner)
            connection.execute(
                self._sql["append_entry"],
                {
                    "run_id": entry.run_id,
                    "position": entry.position,
                    "name": entry.name,
                    "body": entry.body,
                    "started_ms": int(entry.started_at * 1000),
                    "finished_ms": int(entry.finished_at * 1000),
                },
            )

        return self._writer.submit(job)

    def _check_owner(
        self, connection: sqlite3.Connection, run_id: str, owner: str
    ) -> None:
        # The write lock is held, so the owner cannot change before the commit.
        row = connection.execute(self._sql["owner"], (run_id,)).fetchone()
        if row is None or row[0] != owner:
            raise LostOwnershipError(run_id)

    def entries(self, run_id: str, after: int = -1) -> list[RecordedEntry]:
        if not self._has_dbos():
            return []
        rows = self._read("entries", (run_id, after))
        return [recorded(run_id, *row) for row in rows]

    def last_entry(self, run_id: str) -> RecordedEntry | None:
        if not self._has_dbos():
            return None
        rows = self._read("last_entry", (run_id,))
        return recorded(run_id, *rows[0]) if rows else None

    def snapshot(self, run_id: str) -> str | None:
        rows = self._read("snapshot", (run_id,))
        return rows[0][0] if rows else None

    def put_snapshot(self, run_id: str, owner: str, body: str) -> Future[None]:
        def job(connection: sqlite3.Connection) -> None:
            self._check_owner(connection, run_id, owner)
            connection.execute(self._sql["put_snapshot"], (run_id, body, time.time()))

        return self._writer.submit(job)

    def code(self, digest: str) -> str | None:
        rows = self._read("code", (digest,))
        return rows[0][0] if rows else None

    def put_code(self, digest: str, body: str) -> Future[None]:
        def job(connection: sqlite3.Connection) -> None:
            connection.execute(self._sql["put_code"], (digest, body, now()))

        return self._writer.submit(job)

    # -- mailbox ---------------------------------------------------------------

    def post(
        self, run_id: str, tick: str, key: str | None = None
    ) -> Future[int | None]:
        values = (run_id, key, tick, time.time())

        def job(connection: sqlite3.Connection) -> int | None:
            row = connection.execute(self._sql["post"], values).fetchone()
            return None if row is None else int(row[0])

        return self._writer.submit(job)

    def mail(self, run_id: str, after: int) -> list[Mail]:
        return [Mail(*row) for row in self._read("mail", (run_id, after))]

    def forget_mail(self, run_id: str, until: int) -> Future[None]:
        def job(connection: sqlite3.Connection) -> None:
            connection.execute(self._sql["forget_mail"], (run_id, until))

        return self._writer.submit(job)

    def newest_mail(self) -> int:
        return int(self._read("newest_mail")[0][0])

    def mailed(self, after: int) -> dict[str, int]:
        return dict(self._read("mailed", (after,)))

    def changed_outside(self) -> bool:
        try:
            with self._watching.lock:
                row = self._watching.connection.execute("PRAGMA data_version")
                version = row.fetchone()[0]
        except sqlite3.Error as e:
            raise StorageError(self.name, str(e)) from e
        changed = bool(version != self._seen_version)
        self._seen_version = version
        return changed

    # -- runs ------------------------------------------------------------------

    def runs(self, limit: int | None = None) -> list[RunRow]:
        if not self._has_dbos():
            return []
        values = {"ours": OURS, "limit": -1 if limit is None else limit}
        return [run_row(row) for row in self._read("runs", values)]

    def run(self, run_id: str) -> RunRow | None:
        if not self._has_dbos():
            return None
        rows = self._read("run", {"ours": OURS, "run_id": run_id})
        return run_row(rows[0]) if rows else None

    def unfinished(self, executor_id: str) -> dict[str, str]:
        if not self._has_dbos():
            return {}
        values = {"ours": OURS, "executor_id": executor_id}
        return {row[0]: row[1] for row in self._read("unfinished", values)}

    def claim(self, run_id: str, executor_id: str, owner: str) -> Future[bool]:
        values = {
            "run_id": run_id,
            "executor_id": executor_id,
            "owner": owner,
            "now_ms": int(time.time() * 1000),
        }
        return self._writer.submit(
            lambda c: c.execute(self._sql["claim"], values).rowcount == 1
        )

    def close(self) -> None:
        self._writer.close()
        self._is_closed = True
        for reader in (*self._readers, self._watching):
            # Closing a connection under another thread's statement crashes the
            # process: wait for the read that is going on.
            with reader.lock:
                reader.connection.close()
        self._readers.clear()


def _create_privately(path: Path) -> None:
    """Make the file readable by its owner only: journals hold what events hold."""
    if not path.parent.exists():
        path.parent.mkdir(parents=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
