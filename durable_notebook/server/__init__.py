"""Durable workflows over HTTP: `llama_agents.server` on our journal.

The only place that imports HTTP. `WorkflowServer` is theirs, with what its clients
would miss: `from durable_notebook.server import WorkflowServer`. Theirs works too.
"""

from __future__ import annotations

from durable_notebook.server._access_policy import AccessPolicy
from durable_notebook.server._app import WorkflowServer
from durable_notebook.server._listener import Listener
from durable_notebook.server._runtime import ServedRuntime
from durable_notebook.server._store import JournalStore

__all__ = [
    "AccessPolicy",
    "JournalStore",
    "Listener",
    "ServedRuntime",
    "WorkflowServer",
]
