"""A line to the Postgres server that breaks at a chosen message."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from .postgres_server import PostgresServer

Loss = Literal["request", "answer", "client"]
"""What is lost: a request on its way there, the answer to it, or only the client.

Of the last the server does not know: it goes on with the request.
"""


class BadLine:
    """Passes on what clients and the server say, until a request holds a marker."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._armed: tuple[bytes, Loss] | None = None
        self._is_dead = False
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
            server.connect(str(self._server.socket / ".s.PGSQL.5432"))
            self._open += [client, server]
            losing = threading.Event()
            self._start(self._requests, client, server, losing)
            self._start(self._answers, client, server, losing)

    def _requests(
        self, client: socket.socket, server: socket.socket, losing: threading.Event
    ) -> None:
        while data := _received(client):
            armed = self._armed
            if armed is not None and armed[0] in data:
                self._armed = None
                if armed[1] == "request":
                    self.broke.set()
                    break
                losing.set()
                if armed[1] == "client":
                    _sent(server, data)
                    client.shutdown(socket.SHUT_RDWR)
                    self.broke.set()
                    return
            if not _sent(server, data):
                break
        _hang_up(client, server)

    def _answers(
        self, client: socket.socket, server: socket.socket, losing: threading.Event
    ) -> None:
        while data := _received(server):
            if losing.is_set():
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
