"""The connection that a process keeps: it hears of messages and holds the executor."""

from __future__ import annotations

import logging
import selectors
import socket
import time
from dataclasses import dataclass
from threading import Lock, Thread

import psycopg

from durable_notebook.store._postgres_connection import Connection
from durable_notebook.store._postgres_server import Server

logger = logging.getLogger("durable_notebook")

_RETRY_S = 0.25

# The server hears of the death of a process a moment after the process that follows it.
_GONE_S = 0.5


class Session:
    """Listens on one connection, and makes it anew when it is lost.

    The locks of executors live as long as their connection. They are taken again with
    the new one; the runs' own fence holds while nobody has them.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._executors: set[str] = set()
        self._missing: set[str] = set()
        self._reported: set[str] = set()
        self._lock = Lock()
        self._is_closed = False
        self._is_away = False
        self._has_news = True
        self._connection = self._connected()
        self._wakes, self._woken = socket.socketpair()
        self._thread = Thread(
            target=self._listen, name="durable-notebook-listener", daemon=True
        )
        self._thread.start()

    def _connected(self, instead_of: Connection | None = None) -> Connection:
        connection = self._server.connect()
        try:
            if instead_of is not None:
                self._server.end(instead_of, connection)
            connection.execute(self._server.sql["listen"])
        except BaseException:
            connection.close()
            raise
        return connection

    # -- messages --------------------------------------------------------------

    def has_news(self) -> bool:
        """Whether there may be new messages since the last call."""
        if not self._has_news:
            return False
        # What comes before this is seen by whoever asked, what comes after it is kept.
        self._has_news = False
        return True

    def expect_news(self) -> None:
        """Have the next call look, whatever the server says."""
        self._has_news = True

    # -- executors -------------------------------------------------------------

    def take(self, executor_id: str) -> bool:
        """Take an executor's lock, unless somebody has it.

        Raises:
            psycopg.Error: The server could not be asked.
        """
        with self._lock:
            # A connection may take its own lock again, which means nothing here.
            if executor_id in self._executors:
                return False
            is_taken = self._try(self._connection, executor_id)
            deadline = time.monotonic() + _GONE_S
            while not is_taken and time.monotonic() < deadline:
                time.sleep(0.02)
                is_taken = self._try(self._connection, executor_id)
            if is_taken:
                self._executors.add(executor_id)
            return is_taken

    def release(self, executor_id: str) -> None:
        """Give an executor's lock back."""
        with self._lock:
            self._executors.discard(executor_id)
            self._missing.discard(executor_id)
            if not self._is_closed:
                try:
                    lock = {"lock": self._server.key(executor_id)}
                    self._connection.execute(self._server.sql["let_go"], lock)
                except psycopg.Error:
                    # It went with the connection.
                    logger.debug("executor %r was not held", executor_id)
            self._has_news = True  # It may have come with the answer.

    def _try(self, connection: Connection, executor_id: str) -> bool:
        values = {"lock": self._server.key(executor_id), "executor_id": executor_id}
        sql = self._server.sql
        row = connection.execute(sql["hold"], values).fetchone()
        is_held = row is not None and bool(row[0])
        # Asked while we have the lock: who takes a lease needs it for a moment.
        if is_held and not self._end_lease(connection, values):
            connection.execute(sql["let_go"], values)
            is_held = False
        self._has_news = True  # It may have come with the answer.
        return is_held

    def _end_lease(self, connection: Connection, values: dict[str, object]) -> bool:
        """End a lease that has expired; gives whether there is none any more."""
        sql = self._server.sql
        row = connection.execute(sql["lease_has_expired"], values).fetchone()
        if row is None:
            return True
        if not row[0]:
            return False
        # It ends nothing if its holder has renewed it since we looked.
        return connection.execute(sql["end_expired_lease"], values).rowcount == 1

    # -- the thread ------------------------------------------------------------

    def _listen(self) -> None:
        while not self._is_closed:
            try:
                self._wait()
                if not self._is_closed:
                    self._hear()
            except (psycopg.Error, OSError, ValueError) as e:
                logger.debug("%s: listening stopped: %s", self._server.name, e)
                self._mend()

    def _wait(self) -> None:
        """Until the server or `close` says something, or a lock can be tried again."""
        with selectors.DefaultSelector() as ready:
            ready.register(self._woken, selectors.EVENT_READ)
            ready.register(self._connection.fileno(), selectors.EVENT_READ)
            ready.select(_RETRY_S if self._missing else None)

    def _hear(self) -> None:
        with self._lock:
            for _ in self._connection.notifies(timeout=0):
                self._has_news = True
            self._retake(self._connection)

    def _mend(self) -> None:
        """Connect anew; gives up for now if the server is not there."""
        self._connection.close()
        try:
            connection = self._connected(instead_of=self._connection)
        except (psycopg.Error, OSError) as e:
            self._tell_that_away(e)
            self._pause()
            return
        self._tell_that_back()
        with self._lock:
            self._connection = connection
            self._missing = set(self._executors)
            # What was posted meanwhile was told to nobody.
            self._has_news = True
            try:
                self._retake(connection)
            except psycopg.Error:
                connection.close()

    def _tell_that_away(self, problem: Exception) -> None:
        if not self._is_away and not self._is_closed:
            self._is_away = True
            logger.warning(
                "%s is out of reach: %s. Runs wait for it up to %.0f s, and then "
                "stand still until it is back.",
                self._server.name,
                self._server.error(problem).problem,
                self._server.patience_s,
            )

    def _tell_that_back(self) -> None:
        if self._is_away:
            self._is_away = False
            logger.warning("%s is in reach again.", self._server.name)

    def _pause(self) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(self._woken, selectors.EVENT_READ)
            ready.select(_RETRY_S)

    def _retake(self, connection: Connection) -> None:
        for executor_id in sorted(self._missing):
            if self._try(connection, executor_id):
                self._missing.discard(executor_id)
                self._reported.discard(executor_id)
            elif executor_id not in self._reported:
                self._reported.add(executor_id)
                logger.warning(
                    "The connection that made this process executor %r of %s was lost, "
                    "and somebody else is it now. The runs that are taken over stop "
                    "here; end one of the two processes.",
                    executor_id,
                    self._server.name,
                )

    def close(self) -> None:
        """End the thread and close the connection; the executors are free."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        self._wakes.send(b"x")
        self._thread.join()
        self._connection.close()
        self._wakes.close()
        self._woken.close()


@dataclass(frozen=True, slots=True)
class SessionHold:
    """An executor's lock, kept by the store's own session."""

    session: Session
    executor_id: str

    def release(self) -> None:
        """Stop being the executor."""
        self.session.release(self.executor_id)

    def problem(self) -> None:
        """Its connection is made anew; until then the runs' own fence holds."""
