"""Runs that wait for their workflow to be defined."""

from __future__ import annotations

from collections.abc import Iterator

from durable_notebook.engine import Claim
from durable_notebook.runtime.recovery._registry import Definition, Registry


class Undefined:
    """Run ids, each with the name of its workflow, until that is defined."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._workflows: dict[str, str] = {}
        # The variable of those that have found another of their name than theirs.
        self._origins: dict[str, str | None] = {}

    def add(self, run_id: str, workflow: str) -> None:
        """Have a run wait, which may be defined already: `take_defined` looks."""
        self._workflows[run_id] = workflow

    def add_claimed(self, claim: Claim) -> None:
        """Have a run wait that an execution of it has not found defined."""
        self._workflows[claim.run_id] = claim.workflow
        self._origins[claim.run_id] = claim.inputs.get("origin")

    def forget(self, run_id: str) -> None:
        """Have a run wait no longer, if it does."""
        self._workflows.pop(run_id, None)
        self._origins.pop(run_id, None)

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._workflows

    def workflows(self) -> dict[str, str]:
        """Run id to workflow name of those that wait."""
        return dict(self._workflows)

    def take_defined(self) -> Iterator[tuple[str, str, Definition]]:
        """Forget those that are defined by now: run id, workflow name, definition."""
        for run_id, workflow in self.workflows().items():
            definition = self._defined(run_id, workflow)
            if definition is not None:
                self.forget(run_id)
                yield run_id, workflow, definition

    def _defined(self, run_id: str, workflow: str) -> Definition | None:
        """What a run may be waiting for; its execution knows better what it needs."""
        if run_id in self._origins:
            return self._registry.of_run(workflow, self._origins[run_id])
        return self._registry.named(workflow)
