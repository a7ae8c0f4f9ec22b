"""The writing thread on Postgres: one round trip a batch, and exact in every outage."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import psycopg

from durable_notebook.store._postgres_connection import Connection
from durable_notebook.store._postgres_server import Server, is_lost
from durable_notebook.store._writer import Writer

Cursor = psycopg.Cursor[tuple[Any, ...]]

# The server has rolled the transaction back for reasons that pass.
_PASSING = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """How to find out whether a write has happened, by names of statements.

    `barrier` waits until a transaction that may still be doing it has ended, and keeps
    others out; `look` finds what the write would have left.
    """

    barrier: str
    look: str


@dataclass(frozen=True, slots=True)
class Write:
    """One statement, by its name; `answer` makes the value of the future.

    Without a `doubt` it does no harm to do it twice. What is `before` it are statements
    in its transaction: what held a lock that they take has been committed, and is seen.
    """

    statement: str
    values: dict[str, Any]
    answer: Callable[[Cursor], Any]
    doubt: Doubt | None = None
    before: tuple[str, ...] = ()


Batch = list[tuple[Write, "Future[Any]"]]


class PostgresWriter(Writer[Write]):
    """Writes what is handed in while it is busy in one transaction.

    A connection that breaks at the commit leaves open whether it happened. Then each
    write is looked for, and done if it is not there.
    """

    def __init__(self, connection: Connection, server: Server) -> None:
        self._connection = connection
        self._server = server
        super().__init__(server.name)

    def submit(self, write: Write) -> Future[Any]:
        """Do a write; the future is done after the commit."""
        return self._hand_in(write)

    def _disconnect(self) -> None:
        self._connection.close()

    def _commit(self, batch: Batch) -> None:
        try:
            cursors = self._together([write for write, _ in batch])
        except Exception as e:  # The thread must live, or every later write hangs.
            deadline = time.monotonic() + self._server.patience_s
            is_in_doubt = is_lost(self._connection, e)
            # They have waited for a lock together: alone none does so once more.
            at_once = isinstance(e, psycopg.errors.LockNotAvailable)
            for write, future in batch:
                try:
                    cursor = self._alone(write, is_in_doubt, deadline, at_once)
                except Exception as problem:
                    future.set_exception(self._server.error(problem))
                else:
                    _tell(future, write, cursor)
        else:
            for (write, future), cursor in zip(batch, cursors, strict=True):
                _tell(future, write, cursor)

    def _together(self, writes: list[Write]) -> list[Cursor]:
        if len(writes) == 1 and not writes[0].before:
            return [self._do(writes[0])]
        try:
            with self._connection.pipeline():
                self._connection.execute(b"BEGIN")
                cursors = [self._do(write) for write in writes]
                self._connection.execute(b"COMMIT")
        except BaseException:
            self._connection.rollback()
            raise
        return cursors

    def _do_alone(self, write: Write, at_once: bool = False) -> Cursor:
        if not write.before and not at_once:
            return self._do(write)
        with self._connection.transaction():
            if at_once:
                self._connection.execute(self._server.sql["wait_briefly"])
            return self._do(write)

    def _do(self, write: Write) -> Cursor:
        for statement in write.before:
            self._connection.execute(self._server.sql[statement], write.values)
        return self._connection.execute(self._server.sql[write.statement], write.values)

    def _alone(
        self, write: Write, is_in_doubt: bool, deadline: float, at_once: bool
    ) -> Cursor:
        """Do one write of a batch that failed; waits for a server that is gone."""
        while True:
            try:
                if self._connection.closed:
                    self._connect_anew(deadline)
                if is_in_doubt and write.doubt is not None:
                    return self._resolved(write, write.doubt)
                return self._do_alone(write, at_once)
            except psycopg.Error as e:
                was_lost = is_lost(self._connection, e)
                if was_lost:
                    self._connection.close()
                    is_in_doubt = True
                if not (was_lost or isinstance(e, _PASSING)):
                    raise
                if time.monotonic() > deadline:
                    raise

    def _connect_anew(self, deadline: float) -> None:
        connection = self._server.connect_until(deadline)
        try:
            self._server.end(self._connection, connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _resolved(self, write: Write, doubt: Doubt) -> Cursor:
        sql = self._server.sql
        with self._connection.transaction():
            self._connection.execute(sql[doubt.barrier], write.values)
            found = self._connection.execute(sql[doubt.look], write.values)
            return found if found.rowcount else self._do(write)


def _tell(future: Future[Any], write: Write, cursor: Cursor) -> None:
    try:
        value = write.answer(cursor)
    except Exception as e:  # The thread must live here too.
        future.set_exception(e)
    else:
        future.set_result(value)
