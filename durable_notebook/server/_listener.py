"""A guarded server on an address, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator, Mapping
from typing import Self

import uvicorn
from workflows import Workflow

from durable_notebook.errors import ConfigError
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.server._access_policy import AccessPolicy
from durable_notebook.server._app import WorkflowServer
from durable_notebook.server._leaving import LeavingServer
from durable_notebook.server._metrics import Metrics
from durable_notebook.server._page import Page
from durable_notebook.server._theirs import tell_failures_once

# What is open at once; the others are told to come again. A slow client holds one.
_MOST_CONNECTIONS = 1000

# Who has not sent all of a request by then is not waited for when it stops.
_SLOWEST_END_S = 5


class Listener:
    """Serves workflows by their names, and `/metrics`, in its `async with`.

    A runtime that is launched already stays so, and its runs go on when the server
    stops: of another one, they drain. Nothing of a server is on disk.

    Its page at `/` is our own, and needs no other host.

    Attributes:
        url: Where it is, with the port that was free.

    Args:
        idle_timeout: After how many seconds runs that wait leave memory; None for
            never.
        takes_signals: Whether SIGTERM and Ctrl-C stop it. In a kernel they mean
            something else.

    Raises:
        ConfigError: The address cannot be listened on.
    """

    def __init__(
        self,
        runtime: DBOSRuntime,
        workflows: Mapping[str, Workflow],
        policy: AccessPolicy,
        *,
        idle_timeout: float | None = 600.0,
        drain_timeout: float = 20.0,
        takes_signals: bool = True,
    ) -> None:
        store = runtime.create_workflow_store()
        self._server = WorkflowServer(
            runtime=runtime.build_server_runtime(idle_timeout=idle_timeout),
            workflow_store=store,
            middleware=[],
            drain_timeout=drain_timeout,
        )
        tell_failures_once()
        Page(runtime, store).put_on(self._server.app)
        self._metrics = Metrics(runtime)
        self._server.app.router.routes.insert(0, self._metrics.route)
        policy.guard(self._server.app)
        for name, workflow in workflows.items():
            self.serve(name, workflow)
        self._policy = policy
        self._takes_signals = takes_signals
        self._socket: socket.socket
        self._http: LeavingServer
        self._serving: asyncio.Task[None]
        self.url = ""

    def serve(self, name: str, workflow: Workflow) -> None:
        """Have a workflow under a name; new runs of a name that was there take it."""
        self._server.add_workflow(name, workflow)

    async def __aenter__(self) -> Self:
        """Listen: whoever asks is answered when this returns."""
        self._socket = _bound(self._policy)
        try:
            await self._server.start()
            await self._metrics.begin()
        except BaseException:
            self._socket.close()
            raise
        port = self._socket.getsockname()[1]
        host = self._policy.host
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        config = uvicorn.Config(
            self._server.app,
            log_config=None,
            log_level="warning",
            access_log=False,
            limit_concurrency=_MOST_CONNECTIONS,
            server_header=False,
            timeout_graceful_shutdown=_SLOWEST_END_S,
        )
        self._http = self._server.http_server(config)
        if not self._takes_signals:
            self._http.capture_signals = _no_signals  # type: ignore[method-assign]
        work = self._http.serve(sockets=[self._socket])
        self._serving = asyncio.create_task(work, name="durable-notebook-server")
        await self._http.until_up(self._serving)
        return self

    async def until_told(self) -> None:
        """Wait until it is told to stop; step bodies may still go on."""
        await self._http.until_leaving(self._serving)

    async def until_stopped(self) -> None:
        """Wait until it is told to stop, and has."""
        await asyncio.wait([self._serving])

    async def __aexit__(self, *_: object) -> None:
        self._http.should_exit = True
        try:
            await asyncio.shield(self._serving)
        finally:
            self._socket.close()
            await self._server.stop()


@contextlib.contextmanager
def _no_signals() -> Generator[None, None, None]:
    yield


def _bound(policy: AccessPolicy) -> socket.socket:
    kind = socket.AF_INET6 if ":" in policy.host else socket.AF_INET
    found = socket.socket(kind)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((policy.host, policy.port))
    except OSError as e:
        found.close()
        if e.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"Port {policy.port} of {policy.host} is taken by another program.",
                "Choose another port; 0 finds one that is free.",
            ) from e
        raise ConfigError(
            f"{policy.host}:{policy.port} cannot be listened on: {e.strerror or e}.",
            "Choose an address of this machine, and a port from 1024 to 65535.",
        ) from e
    return found
