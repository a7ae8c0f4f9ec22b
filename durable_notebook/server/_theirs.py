"""What we use of `llama_agents`, all of it: a release of theirs breaks this module.

Much of it is private. `tests/server/test_their_canary.py` names what has moved.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from llama_agents.client.protocol.serializable_events import EventEnvelopeWithMetadata
from llama_agents.server import (
    AbstractWorkflowStore,
    HandlerQuery,
    PersistentHandler,
    WorkflowServer,
)
from llama_agents.server._service import (
    EventSendError,
    HandlerAlreadyRunningError,
    HandlerCompletedError,
    HandlerNotFoundError,
)
from llama_agents.server._store.abstract_workflow_store import StoredEvent, StoredTick
from starlette.applications import Starlette
from workflows.events import Event

__all__ = [
    "AbstractWorkflowStore",
    "EventEnvelopeWithMetadata",
    "EventSendError",
    "HandlerCompletedError",
    "HandlerNotFoundError",
    "HandlerQuery",
    "PersistentHandler",
    "Send",
    "StoredEvent",
    "StoredTick",
    "WorkflowServer",
    "check_starts",
    "refuse_starts",
    "send_with",
    "store_of",
    "tell_failures_once",
    "without_page",
]


class Send(Protocol):
    """Sends an event to a handler, if need be to one step of it."""

    def __call__(
        self, handler_id: str, event: Event, step: str | None = None
    ) -> Coroutine[Any, Any, None]: ...


def send_with(server: WorkflowServer, send: Send) -> None:
    """Have `POST /events/{id}` send with a function of ours."""
    server._service.send_event = send  # type: ignore[method-assign]


def check_starts(server: WorkflowServer, check: Callable[[Any], None]) -> None:
    """Have the body of each request to run a workflow checked, once it was read."""
    read = server._api._extract_run_params

    async def checked(request: Any, *what: Any) -> Any:
        found = await read(request, *what)
        check(await request.json())
        return found

    server._api._extract_run_params = checked  # type: ignore[method-assign,assignment]


def refuse_starts(
    server: WorkflowServer, conflicts: tuple[type[Exception], ...]
) -> None:
    """Have these errors of a start answered as 409, with their sentence."""
    start = server._service.start_workflow

    async def started(*what: Any, **options: Any) -> Any:
        try:
            return await start(*what, **options)
        except conflicts as e:
            raise HandlerAlreadyRunningError(str(e)) from e

    server._service.start_workflow = started  # type: ignore[method-assign]


def store_of(runtime: Any) -> Any:
    """The store that a server's own runtime would write to."""
    return getattr(runtime, "_store", None)


def without_page(app: Starlette) -> None:
    """Take away the page that a server has at `/`, with all that is under it."""
    routes = app.router.routes
    routes[:] = [route for route in routes if getattr(route, "name", None) != "ui"]


def tell_failures_once() -> None:
    """Keep a server from logging a failed run's traceback beside what became of it.

    The client is told, and the journal has it.
    """
    logging.getLogger("llama_agents.server._service").addFilter(_is_no_traceback)


def _is_no_traceback(record: logging.LogRecord) -> bool:
    return "raised an exception" not in record.msg
