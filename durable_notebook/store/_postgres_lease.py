"""A lease of an executor id: a row that says until when, renewed by a thread.

It runs out where a lock of the connection does not: of a process that hangs, or is cut
off, the server may keep the connection and its locks for hours.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any

import psycopg

from durable_notebook._lease import LeaseTerms
from durable_notebook.errors import LeaseLostError
from durable_notebook.store._postgres_connection import Connection
from durable_notebook.store._postgres_server import Server

logger = logging.getLogger("durable_notebook")

# How soon a server that was away is tried again.
_RETRY_S = 0.25

# Who gives a lease back waits no longer for a server that says nothing.
_END_S = 3.0


class PostgresLease:
    """What makes this process an executor, while signs of life reach the database.

    Only the database says whether it has run out. This process knows since when it may
    have, and has to ask.
    """

    def __init__(
        self,
        server: Server,
        terms: LeaseTerms,
        executor_id: str,
        connection: Connection,
    ) -> None:
        self.executor_id = executor_id
        self.token = str(uuid.uuid4())
        self._server = server
        self._terms = terms
        self._connection = connection
        self._sure_until = 0.0
        self._is_taken = False
        self._ended = Event()
        self._on_loss: Callable[[], None] = lambda: None
        self._thread = Thread(
            target=self._live, name="durable-notebook-lease", daemon=True
        )

    @classmethod
    def take(
        cls,
        server: Server,
        terms: LeaseTerms,
        executor_ids: Iterable[str],
        on_loss: Callable[[], None],
        connection: Connection,
    ) -> PostgresLease | None:
        """Become the first of these executors that nobody is; None if there is none.

        The lease keeps the connection.

        Raises:
            psycopg.Error: The server could not be asked.
        """
        for executor_id in executor_ids:
            lease = cls(server, terms, executor_id, connection)
            if lease._begin(on_loss):
                return lease
        return None

    def _begin(self, on_loss: Callable[[], None]) -> bool:
        self._on_loss = on_loss
        asked_at = _clock()
        taken = self._connection.execute(
            self._server.sql["take_lease"],
            {
                "executor_id": self.executor_id,
                "lock": self._server.key(self.executor_id),
                "holder": self.token,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "timeout_s": self._terms.timeout_s,
            },
        )
        if taken.rowcount != 1:
            return False
        self._sure_until = asked_at + self._terms.timeout_s
        self._thread.start()
        return True

    # -- what is known of it -----------------------------------------------------

    def problem(self) -> LeaseLostError | None:
        """Why this process may be the executor no more; None while it surely is."""
        if not self._is_taken and _clock() < self._sure_until:
            return None
        return LeaseLostError(self.executor_id, self._server.name, self._is_taken)

    def release(self) -> None:
        """Give the executor id back, at once; without a server it runs out."""
        self._ended.set()
        self._thread.join(_END_S)

    # -- the thread --------------------------------------------------------------

    def _live(self) -> None:
        pause_s, is_reported = self._terms.heartbeat_s, False
        while not self._ended.wait(pause_s):
            try:
                self._renew()
                pause_s, is_reported = self._terms.heartbeat_s, False
            except (psycopg.Error, OSError) as e:
                logger.debug("%s: no sign of life: %s", self._server.name, e)
                self._connection.close()
                pause_s = min(_RETRY_S, self._terms.heartbeat_s)
            problem = self.problem()
            if problem is not None and not is_reported:
                is_reported = True
                logger.warning("%s", problem)
                self._on_loss()
            if self._is_taken:
                break
        self._end()

    def _connect_anew(self) -> None:
        connection = _connected(self._server, self._terms)
        try:
            # What was cut off in the middle would keep our row from us.
            self._server.end(self._connection, connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _renew(self) -> None:
        if self._connection.closed:
            self._connect_anew()
        asked_at = _clock()
        values = {"holder": self.token, "timeout_s": self._terms.timeout_s}
        sql = self._server.sql["renew_lease"]
        if self._connection.execute(sql, values).rowcount == 1:
            self._sure_until = asked_at + self._terms.timeout_s
        else:
            self._is_taken = True

    def _end(self) -> None:
        try:
            if self._connection.closed:
                self._connect_anew()
            self._connection.execute(
                self._server.sql["release_lease"], {"holder": self.token}
            )
        except (psycopg.Error, OSError) as e:
            logger.debug("%s: the lease runs out: %s", self._server.name, e)
        self._connection.close()


class Applicant:
    """Asks for a lease, again and again if need be, on one connection meanwhile."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = Lock()
        self._kept: Connection | None = None
        self._is_closed = False

    def take(
        self,
        terms: LeaseTerms,
        executor_ids: Iterable[str],
        on_loss: Callable[[], None],
    ) -> PostgresLease | None:
        """Become the first of these executors that nobody is; None if there is none.

        Raises:
            psycopg.Error: The server could not be asked.
        """
        ids = list(executor_ids)
        with self._lock:
            connection, self._kept = self._kept, None
        if connection is not None:
            # It may have been lost since the last time.
            with suppress(psycopg.OperationalError):
                return self._ask(connection, terms, ids, on_loss)
        return self._ask(_connected(self._server, terms), terms, ids, on_loss)

    def _ask(
        self,
        connection: Connection,
        terms: LeaseTerms,
        executor_ids: list[str],
        on_loss: Callable[[], None],
    ) -> PostgresLease | None:
        try:
            lease = PostgresLease.take(
                self._server, terms, executor_ids, on_loss, connection
            )
        except BaseException:
            connection.close()
            raise
        if lease is None:
            self._keep(connection)
        return lease

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            if not self._is_closed and self._kept is None:
                self._kept = connection
                return
        connection.close()

    def close(self) -> None:
        """Keep no connection any more."""
        with self._lock:
            self._is_closed = True
            connection, self._kept = self._kept, None
        if connection is not None:
            connection.close()


def free_of(ids: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> list[str]:
    """Which of these executors have no lease, from the rows of those that are."""
    taken = {row[0] for row in rows}
    return [executor_id for executor_id in ids if executor_id not in taken]


def holders_of(
    executor_ids: Iterable[str], rows: Iterable[tuple[Any, ...]]
) -> tuple[str, ...]:
    """Who is each of these executors, in words, from the rows of their leases."""
    known = {
        executor_id: f"{executor_id} by process {pid} on {host} since "
        f"{datetime.fromtimestamp(taken_at, tz=UTC):%Y-%m-%d %H:%M:%S} UTC (last sign "
        f"of life {float(age_s):.1f} s ago)"
        for executor_id, host, pid, taken_at, age_s in rows
    }
    otherwise = "by a process that was launched with this 'executor_id'"
    return tuple(known.get(each, f"{each} {otherwise}") for each in executor_ids)


def _connected(server: Server, terms: LeaseTerms) -> Connection:
    """A connection that is given up before the lease runs out, not after."""
    patience_s = terms.timeout_s - terms.heartbeat_s
    # To connect takes whole seconds, and no less than two.
    connection = server.connect(max(2.0, patience_s))
    connection.silence_s = patience_s
    return connection


def _clock() -> float:
    """A clock that goes on while the machine sleeps, where the system has one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
