"""The few connections that reads share, whoever reads on whatever thread."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from threading import Event, Lock, Semaphore
from typing import Any

import psycopg

from durable_notebook.errors import StorageError
from durable_notebook.store._postgres_connection import Connection
from durable_notebook.store._postgres_server import Server, is_lost

# Of these a journal has at most so many, unless it is told otherwise, however many runs
# there are: a run that waits holds none.
_MOST = 4

# A loop waits so long for a server that says nothing, and tries so often at once: a
# connection can be cut while it is made, too.
_ON_A_LOOP_S = 3.0
_TRIES_ON_A_LOOP = 3


class Readers:
    """Connections for reading; a broken one is replaced while the read goes on."""

    def __init__(
        self, server: Server, most: int | None = None, least: int | None = None
    ) -> None:
        """With the `least` of them open at once.

        Raises:
            StorageError: The server did not take them.
        """
        self._server = server
        self._turns = Semaphore(most or max(_MOST, least or 0))
        self._idle: deque[Connection] = deque()
        self._lock = Lock()
        self._closed = Event()
        try:
            for _ in range(least or 0):
                self._idle.append(server.connect())
        except psycopg.Error as e:
            self.close()
            raise server.error(e) from e

    def read(self, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a statement.

        A read whose connection is lost is done again on a new one. On an event loop
        that is tried at once or not at all, and a silent server is asked twice:
        nothing else would go on. On a thread of its own a read waits for the server.

        Raises:
            StorageError: The database did not answer.
        """
        patience_s, silence_s = 0.0, _ON_A_LOOP_S
        if not _is_on_a_loop():
            patience_s, silence_s = self._server.patience_s, self._server.silence_s
        if not self._turns.acquire(timeout=silence_s):
            raise StorageError(self._server.name, "its connections are all in use")
        try:
            return self._read(statement, values, patience_s, silence_s)
        finally:
            self._turns.release()

    def _read(
        self,
        statement: str,
        values: dict[str, Any],
        patience_s: float,
        silence_s: float,
    ) -> list[tuple[Any, ...]]:
        began = time.monotonic()
        tries = 0
        while True:
            tries += 1
            connection = None
            try:
                connection = self._take(began + patience_s, silence_s)
                rows = connection.execute(self._server.sql[statement], values)
                found = rows.fetchall()
            except (psycopg.Error, UnicodeError, OverflowError) as e:
                was_lost = connection is None or is_lost(connection, e)
                if connection is not None:
                    self._give_back(connection, was_lost=was_lost)
                waited_s = time.monotonic() - began
                most = _TRIES_ON_A_LOOP if waited_s < silence_s else 2
                if not was_lost or (tries >= most and waited_s > patience_s):
                    raise self._server.error(e) from e
            else:
                self._give_back(connection, was_lost=False)
                return found

    def _take(self, deadline: float, silence_s: float) -> Connection:
        with self._lock:
            if self._closed.is_set():
                raise StorageError(self._server.name, "the journal was closed")
            if self._idle:
                connection = self._idle.pop()
                connection.silence_s = silence_s
                return connection
        return self._server.connect_until(deadline, silence_s, self._closed)

    def _give_back(self, connection: Connection, *, was_lost: bool) -> None:
        with self._lock:
            unusable = [connection] if was_lost or self._closed.is_set() else []
            if was_lost:  # The server is gone, and so are the others most likely.
                unusable += self._idle
                self._idle.clear()
            if not unusable:
                self._idle.append(connection)
        for each in unusable:
            each.close()

    def close(self) -> None:
        """Close what is idle; what is in use is closed when its read is done.

        A read that waits for the server waits no longer.
        """
        with self._lock:
            self._closed.set()
            idle = list(self._idle)
            self._idle.clear()
        for connection in idle:
            connection.close()


def _is_on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
