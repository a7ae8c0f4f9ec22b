"""`WorkflowServer`: theirs, with what its clients would miss."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from workflows import Workflow
from workflows.events import Event
from workflows.runtime.types.step_id import StepId
from workflows.runtime.types.ticks import TickAddEvent

from durable_notebook.errors import (
    OtherArgumentsError,
    RunFinishedError,
    RunIdTakenError,
    UnknownRunError,
)
from durable_notebook.logs import about
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.server import _theirs
from durable_notebook.server._admission import check_start
from durable_notebook.server._leaving import EndsWithServer, LeavingServer
from durable_notebook.server._runtime import ServedRuntime
from durable_notebook.server._theirs import (
    EventSendError,
    HandlerCompletedError,
    HandlerNotFoundError,
    HandlerQuery,
)
from durable_notebook.server._traces import TakesUpTraces

logger = logging.getLogger("durable_notebook")

_RUN = re.compile(r"/workflows/[^/]+/run(-nowait)?/?")


class WorkflowServer(_theirs.WorkflowServer):
    """Serve workflows over HTTP, on a runtime whose `build_server_runtime()` it has.

    In addition to theirs: `POST .../run` needs no body; `POST /events/{id}` returns
    once the event is on disk; a stream that has been read to its end is a plain 204;
    open streams do not keep it from stopping; a workflow that has run already can be
    served; an id that no handler can have is a 400, and one that two requests want for
    different runs at once is a 409 for the second. Told to stop (SIGTERM, Ctrl-C),
    `serve` takes no new runs, lets step bodies in flight end, and returns: nothing is
    done again by the next server.

    Args:
        drain_timeout: How many seconds they have for that.
        options: Theirs: `workflow_store`, `runtime`, `middleware` and others. For a
            `DBOSRuntime` itself, the store and what its `build_server_runtime` gives
            are made here.
    """

    def __init__(self, *, drain_timeout: float = 20.0, **options: Any) -> None:
        if isinstance(options.get("runtime"), DBOSRuntime):
            options["runtime"] = options["runtime"].build_server_runtime()
        runtime = options.get("runtime")
        self._served = runtime if isinstance(runtime, ServedRuntime) else None
        self._durable = None if self._served is None else self._served.runtime
        if self._durable is not None and options.get("workflow_store") is None:
            options["workflow_store"] = self._durable.create_workflow_store()
        super().__init__(**options)
        self._leaving = asyncio.Event()
        self._drain_timeout_s = drain_timeout
        self.app.add_middleware(_BodyIsOptional)
        self.app.add_middleware(TakesUpTraces)
        self.app.add_middleware(EndsWithServer, leaving=self._leaving)
        self.app.add_exception_handler(204, _no_content)
        if self._durable is not None:
            _theirs.send_with(self, self._send)
            _theirs.check_starts(self, check_start)
            _theirs.refuse_starts(self, (OtherArgumentsError, RunIdTakenError))

    def add_workflow(
        self,
        name: str,
        workflow: Workflow,
        additional_events: list[type[Event]] | None = None,
    ) -> None:
        if workflow.runtime is self._durable:
            # Runs that it has had keep the name under which they were begun.
            workflow._runtime_locked = False
        super().add_workflow(name, workflow, additional_events)

    async def serve(
        self,
        host: str = "localhost",
        port: int = 80,
        uvicorn_config: dict[str, Any] | None = None,
    ) -> None:
        config = uvicorn.Config(
            self.app, host=host, port=port, **(uvicorn_config or {})
        )
        await self.http_server(config).serve()

    def http_server(self, config: uvicorn.Config) -> LeavingServer:
        """Give what listens for this application, and drains when it stops."""
        self._leaving.clear()
        return LeavingServer(config, self._leaving, self._drain)

    async def _drain(self) -> None:
        served = self._served
        if served is None or not (served.has_launched and served.is_launched):
            return
        cut = await served.runtime.drain(self._drain_timeout_s)
        if cut:
            logger.warning(
                "Stopped in the middle of a step of %s. It is done again when the "
                "server is back.",
                ", ".join(f"run {run_id!r}" for run_id in cut),
                extra=about(executor_id=served.runtime.executor_id),
            )

    async def _send(
        self, handler_id: str, event: Event, step: str | None = None
    ) -> None:
        """Send an event to a handler's run; it is on disk when this returns."""
        query = HandlerQuery(handler_id_in=[handler_id])
        found = await self._workflow_store.query(query)
        if not found or found[0].run_id is None:
            raise HandlerNotFoundError
        workflow = self.get_workflows().get(found[0].workflow_name)
        if workflow is None:
            raise EventSendError(f"No workflow {found[0].workflow_name!r} is served.")
        if step is not None:
            workflow._validate_valid_step_message(step, event)
        tick = TickAddEvent(
            event=event, step_id=None if step is None else StepId.root(step)
        )
        assert self._durable is not None
        try:
            post = self._durable.post(found[0].run_id, tick)
            await self._durable.on_loop(post)
        except RunFinishedError as e:
            raise HandlerCompletedError from e
        except UnknownRunError as e:
            raise HandlerNotFoundError from e


def _no_content(request: Request, error: Exception) -> Response:  # noqa: ARG001
    """A 204 with a body, as theirs is, breaks the connection."""
    return Response(status_code=204)


class _BodyIsOptional:
    """Makes an empty body of a request to run a workflow an empty object."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_run = scope["type"] == "http" and scope["method"] == "POST"
        if is_run and _RUN.search(scope["path"]):
            receive = _with_body(await _first_of(receive), receive)
        await self._app(scope, receive, send)


async def _first_of(receive: Receive) -> Message:
    """The first message that has some body, or is the last."""
    while True:
        message = await receive()
        is_request = message["type"] == "http.request"
        if not is_request or message.get("body") or not message.get("more_body"):
            return message


def _with_body(first: Message, receive: Receive) -> Receive:
    """Receive the first message again, with an empty object for no body."""
    waiting = [first]
    if first["type"] == "http.request" and not first.get("body"):
        waiting = [{**first, "body": b"{}"}]

    async def received() -> Message:
        return waiting.pop() if waiting else await receive()

    return received
