"""Requests that belong to a trace: the runs that they start belong to it too."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from durable_notebook.runtime import as_asked_by

# The W3C's names for what names a trace.
_NAMES = ("traceparent", "tracestate")


class TakesUpTraces:
    """Has a run take up the trace of the request, if the program makes spans.

    A program that instruments its application itself has done so already.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            found = {name: headers[name] for name in _NAMES if name in headers}
            if "traceparent" in found:
                with as_asked_by(found):
                    await self._app(scope, receive, send)
                return
        await self._app(scope, receive, send)
