"""How requests end that would outlive their server: streams, and waits for a run.

Without this a server that is asked to stop waits for its readers to leave, and a page
with an open stream never does.
"""

from __future__ import annotations

import asyncio
import re
import socket
from typing import Any

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LASTING = re.compile(r"/workflows/[^/]+/run/?$|/events/[^/]+/?$")


class LeavingServer(uvicorn.Server):
    """Tells when it begins to stop."""

    def __init__(self, config: uvicorn.Config, leaving: asyncio.Event) -> None:
        super().__init__(config)
        self._leaving = leaving

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._leaving.set()
        await super().shutdown(sockets)


class EndsWithServer:
    """Ends a lasting request when the server stops; its run goes on after a restart."""

    def __init__(self, app: ASGIApp, leaving: asyncio.Event) -> None:
        self._app = app
        self._leaving = leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _LASTING.search(scope["path"]):
            await self._until_leaving(scope, receive, send)
        else:
            await self._app(scope, receive, send)

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
