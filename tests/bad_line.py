"""A line to the Postgres server that breaks at a chosen message."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from .postgres_server import PostgresServer

Loss = Literal["request", "answer", "client", "end"]
"""What is lost: a request on its way there, the answer to it, or only the client.

Of the last the server does not know: it goes on with the request. Without its end,
the server has done the request, keeps what it locked, and waits for more.
"""

_SYNC = b"S\x00\x00\x00\x04"


@dataclass(slots=True)
class _Connection:
    """The two ends of one, whether an answer is to be lost, and whether it listens."""

    client: socket.socket
    server: socket.socket
    losing: threading.Event = field(default_factory=threading.Event)
    listens: bool = False


class BadLine:
    """Passes on what clients and the server say, until a request holds a marker."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._armed: tuple[bytes, Loss] | None = None
        self._is_dead = False
        self._flows = threading.Event()
        self._flows.set()
        self._is_only_deaf = False
        self.broke = threading.Event()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / ".s.PGSQL.5432"))
        self._listening.listen()
        self._start(self._accept)

    def url(self, url: str) -> str:
        """The URL of a database, over this line."""
        return f"{url.partition('?')[0]}?host={quote(str(self._folder))}"

    def break_at(self, marker: str, loss: Loss) -> None:
        """Break once, at the next request that holds this text."""
        self._armed = (marker.encode(), loss)

    @contextmanager
    def silent(self, *, is_lost: bool = False) -> Iterator[None]:
        """Nothing comes through in this block, and nobody is told.

        What is on its way arrives after it, or every connection turns out to be lost.
        """
        self._flows.clear()
        try:
            yield
        finally:
            if is_lost:
                _hang_up(*self._open)
            self._flows.set()

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """The same, but only of the connections that listen."""
        self._is_only_deaf = True
        try:
            with self.silent():
                yield
        finally:
            self._is_only_deaf = False

    def _until_it_flows(self, connection: _Connection) -> None:
        if connection.listens or not self._is_only_deaf:
            self._flows.wait()

    def close_for_now(self) -> None:
        """Take no new connections."""
        self._is_dead = True

    def open_again(self) -> None:
        """Take new connections."""
        self._is_dead = False

    def _start(self, function: object, *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self._is_dead:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self._server.socket / ".s.PGSQL.5432"))
            except OSError:  # It is down.
                client.close()
                server.close()
                continue
            self._open += [client, server]
            connection = _Connection(client, server)
            self._start(self._requests, connection)
            self._start(self._answers, connection)

    def _requests(self, connection: _Connection) -> None:
        client, server = connection.client, connection.server
        while data := _received(client):
            connection.listens |= b"LISTEN durable_mail" in data
            self._until_it_flows(connection)
            armed = self._armed
            if armed is not None and armed[0] in data:
                self._armed = None
                if armed[1] == "request":
                    self.broke.set()
                    break
                connection.losing.set()
                if armed[1] in ("client", "end"):
                    end = _SYNC if armed[1] == "end" else b""
                    _sent(server, data.removesuffix(end))
                    client.shutdown(socket.SHUT_RDWR)
                    self.broke.set()
                    return
            if not _sent(server, data):
                break
        _hang_up(client, server)

    def _answers(self, connection: _Connection) -> None:
        client, server = connection.client, connection.server
        while data := _received(server):
            self._until_it_flows(connection)
            if connection.losing.is_set():
                self.broke.set()
                break
            if not _sent(client, data):
                break
        _hang_up(client, server)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._threads[0].join()
        _hang_up(*self._open)
        for thread in self._threads:
            thread.join()
        for each in self._open:
            each.close()


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(1 << 20)
    except OSError:
        return b""


def _sent(end: socket.socket, data: bytes) -> bool:
    try:
        end.sendall(data)
    except OSError:
        return False
    return True


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):  # It may have been already.
            end.shutdown(socket.SHUT_RDWR)
