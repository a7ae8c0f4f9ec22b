"""The journal in a Postgres database, shared with DBOS and with other processes."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any

import psycopg

from durable_notebook._config import Settings
from durable_notebook._lease import LeaseTerms
from durable_notebook.errors import LostOwnershipError, StorageError
from durable_notebook.journal._entry import RecordedEntry, now
from durable_notebook.store._abc import Store
from durable_notebook.store._dbos_tables import (
    DBOS_TABLES,
    Column,
    dbos_differences,
)
from durable_notebook.store._postgres_entries import appended, if_owned
from durable_notebook.store._postgres_lease import (
    Applicant,
    PostgresLease,
    free_of,
    holders_of,
)
from durable_notebook.store._postgres_readers import Readers
from durable_notebook.store._postgres_server import Server
from durable_notebook.store._postgres_session import Session, SessionHold
from durable_notebook.store._postgres_writer import (
    Cursor,
    Doubt,
    PostgresWriter,
    Write,
)
from durable_notebook.store._records import (
    OURS,
    REASSIGNED,
    Enqueued,
    Hold,
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
from durable_notebook.store._tally import CANCELLED, Tally


class PostgresStore(Store):
    """A journal on a server. One connection writes, one listens, a few read."""

    is_remote = True

    def __init__(self, url: str, settings: Settings) -> None:
        self._server = Server(url, settings)
        self.name = self._server.name
        self._has_dbos_tables = False
        self._lease: PostgresLease | None = None
        self._applicant = Applicant(self._server)
        connection = self._server.open()
        with ExitStack() as opened:
            opened.callback(connection.close)
            self._readers = Readers(
                self._server, settings.pool_size, settings.pool_min_size
            )
            opened.callback(self._readers.close)
            try:
                self._session = Session(self._server)
            except psycopg.Error as e:
                raise self._server.error(e) from e
            opened.pop_all()
        self._writer = PostgresWriter(connection, self._server)

    def _read(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        return self._readers.read(statement, values)

    def _has_dbos(self) -> bool:
        if not self._has_dbos_tables:
            self._has_dbos_tables = bool(self._read("has_dbos"))
        return self._has_dbos_tables

    def dbos_differences(self) -> list[str]:
        where = self._server.session["search_path"]
        rows = self._read("dbos_columns", tables=list(DBOS_TABLES), search_path=where)
        return dbos_differences(Column(*row) for row in rows)

    # -- sessions --------------------------------------------------------------

    def executor_for(self, notebook: str | None) -> list[str]:
        return executors_of(self._read("executors"), notebook)

    def add_executor(self, executor_id: str, notebook: str | None) -> None:
        values = {"executor_id": executor_id, "notebook": notebook, "now": now()}
        self._writer.submit(Write("add_executor", values, _nothing)).result()

    def begin_session(self, executor_id: str) -> int:
        values = {"executor_id": executor_id, "pid": os.getpid(), "now": now()}
        write = Write("begin_session", values, _first_number)
        return int(self._writer.submit(write).result())

    def hold(self, executor_id: str) -> Hold | None:
        try:
            is_taken = self._session.take(executor_id)
        except psycopg.Error as e:
            raise self._server.error(e) from e
        return SessionHold(self._session, executor_id) if is_taken else None

    def is_held(self, executor_id: str) -> bool:
        lock = self._server.key(executor_id)
        return bool(self._read("is_held", lock=lock, executor_id=executor_id))

    def lease(self, terms: LeaseTerms) -> PostgresLease | None:
        ids = terms.executor_ids()
        free = free_of(ids, self._read("leases", executor_ids=ids))
        if free and self._has_dbos():
            rows = self._read("executors_with_runs", executor_ids=free)
            free.sort(key=lambda executor_id: (executor_id,) not in rows)
        if not free:
            return None
        news = self._session.expect_news
        try:
            self._lease = self._applicant.take(terms, free, news)
        except psycopg.Error as e:
            raise self._server.error(e) from e
        return self._lease

    def leaseholders(self, terms: LeaseTerms) -> tuple[str, ...]:
        ids = terms.executor_ids()
        return holders_of(ids, self._read("leases", executor_ids=ids))

    def _token(self) -> str | None:
        return None if self._lease is None else self._lease.token

    def lives(self) -> dict[str, Life]:
        return {row[0]: Life(*row) for row in self._read("lives")}

    # -- journal ---------------------------------------------------------------

    def append(self, entry: NewEntry) -> Future[None]:
        return self._writer.submit(appended(entry, self._token()))

    def entries(self, run_id: str, after: int = -1) -> list[RecordedEntry]:
        if not self._has_dbos():
            return []
        rows = self._read("entries", run_id=run_id, after=after)
        return [read_entry(self.name, run_id, *row) for row in rows]

    def last_entry(self, run_id: str) -> RecordedEntry | None:
        if not self._has_dbos():
            return None
        rows = self._read("last_entry", run_id=run_id)
        return read_entry(self.name, run_id, *rows[0]) if rows else None

    def snapshot(self, run_id: str) -> str | None:
        rows = self._read("snapshot", run_id=run_id)
        return rows[0][0] if rows else None

    def put_snapshot(self, run_id: str, owner: str, body: str) -> Future[None]:
        values = {"run_id": run_id, "owner": owner, "body": body, "now": now()}
        write = Write("put_snapshot", values, if_owned(run_id))
        return self._writer.submit(write)

    def code(self, digest: str) -> str | None:
        rows = self._read("code", digest=digest)
        return rows[0][0] if rows else None

    # -- mailbox ---------------------------------------------------------------

    def post(
        self, run_id: str, tick: str, key: str | None = None, *, by: str | None = None
    ) -> Future[int | None]:
        values = {
            "run_id": run_id,
            "key": key,
            "tick": tick,
            "now": now(),
            "by": by,
            "token": str(uuid.uuid4()),
            "lock": self._server.key("mail"),
        }
        doubt = Doubt("post_barrier", "is_posted")
        return self._writer.submit(Write("post", values, _first_number, doubt))

    def mail(self, run_id: str, after: int) -> list[Mail]:
        rows = self._read("mail", run_id=run_id, after=after)
        return [Mail(*row) for row in rows]

    def keyed_mail(self, run_id: str, key: str) -> KeyedMail | None:
        rows = self._read("keyed_mail", run_id=run_id, key=key)
        return KeyedMail(*rows[0]) if rows else None

    def forget_mail(self, run_id: str, until: int) -> Future[None]:
        values = {"run_id": run_id, "until": until}
        return self._writer.submit(Write("forget_mail", values, _nothing))

    def past(self, run_id: str) -> Past:
        rows = self._read("past", run_id=run_id)
        return Past(*rows[0]) if rows else Past()

    def pause(self, run_id: str) -> Future[bool]:
        return self._change_pause("pause", run_id)

    def go_on(self, run_id: str) -> Future[bool]:
        return self._change_pause("go_on", run_id)

    def _change_pause(self, statement: str, run_id: str) -> Future[bool]:
        values = {"run_id": run_id, "now": now()}
        write = Write(statement, values, _is_one, before=("tell",))
        return self._writer.submit(write)

    def paused(self) -> set[str]:
        return {row[0] for row in self._read("paused")}

    def take_back_mail(self, run_id: str, owner: str, until: int) -> Future[None]:
        values = {"run_id": run_id, "owner": owner, "until": until}
        return self._writer.submit(Write("take_back_mail", values, if_owned(run_id)))

    def refuse_mail(self, run_id: str, owner: str, sequence: int) -> Future[None]:
        values = {
            "run_id": run_id,
            "owner": owner,
            "sequence": sequence,
            "lease": self._token(),
        }
        return self._writer.submit(Write("refuse_mail", values, if_owned(run_id)))

    def newest_mail(self) -> int:
        return int(self._read("newest_mail")[0][0])

    def mailed(self, after: int) -> dict[str, int]:
        return dict(self._read("mailed", after=after))

    def changed_outside(self) -> bool:
        return self._session.has_news()

    def is_locked(self, patience_s: float) -> bool:  # noqa: ARG002
        return False

    # -- handlers of a server --------------------------------------------------

    def put_handler(self, handler_id: str, run_id: str) -> Future[None]:
        values = {"run_id": run_id, "handler_id": handler_id, "now": now()}
        return self._writer.submit(Write("put_handler", values, _nothing))

    def handler_runs(self, handler_id: str) -> list[str]:
        rows = self._read("handler_runs", handler_id=handler_id)
        return [row[0] for row in rows]

    def handlers(self) -> dict[str, str]:
        return dict(self._read("handlers"))

    # -- runs ------------------------------------------------------------------

    def runs(self, limit: int | None = None) -> list[RunRow]:
        if not self._has_dbos():
            return []
        return [run_row(row) for row in self._read("runs", ours=OURS, limit=limit)]

    def run(self, run_id: str) -> RunRow | None:
        if not self._has_dbos():
            return None
        rows = self._read("run", ours=OURS, run_id=run_id)
        return run_row(rows[0]) if rows else None

    def heads(self) -> dict[str, tuple[int, int]]:
        if not self._has_dbos():
            return {}
        rows = self._read("heads", ours=OURS)
        return {row[0]: (row[1], row[2]) for row in rows}

    def numbered(self, run_id: str) -> list[str]:
        if not self._has_dbos():
            return []
        return [row[0] for row in self._read("numbered", run_id=run_id)]

    def marks(self) -> dict[str, Mark]:
        if not self._has_dbos():
            return {}
        return {row[0]: row[1:] for row in self._read("marks", ours=OURS)}

    def rows(self, run_ids: Iterable[str]) -> list[RunRow]:
        if not self._has_dbos():
            return []
        found = self._read("rows", ours=OURS, run_ids=list(run_ids))
        return [run_row(row) for row in found]

    def children(self, run_id: str) -> list[RunRow]:
        if not self._has_dbos():
            return []
        rows = self._read("children", ours=OURS, run_id=run_id)
        return [run_row(row) for row in rows]

    def sizes(self, run_ids: Iterable[str]) -> dict[str, int]:
        if not self._has_dbos():
            return {}
        return dict(self._read("sizes", run_ids=list(run_ids)))

    def unfinished(self, executor_id: str) -> dict[str, str]:
        if not self._has_dbos():
            return {}
        rows = self._read("unfinished", ours=OURS, executor_id=executor_id)
        return {row[0]: row[1] for row in rows}

    def pending(self, run_ids: Iterable[str], executor_id: str) -> list[Pending]:
        values = {"executor_id": executor_id, "run_ids": list(run_ids)}
        return [Pending(*row) for row in self._read("pending", **values)]

    def enqueued(self) -> list[Enqueued]:
        if not self._has_dbos():
            return []
        rows = self._read("enqueued", ours=OURS, reassigned=REASSIGNED)
        return [enqueued(row) for row in rows]

    def executed_by(self, executor_id: str) -> list[str]:
        if not self._has_dbos():
            return []
        rows = self._read("executed_by", ours=OURS, executor_id=executor_id)
        return [row[0] for row in rows]

    def reassign(
        self, run_ids: Iterable[str], from_executor: str, to_executor: str, owner: str
    ) -> Future[list[str]]:
        values = {
            "run_ids": list(run_ids),
            "from": from_executor,
            "to": to_executor,
            "owner": owner,
            "now_ms": int(time.time() * 1000),
            "reassigned": REASSIGNED,
        }
        write = Write("reassign", values, _first_column, before=("tell",))
        return self._writer.submit(write)

    def take_reassigned(self, run_ids: Iterable[str], executor_id: str) -> Future[None]:
        values = {
            "run_ids": list(run_ids),
            "executor_id": executor_id,
            "reassigned": REASSIGNED,
        }
        return self._writer.submit(Write("take_reassigned", values, _nothing))

    def tally(self) -> Tally:
        if not self._has_dbos():
            return Tally()
        runs = self._read("tally", ours=OURS, cancelled=CANCELLED)
        return Tally.of(runs, self._read("unread")[0])

    def owners(self, run_ids: Iterable[str]) -> dict[str, str | None]:
        ids = list(run_ids)
        try:
            return dict(self._read("owners", run_ids=ids, lease=self._token()))
        except StorageError:
            if self._lease is None or self._lease.problem() is None:
                raise
            return {}

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
            "lease": self._token(),
        }
        return self._writer.submit(Write("claim", values, _is_one))

    def delete(self, runs: Iterable[RunRow]) -> Future[None]:
        gone = list(runs)
        values = {
            "run_ids": [run.run_id for run in gone],
            "owners": [run.owner for run in gone],
        }
        before = ("lock_runs", "lock_code")
        write = Write("delete_runs", values, _if_none_is_lost, before=before)
        return self._writer.submit(write)

    def sweep(self) -> Future[None]:
        write = Write("sweep", {}, _nothing, before=("lock_unused_code",))
        return self._writer.submit(write)

    def close(self) -> None:
        self._applicant.close()
        self._writer.close()
        self._session.close()
        self._readers.close()


def _nothing(_: Cursor) -> None:
    pass


def _if_none_is_lost(cursor: Cursor) -> None:
    lost = cursor.fetchone()
    if lost is not None:
        raise LostOwnershipError(lost[0])


def _first_column(cursor: Cursor) -> list[str]:
    return [row[0] for row in cursor.fetchall()]


def _is_one(cursor: Cursor) -> bool:
    return cursor.rowcount == 1


def _first_number(cursor: Cursor) -> int | None:
    row = cursor.fetchone()
    return None if row is None else int(row[0])
