"""The workflows a runtime knows: today's definition of each name.

Running the cell that defines a class again makes a new definition of its name. New
runs take it; live runs keep the one they began with.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from workflows import Workflow
from workflows.context.serializers import JsonSerializer
from workflows.events import Event, HumanResponseEvent
from workflows.runtime.types.plugin import RegisteredWorkflow, WeakIdentityKeyDictionary
from workflows.runtime.types.results import (
    RetryAttempt,
    StepWorkerOutput,
    StepWorkerState,
)
from workflows.runtime.types.step_function import (
    StepWorkerFunction,
    as_step_worker_functions,
    create_workflow_run_function,
)

from durable_notebook.journal._entry import now
from durable_notebook.runtime.codec._codec import Codec, qualified_name
from durable_notebook.runtime.codec._serializer import ClosedJsonSerializer
from durable_notebook.runtime.recovery._code import Code
from durable_notebook.runtime.state._flight import current_invocation, renumbered

if TYPE_CHECKING:
    from durable_notebook.runtime.live._run import LiveRun

current_run: ContextVar[LiveRun | None] = ContextVar(
    "durable_notebook_run", default=None
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A workflow as this process can run it.

    `name` is that under which its runs are recorded. `origin` is the variable that held
    the instance where the run was started, None for one made from its class; a notebook
    needs it to make the instance again. `limit` is how many of its runs may be executed
    at once, None for any number.
    """

    name: str
    workflow: Workflow
    registered: RegisteredWorkflow
    codec: Codec
    origin: str | None
    limit: int | None
    code: Code

    def answers(self) -> list[type[Event]]:
        """The event classes a person can answer this workflow with."""
        accepted = [
            kind
            for step in self.workflow._get_steps().values()
            for kind in step._step_config.accepted_events
            if isinstance(kind, type) and issubclass(kind, HumanResponseEvent)
        ]
        return list(dict.fromkeys(accepted))

    def classes(self, names: Iterable[str]) -> list[type[Event]]:
        """The event classes of these names, as far as this process has them."""
        known = {qualified_name(k): k for k in (*self.workflow.events, *self.answers())}
        serializer = self.codec.serializer
        found = (known.get(name) or _loaded(name, serializer) for name in names)
        return [kind for kind in found if kind is not None]


@dataclass(slots=True)
class Registry:
    """Definitions by workflow name and by instance."""

    codec_of: Callable[[Workflow], Codec]
    is_of_notebook: bool = False
    _by_name: dict[str, Definition] = field(default_factory=dict)
    _by_variable: dict[tuple[str, str | None], Definition] = field(default_factory=dict)
    _by_instance: WeakIdentityKeyDictionary[Workflow, Definition] = field(
        default_factory=WeakIdentityKeyDictionary
    )
    _first_names: WeakIdentityKeyDictionary[Workflow, str] = field(
        default_factory=WeakIdentityKeyDictionary
    )

    def meet(self, workflow: Workflow) -> None:
        """Remember the name of a new instance: a server gives it that of its route."""
        if self._first_names.get(workflow) is None:
            self._first_names[workflow] = workflow.workflow_name

    def first_name(self, workflow: Workflow) -> str:
        """The name that an instance had when it was new."""
        return self._first_names.get(workflow) or workflow.workflow_name

    def add(self, workflow: Workflow, origin: str | None = None) -> Definition:
        """Make an instance the definition of its name, unless it is that already.

        And of the name that it had first: runs recorded under that go on with it.
        """
        found = self._by_instance.get(workflow)
        if found is None:
            found = Definition(
                name=workflow.workflow_name,
                workflow=workflow,
                registered=RegisteredWorkflow(
                    workflow=workflow,
                    workflow_run_fn=create_workflow_run_function(workflow),
                    steps={
                        name: _watched(function)
                        for name, function in as_step_worker_functions(workflow).items()
                    },
                ),
                codec=self.codec_of(workflow),
                origin=origin,
                limit=workflow._num_concurrent_runs,
                code=Code.of(workflow),
            )
        else:
            origin = found.origin or origin
            found = replace(found, name=workflow.workflow_name, origin=origin)
        self._by_instance[workflow] = found
        self._by_name[found.name] = found
        first = self.first_name(workflow)
        for name in (found.name, first):
            self._by_variable[name, found.origin] = found
        known = self._by_name.get(first)
        if known is None or known.name != first:  # Nobody has it for its own.
            self._by_name[first] = found
        return found

    def of(self, workflow: Workflow) -> Definition | None:
        """The definition an instance was made."""
        return self._by_instance.get(workflow)

    def is_called(self, definition: Definition, name: str) -> bool:
        """Whether a name is one of a definition's, now or before a server named it."""
        found = self._by_name.get(name)
        if found is None or name == definition.name:
            return name == definition.name
        # Or of another instance of the class, which a server has under that name.
        was_called = self.first_name(found.workflow) == definition.name
        return found.workflow is definition.workflow or was_called

    def event_classes(self, name: str, kinds: Iterable[str]) -> list[type[Event]]:
        """The event classes of these names that a workflow can have; see `classes`."""
        definition = self._by_name.get(name)
        if definition is not None:
            return definition.classes(kinds)
        found = (_loaded(kind, ClosedJsonSerializer()) for kind in kinds)
        return [kind for kind in found if kind is not None]

    def names(self) -> list[str]:
        """The workflow names that have a definition."""
        return list(self._by_name)

    def limit(self, name: str) -> int | None:
        """How many runs of a workflow name may be executed at once; None for any."""
        definition = self._by_name.get(name)
        return None if definition is None else definition.limit

    def today(self, name: str) -> str:
        """The name that a workflow has now: a server may have given it another."""
        definition = self._by_name.get(name)
        return name if definition is None else definition.name

    def named(self, name: str) -> Definition | None:
        """Today's definition of a workflow name."""
        return self._by_name.get(name)

    def of_run(self, name: str, origin: str | None) -> Definition | None:
        """What a recorded run goes on with: today's definition of its workflow.

        In a notebook that of its variable: instances that differ in how they were made
        have one name, and only there is it known which of them a run had.
        """
        if self.is_of_notebook:
            return self._by_variable.get((name, origin))
        return self.named(name)


def _loaded(name: str, serializer: JsonSerializer) -> type[Event] | None:
    """The event class of a name, if a loaded module or the workflow has it."""
    with contextlib.suppress(ValueError):
        kind = serializer.resolve_class(name)
        if issubclass(kind, Event):
            return kind
    return None


def _watched(function: StepWorkerFunction) -> StepWorkerFunction:
    """Wrap a step so that its run knows when the body began and ended."""

    async def step(
        state: StepWorkerState,
        step_name: str,
        event: Event,
        workflow: Workflow,
        bound_events: dict[str, Event] | None = None,
        retry: RetryAttempt = RetryAttempt(),  # noqa: B008
    ) -> list[StepWorkerOutput]:
        run = current_run.get()
        assert run is not None
        await run.until_owned()
        invocation = run.flight.begin(step_name, event, state, retry)
        token = current_invocation.set(invocation)
        arguments: dict[str, Any] = {"bound_events": bound_events, "retry": retry}
        try:
            work = function(state, step_name, event, workflow, **arguments)
            if run.spans is not None:
                work = run.spans.body(invocation, work)
            output = await work
            if run.meter is not None:
                run.meter.returned(run.workflow, step_name, output)
        finally:
            current_invocation.reset(token)
            invocation.finished_at = now()
        return renumbered(output, invocation)

    return step
