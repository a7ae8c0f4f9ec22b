"""What a release of `llama-agents-server` may break: each thing we use, by its name.

When one of these fails, `server/_theirs.py` needs the new name, or `_runtime.py` and
`_store.py` another way; the message says which.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest
import uvicorn
from llama_agents.server import AbstractWorkflowStore, PersistentHandler, WorkflowServer
from llama_agents.server._api import _WorkflowAPI
from llama_agents.server._runtime.server_runtime import ServerRuntimeDecorator
from llama_agents.server._service import _WorkflowService
from sample_workflows import Other
from workflows import Workflow

from durable_notebook import DBOSRuntime
from durable_notebook.server import JournalStore, ServedRuntime

NAMES = [
    ("llama_agents.client.protocol.serializable_events", "EventEnvelopeWithMetadata"),
    ("llama_agents.server", "AbstractWorkflowStore"),
    ("llama_agents.server", "HandlerQuery"),
    ("llama_agents.server", "PersistentHandler"),
    ("llama_agents.server", "WorkflowServer"),
    ("llama_agents.server._service", "EventSendError"),
    ("llama_agents.server._service", "HandlerAlreadyRunningError"),
    ("llama_agents.server._service", "HandlerCompletedError"),
    ("llama_agents.server._service", "HandlerNotFoundError"),
    ("llama_agents.server._store.abstract_workflow_store", "StoredEvent"),
    ("llama_agents.server._store.abstract_workflow_store", "StoredTick"),
]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_the_server_has_the_name(module: str, name: str) -> None:
    found = importlib.import_module(module)

    assert hasattr(found, name), f"{module}.{name} is gone"


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (WorkflowServer.serve, ["self", "host", "port", "uvicorn_config"]),
        (uvicorn.Server.shutdown, ["self", "sockets"]),
        (_WorkflowService.send_event, ["self", "handler_id", "event", "step"]),
        (
            _WorkflowService.start_workflow,
            ["self", "workflow", "handler_id", "start_event", "context"],
        ),
        (
            _WorkflowAPI._extract_run_params,
            ["self", "request", "workflow", "workflow_name"],
        ),
        (Workflow._switch_runtime, ["self", "new_runtime"]),
        (Workflow._switch_workflow_name, ["self", "name"]),
        (Workflow._validate_valid_step_message, ["self", "step", "message"]),
        (
            ServerRuntimeDecorator.run_workflow_handler,
            ["self", "handler_id", "workflow_name", "run_id"],
        ),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_a_call_takes_what_we_give(function: Any, expected: list[str]) -> None:
    assert parameters(function) == expected, function.__qualname__


def test_the_store_has_all_that_theirs_has() -> None:
    """A method that a release adds would write, or read, beside the journal."""
    known = {
        "after_tick",
        "append_event",
        "append_tick",
        "create_state_store",
        "delete",
        "get_ticks",
        "poll_interval",
        "query",
        "query_events",
        "start",
        "stream_ticks",
        "subscribe_events",
        "update",
        "update_handler_status",
    }

    found = {name for name in vars(AbstractWorkflowStore) if not name.startswith("_")}

    assert found == known
    assert not getattr(JournalStore, "__abstractmethods__", None)


def test_a_handler_has_the_fields_that_we_fill() -> None:
    assert set(PersistentHandler.model_fields) == {
        "completed_at",
        "error",
        "handler_id",
        "idle_since",
        "result",
        "result_unreadable",
        "run_id",
        "started_at",
        "status",
        "updated_at",
        "workflow_name",
    }


def test_a_served_workflow_stays_on_our_runtime() -> None:
    """Theirs would write each event, tick, state and status a second time."""
    runtime = DBOSRuntime()
    served = runtime.build_server_runtime()
    server = WorkflowServer(
        runtime=served, workflow_store=runtime.create_workflow_store()
    )
    workflow = Other(runtime=runtime)

    server.add_workflow("other", workflow)

    assert isinstance(served, ServedRuntime)
    assert workflow.runtime is served
    assert server._service.get_workflow("other") is workflow
    assert runtime.first_name(workflow).endswith("Other")
