"""The journal in one SQLite file, shared with DBOS."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from durable_notebook._config import Settings
from durable_notebook.errors import LostOwnershipError, StorageError
from durable_notebook.journal._entry import RecordedEntry, now
from durable_notebook.store._abc import Store
from durable_notebook.store._dbos_tables import (
    DBOS_TABLES,
    Column,
    dbos_differences,
)
from durable_notebook.store._direct import DirectWriter
from durable_notebook.store._file import JournalFile
from durable_notebook.store._file_lock import FileHold
from durable_notebook.store._records import (
    OURS,
    REASSIGNED,
    Enqueued,
    KeyedMail,
    Life,
    Mail,
    Mark,
    NewEntry,
    Past,
    Pending,
    RunRow,
    read_entry,
)
from durable_notebook.store._rows import enqueued, executors_of, run_row
from durable_notebook.store._sqlite_connections import Connections
from durable_notebook.store._tally import CANCELLED, Tally
from durable_notebook.store._turns import Turns
from durable_notebook.store._upkeep import claim, delete, note, sweep
from durable_notebook.store._writer import SqliteWriter


class SqliteStore(Store):
    """A journal file. Readers and the writer never wait for each other (WAL)."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.name = str(path)
        self._connections = Connections(path, settings)
        self._sql = self._connections.sql
        self._seen_version: int | None = None
        with ExitStack() as opened:
            try:
                if settings.migrate:
                    JournalFile.create(path)
                else:
                    self._connections.check()
                connection = self._connections.connect()
                opened.callback(connection.close)
                if settings.migrate:
                    self._connections.migrate(connection)
                self._watching = self._connections.connect()
                opened.callback(self._watching.close)
                at_once = self._connections.connect(timeout_s=0.0)
                opened.callback(at_once.close)
                file = JournalFile(path)
            except (OSError, sqlite3.Error) as e:
                if isinstance(e, StorageError):
                    raise
                raise StorageError(self.name, str(e)) from e
            opened.pop_all()
        self._watching_lock = threading.Lock()
        self.turns = Turns(settings.busy_timeout_s)
        self._writer = SqliteWriter(connection, self.name, file.check, self.turns)
        self._direct = DirectWriter(at_once, self.name, file.check)
        # The last entry that the writer's thread was given.
        self._handed_in: Future[None] = Future()
        self._handed_in.set_result(None)

    def _read(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        return self._connections.read(statement, values)

    def _has_dbos(self) -> bool:
        return bool(self._read("has_dbos"))

    def dbos_differences(self) -> list[str]:
        tables = json.dumps(list(DBOS_TABLES))
        rows = self._read("dbos_columns", (tables,))
        return dbos_differences(Column(*row) for row in rows)

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

    def lives(self) -> dict[str, Life]:
        return {row[0]: Life(*row) for row in self._read("lives")}

    # -- journal ---------------------------------------------------------------

    def append(self, entry: NewEntry) -> Future[None]:
        values = {
            "run_id": entry.run_id,
            "position": entry.position,
            "name": entry.name,
            "body": entry.body,
            "owner": entry.owner,
            "started_ms": int(entry.started_at * 1000),
            "finished_ms": int(entry.finished_at * 1000),
        }

        def job(connection: sqlite3.Connection) -> None:
            written = connection.execute(self._sql["append_entry"], values)
            if written.rowcount != 1:
                raise LostOwnershipError(entry.run_id)
            note(connection, self._sql, entry)

        done = None
        # One statement, which commits itself, and not before what the thread still has:
        # a run may have two entries on their way, and the journal no hole.
        if self._handed_in.done() and not entry.has_notes:
            done = self._direct.offer(entry.run_id, job)
        if done is None:
            done = self._handed_in = self._writer.submit(job)
        return done

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
        return [read_entry(self.name, run_id, *row) for row in rows]

    def last_entry(self, run_id: str) -> RecordedEntry | None:
        if not self._has_dbos():
            return None
        rows = self._read("last_entry", (run_id,))
        return read_entry(self.name, run_id, *rows[0]) if rows else None

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

    # -- mailbox ---------------------------------------------------------------

    def post(
        self, run_id: str, tick: str, key: str | None = None, *, by: str | None = None
    ) -> Future[int | None]:
        values = (run_id, key, tick, time.time(), by)

        def job(connection: sqlite3.Connection) -> int | None:
            row = connection.execute(self._sql["post"], values).fetchone()
            return None if row is None else int(row[0])

        return self._writer.submit(job)

    def mail(self, run_id: str, after: int) -> list[Mail]:
        return [Mail(*row) for row in self._read("mail", (run_id, after))]

    def keyed_mail(self, run_id: str, key: str) -> KeyedMail | None:
        rows = self._read("keyed_mail", (run_id, key))
        return KeyedMail(*rows[0]) if rows else None

    def forget_mail(self, run_id: str, until: int) -> Future[None]:
        def job(connection: sqlite3.Connection) -> None:
            connection.execute(self._sql["forget_mail"], (run_id, until))

        return self._writer.submit(job)

    def past(self, run_id: str) -> Past:
        rows = self._read("past", (run_id,))
        return Past(*rows[0]) if rows else Past()

    def pause(self, run_id: str) -> Future[bool]:
        return self._change_pause("pause", run_id)

    def go_on(self, run_id: str) -> Future[bool]:
        return self._change_pause("go_on", run_id)

    def _change_pause(self, statement: str, run_id: str) -> Future[bool]:
        values = {"run_id": run_id, "now": now()}
        sql = self._sql[statement]
        return self._writer.submit(lambda c: c.execute(sql, values).rowcount == 1)

    def paused(self) -> set[str]:
        return {row[0] for row in self._read("paused")}

    def take_back_mail(self, run_id: str, owner: str, until: int) -> Future[None]:
        def job(connection: sqlite3.Connection) -> None:
            self._check_owner(connection, run_id, owner)
            values = {"run_id": run_id, "until": until}
            connection.execute(self._sql["take_back_mail"], values)
            connection.execute(self._sql["consume"], (run_id, until))

        return self._writer.submit(job)

    def refuse_mail(self, run_id: str, owner: str, sequence: int) -> Future[None]:
        def job(connection: sqlite3.Connection) -> None:
            self._check_owner(connection, run_id, owner)
            connection.execute(self._sql["refuse_mail"], (run_id, sequence))

        return self._writer.submit(job)

    def newest_mail(self) -> int:
        return int(self._read("newest_mail")[0][0])

    def mailed(self, after: int) -> dict[str, int]:
        return dict(self._read("mailed", (after,)))

    def changed_outside(self) -> bool:
        try:
            with self._watching_lock:
                row = self._watching.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as e:
            raise StorageError(self.name, str(e)) from e
        seen, self._seen_version = self._seen_version, row[0]
        return bool(row[0] != seen)

    def is_locked(self, patience_s: float) -> bool:
        return self._connections.is_locked(patience_s)

    # -- handlers of a server --------------------------------------------------

    def put_handler(self, handler_id: str, run_id: str) -> Future[None]:
        values = (run_id, handler_id, now())

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(self._sql["put_handler"], values)

        return self._writer.submit(job)

    def handler_runs(self, handler_id: str) -> list[str]:
        return [row[0] for row in self._read("handler_runs", (handler_id,))]

    def handlers(self) -> dict[str, str]:
        return dict(self._read("handlers"))

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

    def heads(self) -> dict[str, tuple[int, int]]:
        if not self._has_dbos():
            return {}
        rows = self._read("heads", {"ours": OURS})
        return {row[0]: (row[1], row[2]) for row in rows}

    def numbered(self, run_id: str) -> list[str]:
        if not self._has_dbos():
            return []
        return [row[0] for row in self._read("numbered", {"run_id": run_id})]

    def marks(self) -> dict[str, Mark]:
        if not self._has_dbos():
            return {}
        return {row[0]: row[1:] for row in self._read("marks", {"ours": OURS})}

    def rows(self, run_ids: Iterable[str]) -> list[RunRow]:
        if not self._has_dbos():
            return []
        values = {"ours": OURS, "run_ids": json.dumps(list(run_ids))}
        return [run_row(row) for row in self._read("rows", values)]

    def children(self, run_id: str) -> list[RunRow]:
        if not self._has_dbos():
            return []
        rows = self._read("children", {"ours": OURS, "run_id": run_id})
        return [run_row(row) for row in rows]

    def sizes(self, run_ids: Iterable[str]) -> dict[str, int]:
        if not self._has_dbos():
            return {}
        return dict(self._read("sizes", (json.dumps(list(run_ids)),)))

    def unfinished(self, executor_id: str) -> dict[str, str]:
        if not self._has_dbos():
            return {}
        values = {"ours": OURS, "executor_id": executor_id}
        return {row[0]: row[1] for row in self._read("unfinished", values)}

    def pending(self, run_ids: Iterable[str], executor_id: str) -> list[Pending]:
        values = (executor_id, json.dumps(list(run_ids)))
        return [Pending(*row) for row in self._read("pending", values)]

    def enqueued(self) -> list[Enqueued]:
        if not self._has_dbos():
            return []
        values = {"ours": OURS, "reassigned": REASSIGNED}
        return [enqueued(row) for row in self._read("enqueued", values)]

    def executed_by(self, executor_id: str) -> list[str]:
        if not self._has_dbos():
            return []
        values = {"ours": OURS, "executor_id": executor_id}
        return [row[0] for row in self._read("executed_by", values)]

    def reassign(
        self, run_ids: Iterable[str], from_executor: str, to_executor: str, owner: str
    ) -> Future[list[str]]:
        values = {
            "run_ids": json.dumps(list(run_ids)),
            "from": from_executor,
            "to": to_executor,
            "owner": owner,
            "now_ms": int(time.time() * 1000),
            "reassigned": REASSIGNED,
        }
        sql = self._sql["reassign"]
        return self._writer.submit(
            lambda c: [row[0] for row in c.execute(sql, values).fetchall()]
        )

    def take_reassigned(self, run_ids: Iterable[str], executor_id: str) -> Future[None]:
        values = {
            "run_ids": json.dumps(list(run_ids)),
            "executor_id": executor_id,
            "reassigned": REASSIGNED,
        }

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(self._sql["take_reassigned"], values)

        return self._writer.submit(job)

    def tally(self) -> Tally:
        if not self._has_dbos():
            return Tally()
        values = {"ours": OURS, "cancelled": CANCELLED}
        return Tally.of(self._read("tally", values), self._read("unread")[0])

    def owners(self, run_ids: Iterable[str]) -> dict[str, str | None]:
        return dict(self._read("owners", (json.dumps(list(run_ids)),)))

    def claim(
        self,
        run_id: str,
        executor_id: str,
        owner: str,
        *,
        instead_of: str | None = None,
        is_counted: bool = True,
    ) -> Future[bool]:
        values = {
            "run_id": run_id,
            "executor_id": executor_id,
            "instead_of": instead_of,
            "owner": owner,
            "counted": int(is_counted),
            "now_ms": int(time.time() * 1000),
        }

        return self._writer.submit(lambda c: claim(c, self._sql, values))

    def delete(self, runs: Iterable[RunRow]) -> Future[None]:
        gone = list(runs)
        return self._writer.submit(lambda c: delete(c, self._sql, gone))

    def sweep(self) -> Future[None]:
        return self._writer.submit(lambda c: sweep(c, self._sql))

    def close(self) -> None:
        self._direct.close()
        self._writer.close()
        self._connections.close()
        with self._watching_lock:
            self._watching.close()
