"""Who may ask a server, from where, and how much.

A server on loopback is open to whoever has the machine, and to every page that a
browser on it shows: a page of anywhere may post to 127.0.0.1, or have its own name lead
there. So requests of foreign pages are refused, not only kept from reading the answer.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from durable_notebook._config import TOKEN_VARIABLE
from durable_notebook.errors import ConfigError

# What a load balancer may ask without a token, and the page that asks for it: they tell
# nothing.
_OPEN = ("/health", "/")

_MOST_BYTES = 16 * 1024 * 1024
_SLOWEST_S = 30.0


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Where a server listens, and whom it answers.

    Attributes:
        host: An address to listen on; any but a loopback one needs a token.
        port: A port; 0 for one that is free.
        token: What requests carry as `Authorization: Bearer`; None for nothing.
        origins: Pages of elsewhere that may ask, each as `scheme://host[:port]`.
        most_bytes: The longest body of a request.
        slowest_s: The seconds in which a body has to arrive.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    origins: tuple[str, ...] = ()
    most_bytes: int = _MOST_BYTES
    slowest_s: float = _SLOWEST_S

    def __post_init__(self) -> None:
        """Refuse what would leave a door open.

        Raises:
            ConfigError: An address of others without a token, a weak token, or an
                origin that is none.
        """
        if not self.is_loopback and self.token is None:
            raise ConfigError(
                f"Whoever reaches {self.host!r} could start and answer runs.",
                f"Give the server a token (${TOKEN_VARIABLE}), or let it listen on "
                "127.0.0.1.",
            )
        if self.token is not None and not _is_token(self.token):
            raise ConfigError(
                "The token is too easy to guess, or has blanks in it.",
                "Give at least 16 letters and digits: \"python -c 'import secrets; "
                "print(secrets.token_urlsafe())'\" makes one.",
            )
        for origin in self.origins:
            if not _is_origin(origin):
                raise ConfigError(
                    f"{origin!r} is no exact origin of a page.",
                    "Write it as the browser does, 'https://example.org' with the port "
                    "if it has one, and no path.",
                )

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine can ask."""
        return _is_loopback(self.host)

    def guard(self, app: Starlette) -> None:
        """Have it hold before all that an application does."""
        app.add_middleware(AccessMiddleware, policy=self)
        if self.origins:
            # Before that, so that a page is told why it was refused.
            app.add_middleware(
                CORSMiddleware,
                allow_origins=self.origins,
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
            )


class AccessMiddleware:
    """Refuses a request with a reason before anything of it is done."""

    def __init__(self, app: ASGIApp, policy: AccessPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return
        body = _Body(receive, self._policy)
        try:
            await self._app(scope, body.receive, body.unless_refused(send))
        except _RefusedError:
            assert body.refused is not None
            await body.refused(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers, policy = Headers(scope=scope), self._policy
        host = headers.get("host", "")
        if policy.token is None and not _is_loopback(_name_of(host)):
            # A name of somebody else's that leads here.
            return _refused(421, f"This server is not {_name_of(host)!r}.")
        origin = headers.get("origin")
        own = f"{scope.get('scheme', 'http')}://{host}"
        if origin is not None and origin not in (own, *policy.origins):
            return _refused(403, f"Pages of {origin} may not ask this server.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > policy.most_bytes:
            return _too_long(policy.most_bytes)
        is_open = scope["method"] in ("GET", "HEAD") and scope["path"] in _OPEN
        if is_open or self._is_known(headers):
            return None
        return _refused(
            401,
            "This server wants its token: 'Authorization: Bearer TOKEN'.",
            {"WWW-Authenticate": "Bearer"},
        )

    def _is_known(self, headers: Headers) -> bool:
        token = self._policy.token
        if token is None:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        # Compared whole, whatever of it is right: the time must tell nothing.
        is_right = hmac.compare_digest(given.strip().encode(), token.encode())
        return kind.lower() == "bearer" and is_right


class _RefusedError(Exception):
    """The body of a request is not taken."""


class _Body:
    """A request's body, up to so many bytes and so long."""

    def __init__(self, receive: Receive, policy: AccessPolicy) -> None:
        self._receive = receive
        self._policy = policy
        self._left = policy.most_bytes
        self._deadline = _clock() + policy.slowest_s
        self._is_complete = False
        self._has_begun = False
        self.refused: JSONResponse | None = None

    async def receive(self) -> Message:
        if self._is_complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            seconds = f"{self._policy.slowest_s:.0f}"
            self._refuse(_refused(408, f"The body did not come within {seconds} s."))
        self._left -= len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if self._left < 0:
            self._refuse(_too_long(self._policy.most_bytes))
        return message

    def _refuse(self, answer: JSONResponse) -> None:
        self.refused = answer
        raise _RefusedError

    def unless_refused(self, send: Send) -> Callable[[Message], Awaitable[None]]:
        """Send nothing of an answer to a request that is refused meanwhile."""

        async def sent(message: Message) -> None:
            if self.refused is not None and not self._has_begun:
                raise _RefusedError
            self._has_begun = True
            await send(message)

        return sent


def _clock() -> float:
    return asyncio.get_running_loop().time()


def _refused(
    status: int, detail: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    # What is left of a body is not read: the connection is of no more use.
    closed = {"Connection": "close", **(headers or {})}
    return JSONResponse({"detail": detail}, status_code=status, headers=closed)


def _too_long(most_bytes: int) -> JSONResponse:
    most = f"{most_bytes / 1024 / 1024:.0f} MiB"
    return _refused(413, f"The body is longer than {most}, the most that is taken.")


def _name_of(host: str) -> str:
    """The name in a `Host` header, without its port; empty if it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_token(token: str) -> bool:
    return len(token) >= 16 and token.isascii() and not any(map(str.isspace, token))


def _is_origin(origin: str) -> bool:
    try:
        parts: Any = urlsplit(origin)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname)
        has_port = parts.port is None or parts.port >= 0
    except ValueError:
        return False
    is_exact = is_whole and has_port and "*" not in origin
    return is_exact and origin == f"{parts.scheme}://{parts.netloc}"
