"""`DBOSRuntime`: workflows whose every turn is on disk before its effects.

It is the library's interface and the peer's; each of its methods hands on to the part
that does it.
"""

from __future__ import annotations

import contextvars
import json
from collections.abc import (
    Collection,
    Iterable,
)
from typing import Any, TypeVar, Unpack

from llama_index_instrumentation import get_dispatcher
from workflows import Workflow
from workflows.context.serializers import BaseSerializer
from workflows.events import Event, StartEvent
from workflows.runtime.types.internal_state import BrokerState
from workflows.runtime.types.plugin import (
    ExternalRunAdapter,
    InternalRunAdapter,
    RegisteredWorkflow,
)

from durable_notebook._config import Durability, Settings
from durable_notebook._model import Json
from durable_notebook.errors import (
    UnstorableValueError,
)
from durable_notebook.runtime._external import ExternalAdapter
from durable_notebook.runtime._options import Options, settings_of
from durable_notebook.runtime._parts import Parts
from durable_notebook.runtime._run_access import RunAccess
from durable_notebook.runtime._serving import Serving
from durable_notebook.runtime.codec._codec import Codec
from durable_notebook.runtime.codec._redaction import Redaction
from durable_notebook.runtime.codec._serializer import ClosedJsonSerializer
from durable_notebook.runtime.live._children import adopted
from durable_notebook.runtime.live._execution import Start
from durable_notebook.runtime.live._internal import InternalAdapter
from durable_notebook.runtime.process._checks import check_ids_of, check_run_id
from durable_notebook.runtime.process._loops import LoopThread
from durable_notebook.runtime.recovery._registry import (
    Definition,
    Registry,
    current_run,
)
from durable_notebook.runtime.recovery._restore import first_inputs

T = TypeVar("T")


class DBOSRuntime(RunAccess, Serving):
    """Run workflows durably: give it to a workflow as `runtime=`.

    A step whose turn is committed never runs again; `ctx.store`, the event stream,
    consumed messages and step results are in one commit. Launch it on the event loop
    on which its workflows run. Constructing it opens nothing.

    Args:
        settings: Everything at once; the keywords below are for the usual ones.
        database_url: `sqlite:///file` or `postgresql://user@host/database`. Left out,
            the database of the `DBOS(config=...)` the program has constructed.
        executor_id: Who owns the runs of this process; DBOS's own (`local`) if left
            out. One executor lives in one process at a time.
        durability: "full" if left out, or "normal" to trade the last turns at a power
            cut for speed. A crash of the process loses nothing in either.
        redact: Names of fields of events, results and `ctx.store` whose values are
            masked before they are written. In memory they stay; after a restart the
            run finds the mask. A message is in the mailbox as it was sent until the
            run has taken it. A pydantic `SecretStr` masks itself.
        default_serializer: For workflows that name none. The default resolves
            declared and already loaded classes only, and never unpickles.
        options: Those of `llama-agents-dbos`, under its names; see `Options`.

    Raises:
        ConfigError: An option that cannot work, or would have no effect. On which
            database it would have none is known at launch.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        database_url: str | None = None,
        executor_id: str | None = None,
        durability: Durability | None = None,
        redact: Collection[str] = (),
        default_serializer: BaseSerializer | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            default_serializer=default_serializer or ClosedJsonSerializer()
        )
        usual: dict[str, Any] = {
            "database_url": database_url,
            "executor_id": executor_id,
            "durability": durability,
            "redact": redact or None,
        }
        self._settings = settings_of(settings, usual | options)
        self._redaction = redaction = Redaction(self._settings.redact)
        self._parts: Parts | None = None
        self._thread: LoopThread | None = None
        self._registry = Registry(
            lambda wf: Codec(self.get_serializer(wf), redaction),
            is_of_notebook=self._settings.notebook is not None,
        )

    # -- workflows ---------------------------------------------------------------

    def track_workflow(self, workflow: Workflow) -> None:
        check_ids_of(workflow)
        self._registry.meet(workflow)
        if self._parts is None:
            super().track_workflow(workflow)
        else:
            # Runs of this name may wait for it; they begin once it is constructed.
            self.loop.call_soon_threadsafe(self.register, workflow)

    def register(self, workflow: Workflow) -> RegisteredWorkflow:
        return self.define(workflow).registered

    def define(self, workflow: Workflow, origin: str | None = None) -> Definition:
        """Make an instance today's definition of its name, on the runtime's loop.

        Runs that waited for the name go on: those of a launched runtime at once.
        """
        definition = self._registry.add(workflow, origin)
        if self._parts is not None:
            self._make_known(self._parts)
            self.loop.call_soon_threadsafe(self._parts.runs.recover_defined)
        return definition

    def get_registered(self, workflow: Workflow) -> RegisteredWorkflow | None:
        definition = self._registry.of(workflow)
        return None if definition is None else definition.registered

    def definition(self, name: str) -> Definition | None:
        """Today's definition of a workflow name."""
        return self._registry.named(name)

    def event_classes(self, name: str, kinds: Iterable[str]) -> list[type[Event]]:
        """The event classes of these names, as far as this process has them.

        For a workflow of this name, whether it is defined here or not.
        """
        return self._registry.event_classes(name, kinds)

    def masked(self, tree: Json) -> Json:
        """A tree of an event with the values masked that are never written."""
        return self._redaction.tree(tree)

    def first_name(self, workflow: Workflow) -> str:
        """The name that a workflow was constructed with: a server gives it another."""
        return self._registry.first_name(workflow)

    # -- runs --------------------------------------------------------------------

    def run_workflow(
        self,
        run_id: str,
        workflow: Workflow,
        init_state: BrokerState,
        start_event: StartEvent | None = None,
        serialized_state: dict[str, Any] | None = None,
        serializer: BaseSerializer | None = None,  # noqa: ARG002
    ) -> ExternalRunAdapter:
        check_run_id(run_id)
        definition = self._registry.of(workflow) or self.define(workflow)
        start = None
        try:
            if start_event is not None:
                start = definition.codec.event(start_event)
            inputs = first_inputs(definition, start, init_state, serialized_state)
            json.dumps(inputs)
        except (TypeError, ValueError) as e:  # pydantic's errors are ValueErrors
            where = start_event and definition.codec.unstorable(start_event)
            raise UnstorableValueError(run_id, where or "its context", str(e)) from e
        run_id = adopted(run_id, definition.name, inputs, self.store)
        runs = self._opened.runs
        begin = Start(
            definition,
            start_event,
            contextvars.copy_context(),
            get_dispatcher().capture_propagation_context(),
        )
        started = runs.spawn_begin(self.loop, run_id, begin, inputs)
        return ExternalAdapter(self, run_id, started)

    async def started(self, run_id: str, adapter: ExternalRunAdapter) -> None:
        """Wait until a run begun by `run_workflow` is on disk, or attached to.

        Raises:
            RunIdTakenError, StorageError: It could not be begun.
        """
        assert isinstance(adapter, ExternalAdapter)
        assert adapter.run_id == run_id
        await adapter.started()

    async def resume(self, run_id: str) -> bool:
        """Go on with an unfinished run of this executor that is not running.

        Also with one that was paused. False where there is nothing to do here: the run
        is live or has ended, belongs to another executor, or waits for its workflow to
        be defined.

        Raises:
            UnknownRunError: There is no such run.
        """
        runs = self._opened.runs
        was_paused = await runs.pausing.go_on(run_id)
        return await runs.resume(run_id) or was_paused

    def get_internal_adapter(self, workflow: Workflow) -> InternalRunAdapter:  # noqa: ARG002
        run = current_run.get()
        assert run is not None
        # One for the control loop and the bodies that it begins.
        if run.adapter is None:
            run.adapter = InternalAdapter(run, self._opened.runs.idle)
        return run.adapter

    def get_external_adapter(self, run_id: str) -> ExternalRunAdapter:
        return ExternalAdapter(self, run_id)
