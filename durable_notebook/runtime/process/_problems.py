"""Runs of this process that stand still, and why."""

from __future__ import annotations

import logging

from durable_notebook.logs import about
from durable_notebook.runtime.live._run import LiveRun
from durable_notebook.runtime.process._refusals import Refusals

logger = logging.getLogger("durable_notebook")


class Problems:
    """Kept for whoever asks for a run, and told of once where many have the same."""

    def __init__(self, executor_id: str) -> None:
        self.refusals = Refusals()
        self._executor_id = executor_id
        self._why: dict[str, Exception] = {}

    def get(self, run_id: str) -> Exception | None:
        """Why a run stands still; None if it does not."""
        return self._why.get(run_id)

    def note(self, run_id: str, problem: Exception, run: LiveRun | None) -> None:
        """A run stands still from now on. `run` is what there is of it in memory."""
        self._why[run_id] = problem
        self.tell(problem, run_id, run)

    def forget(self, run_id: str) -> None:
        """A run goes on, here or elsewhere, or is gone."""
        self._why.pop(run_id, None)

    def due(self) -> list[str]:
        """The runs that the database has stopped, and that are to begin again now."""
        return self.refusals.due(self._why)

    def tell(self, problem: Exception, run_id: str, run: LiveRun | None = None) -> None:
        """Say in the log what keeps a run, if that is news."""
        if self.refusals.is_news(problem):
            logger.warning("%s", problem, extra=self._about(run_id, run))

    def tell_unforeseen(self, run_id: str, run: LiveRun | None) -> None:
        """Say that what is being handled stops a run, and where it was raised."""
        logger.exception("Run %r stands still", run_id, extra=self._about(run_id, run))

    def _about(self, run_id: str, run: LiveRun | None) -> dict[str, object]:
        workflow = None if run is None else run.workflow
        return about(run_id, workflow=workflow, executor_id=self._executor_id)
