"""The start of a run through a server, which comes in two halves.

The server first has a handler recorded, under a run id that it has made up, and then
runs the workflow with that id. Both happen in one task, which carries this between.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from workflows.runtime.types.plugin import ExternalRunAdapter


@dataclass(slots=True)
class Start:
    """A run that is being started.

    `offered` is the run id that the server made up, `run_id` the one that the run has;
    `adapter` is there once it was begun.
    """

    handler_id: str
    offered: str
    run_id: str
    adapter: ExternalRunAdapter | None = None


current_start: ContextVar[Start | None] = ContextVar(
    "durable_notebook_server_start", default=None
)
