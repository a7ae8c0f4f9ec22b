"""A server inside the test's own process, and a client that needs no socket for it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from llama_agents.server import WorkflowServer as TheirServer
from process_lives import quick_dbos
from workflows import Workflow

from durable_notebook import Client, DBOSRuntime
from durable_notebook.server import JournalStore, WorkflowServer

# Theirs tells of it once a process, whoever cancels: `_service._cancel_run` calls it.
THEIR_DEPRECATED_CALL = "ignore:WorkflowHandler.done:DeprecationWarning"


@dataclass(frozen=True, slots=True)
class Served:
    """A server, its runtime, and who asks it."""

    runtime: DBOSRuntime
    http: httpx.AsyncClient
    store: JournalStore
    server: TheirServer

    @property
    def client(self) -> Client:
        return Client(self.runtime)

    async def start(self, route: str, body: Any = None) -> str:
        """Start a run; gives the handler's id."""
        reply = await self.http.post(f"/workflows/{route}/run-nowait", json=body or {})
        assert reply.status_code == 200, reply.text
        return str(reply.json()["handler_id"])

    async def handler(self, handler_id: str) -> dict[str, Any]:
        reply = await self.http.get(f"/handlers/{handler_id}")
        found: dict[str, Any] = reply.json()
        return found

    async def finished(self, handler_id: str) -> dict[str, Any]:
        """The handler, once its run has ended, for DBOS too."""
        run_id = (await self.handler(handler_id))["run_id"]
        result = asyncio.create_task(self.client.run(run_id).result())
        done, _ = await asyncio.wait([result], timeout=10)
        assert done, await self.handler(handler_id)
        result.exception()  # It is told by the handler.
        return await self.handler(handler_id)

    async def asked(self, handler_id: str) -> None:
        """Wait until a run has asked its question."""
        deadline = time.monotonic() + 10
        while not (await self.client.run(handler_id).info()).prompts:
            assert time.monotonic() < deadline, "no question was asked"
            await asyncio.sleep(0.001)

    async def send(self, handler_id: str, kind: str, **value: Any) -> httpx.Response:
        event = {"type": kind, "value": value}
        return await self.http.post(f"/events/{handler_id}", json={"event": event})

    async def events(self, handler_id: str, after: int = -1) -> list[tuple[int, Any]]:
        """Number and data of a finished run's events."""
        reply = await self.http.get(f"/events/{handler_id}?after_sequence={after}")
        assert reply.status_code == 200, reply.text
        return parsed(reply.text)


def parsed(stream: str) -> list[tuple[int, Any]]:
    """Number and data of each server-sent event."""
    found = []
    for block in stream.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in lines:
            found.append((int(lines["id"]), json.loads(lines["data"])))
    return found


@asynccontextmanager
async def serving(
    url: str,
    workflows: dict[str, type[Workflow] | Workflow],
    *,
    kind: type[TheirServer] = WorkflowServer,
    **options: Any,
) -> AsyncIterator[Served]:
    """A started server with these workflows on their routes."""
    quick_dbos(url)
    runtime = DBOSRuntime(database_url=url, **options)
    store = runtime.create_workflow_store()
    server = kind(workflow_store=store, runtime=runtime.build_server_runtime())
    for route, workflow in workflows.items():
        is_class = isinstance(workflow, type)
        made = workflow(runtime=runtime) if is_class else workflow  # type: ignore[operator]
        server.add_workflow(route, made)
    transport = httpx.ASGITransport(app=server.app)
    base_url = "http://server"
    async with (
        server.contextmanager(),
        httpx.AsyncClient(transport=transport, base_url=base_url) as http,
    ):
        yield Served(runtime, http, store, server)
