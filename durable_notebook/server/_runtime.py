"""The runtime that a server is given: ours, with the server kept to looking on.

A server of theirs wraps the runtime it is given, to write down events, ticks, states
and handlers itself. All that is in the journal. So a workflow stays on ours, and
nothing of the wrapping is on the way of a run.
"""

from __future__ import annotations

from typing import Any

from workflows import Workflow
from workflows.context.serializers import BaseSerializer
from workflows.events import StartEvent
from workflows.runtime.runtime_decorators import BaseRuntimeDecorator
from workflows.runtime.types.internal_state import BrokerState
from workflows.runtime.types.plugin import ExternalRunAdapter

from durable_notebook.errors import ConfigError
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.server._starts import current_start
from durable_notebook.server._store import JournalStore
from durable_notebook.server._theirs import store_of


class ServedRuntime(BaseRuntimeDecorator):
    """Hands everything on to a `DBOSRuntime`, and gives a server's runs their ids."""

    def __init__(self, runtime: DBOSRuntime) -> None:
        super().__init__(runtime)
        self.runtime = runtime
        # Otherwise somebody else has launched it, and will end it.
        self.has_launched = False

    async def launch(self) -> None:
        self.has_launched |= not self.runtime.is_launched
        await super().launch()

    async def destroy(self) -> None:
        if self.has_launched:
            await super().destroy()

    def track_workflow(self, workflow: Workflow) -> None:
        store = store_of(workflow.runtime)
        if isinstance(store, JournalStore):
            store.serve(workflow)
        elif store is not None:
            raise ConfigError(
                "The server would read another store than this runtime writes.",
                "Give it 'workflow_store=runtime.create_workflow_store()'.",
            )
        # It has just been put on the server's wrapping of this runtime.
        workflow._runtime = self
        self.runtime.track_workflow(workflow)

    def run_workflow(
        self,
        run_id: str,
        workflow: Workflow,
        init_state: BrokerState,
        start_event: StartEvent | None = None,
        serialized_state: dict[str, Any] | None = None,
        serializer: BaseSerializer | None = None,
    ) -> ExternalRunAdapter:
        start = current_start.get()
        is_a_server_s = start is not None and start.offered == run_id
        adapter = self.runtime.run_workflow(
            start.run_id if start is not None and is_a_server_s else run_id,
            workflow,
            init_state,
            start_event=start_event,
            serialized_state=serialized_state,
            serializer=serializer,
        )
        if start is not None and is_a_server_s:
            start.adapter = adapter
        return adapter
