"""The workflows a runtime knows: today's definition of each name.

Running the cell that defines a class again makes a new definition of its name. New
runs take it; live runs keep the one they began with.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workflows import Workflow
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

from durable_notebook._entry import now
from durable_notebook.runtime._code import Code
from durable_notebook.runtime._codec import Codec, qualified_name
from durable_notebook.runtime._flight import current_invocation, renumbered

if TYPE_CHECKING:
    from durable_notebook.runtime._live import LiveRun

current_run: ContextVar[LiveRun | None] = ContextVar(
    "durable_notebook_run", default=None
)


@dataclass(frozen=True, slots=True)
class Definition:
    """A workflow as this process can run it.

    `origin` is the variable that held the instance where the run was started, None
    for one made from its class; a notebook needs it to make the instance again.
    `limit` is how many of its runs may be executed at once, None for any number.
    """

    workflow: Workflow
    registered: RegisteredWorkflow
    codec: Codec
    origin: str | None
    limit: int | None
    code: Code

    @property
    def name(self) -> str:
        """The workflow's name, under which its runs are recorded."""
        return self.workflow.workflow_name

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
        found = []
        for name in names:
            kind = known.get(name)
            if kind is None:
                with contextlib.suppress(ValueError):
                    kind = self.codec.serializer.resolve_class(name)
            if kind is not None:
                found.append(kind)
        return found


@dataclass(slots=True)
class Registry:
    """Definitions by workflow name and by instance."""

    codec_of: Callable[[Workflow], Codec]
    _by_name: dict[str, Definition] = field(default_factory=dict)
    _by_instance: WeakIdentityKeyDictionary[Workflow, Definition] = field(
        default_factory=WeakIdentityKeyDictionary
    )

    def add(self, workflow: Workflow, origin: str | None = None) -> Definition:
        """Make an instance the definition of its name, unless it is that already."""
        found = self._by_instance.get(workflow)
        if found is None:
            found = Definition(
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
            self._by_instance[workflow] = found
        self._by_name[found.name] = found
        return found

    def of(self, workflow: Workflow) -> Definition | None:
        """The definition an instance was made."""
        return self._by_instance.get(workflow)

    def names(self) -> list[str]:
        """The workflow names that have a definition."""
        return list(self._by_name)

    def limit(self, name: str) -> int | None:
        """How many runs of a workflow name may be executed at once; None for any."""
        definition = self._by_name.get(name)
        return None if definition is None else definition.limit

    def named(self, name: str) -> Definition | None:
        """Today's definition of a workflow name."""
        return self._by_name.get(name)


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
            output = await function(state, step_name, event, workflow, **arguments)
        finally:
            current_invocation.reset(token)
            invocation.finished_at = now()
        return renumbered(output, invocation)

    return step
