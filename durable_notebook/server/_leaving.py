"""How a server stops: requests that would outlive it end, and step bodies end first.

Without this a server that is asked to stop waits for its readers to leave, and a page
with an open stream never does.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LASTING = re.compile(r"/workflows/[^/]+/run/?$|/events/[^/]+/?$")
_STARTING = re.compile(r"/workflows/[^/]+/run(-nowait)?/?$")

# It is looked so often whether somebody wants the server to stop at once.
_LOOK_S = 0.1


class LeavingServer(uvicorn.Server):
    """Tells when it begins to stop, and lets step bodies end before it does.

    After a SIGTERM `serve` returns, and the program ends by itself; theirs is ended by
    the signal, in the middle of what its caller has to do yet.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        leaving: asyncio.Event,
        drain: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(config)
        self._leaving = leaving
        self._drain = drain
        self._is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._is_up.set()

    async def until_up(self, serving: asyncio.Task[None]) -> None:
        """Wait until whoever asks is answered, or `serve` has ended without that."""
        await _until(self._is_up, serving)

    async def until_leaving(self, serving: asyncio.Task[None]) -> None:
        """Wait until it begins to stop, or `serve` has ended without that."""
        await _until(self._leaving, serving)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        with super().capture_signals():
            yield
            told = [s for s in self._captured_signals if s != signal.SIGTERM]
            self._captured_signals = told

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._leaving.set()
        await self._let_bodies_end()
        await super().shutdown(sockets)

    async def _let_bodies_end(self) -> None:
        """Unless they take too long, or somebody is in a hurry."""
        draining = asyncio.ensure_future(self._drain())
        while not (draining.done() or self.force_exit):
            await asyncio.wait([draining], timeout=_LOOK_S)
        if draining.done():
            draining.result()
        else:
            draining.cancel()


async def _until(event: asyncio.Event, serving: asyncio.Task[None]) -> None:
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait([waiting, serving], return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


class EndsWithServer:
    """Ends a lasting request when the server stops; its run goes on after a restart."""

    def __init__(self, app: ASGIApp, leaving: asyncio.Event) -> None:
        self._app = app
        self._leaving = leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._refuses(scope):
            await _closing(scope, receive, send)
        elif scope["type"] == "http" and _LASTING.search(scope["path"]):
            await self._until_leaving(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refuses(self, scope: Scope) -> bool:
        is_start = scope["type"] == "http" and scope["method"] == "POST"
        is_start = is_start and _STARTING.search(scope["path"]) is not None
        return is_start and self._leaving.is_set()

    async def _until_leaving(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_started = False

        async def noted(message: Message) -> None:
            nonlocal is_started
            is_started = True
            await send(message)

        work = asyncio.ensure_future(self._answer(scope, receive, noted))
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            await asyncio.wait([work, leaving], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                work.cancel()
                await asyncio.wait([work])
            if not work.cancelled():
                work.result()
            elif is_started:
                await send({"type": "http.response.body", "body": b""})
            else:
                await _closing(scope, receive, send)
        finally:
            work.cancel()
            leaving.cancel()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Any:
        await self._app(scope, receive, send)


async def _closing(scope: Scope, receive: Receive, send: Send) -> None:
    detail = (
        "The server is closing. A run that was started goes on when it is back: look "
        "for it among the handlers."
    )
    await JSONResponse({"detail": detail}, status_code=503)(scope, receive, send)
