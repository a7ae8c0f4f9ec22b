"""Handlers, which is what a server calls runs, read out of the journal.

A handler's id is that of its run. A finished one may go on with another run: then the
newest run of it is meant, and the store knows which. Nothing else is recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from workflows import Workflow
from workflows.events import StopEvent

from durable_notebook._model import EventView, RunInfo, RunStatus
from durable_notebook.client._glance import as_executed
from durable_notebook.errors import DurableNotebookError
from durable_notebook.operations._describe import describe, seen_by
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.server._admission import may_be_known
from durable_notebook.server._theirs import HandlerQuery, PersistentHandler
from durable_notebook.store import RunRow


@dataclass(frozen=True, slots=True)
class Handlers:
    """Reads the handlers of one journal. On the runtime's loop.

    `served` are the workflows of the server.
    """

    runtime: DBOSRuntime
    served: list[Workflow] = field(default_factory=list)

    async def matching(self, query: HandlerQuery) -> list[PersistentHandler]:
        """The handlers that match a query, those with the newest runs first."""
        rows = await asyncio.to_thread(self._rows, query)
        found = [self._handler(handler_id, row) for handler_id, row in rows]
        return [handler for handler in found if _matches(handler, query)]

    def _rows(self, query: HandlerQuery) -> list[tuple[str, RunRow]]:
        """Handler ids with their runs, as far as the database can tell."""
        if query.handler_id_in is not None:
            found = {each: self.newest(each) for each in query.handler_id_in}
            return [(each, row) for each, row in found.items() if row is not None]
        store = self.runtime.store
        went_on = store.handlers()
        if query.run_id_in is None:
            rows = {row.run_id: row for row in store.runs()}
            newest = {went_on[r]: r for r in went_on if r in rows}
        else:
            asked = {run_id: store.run(run_id) for run_id in query.run_id_in}
            rows = {run_id: row for run_id, row in asked.items() if row is not None}
            named = {went_on.get(run_id, run_id): run_id for run_id in rows}
            newest = {h: row.run_id for h in named if (row := self.newest(h))}
        with_ids = ((went_on.get(run_id, run_id), row) for run_id, row in rows.items())
        return [(h, row) for h, row in with_ids if newest.get(h, h) == row.run_id]

    async def listed(self, most: int) -> list[tuple[str, RunInfo]]:
        """What the newest runs do, each with its handler's id."""
        rows = await asyncio.to_thread(self._newest_rows, most)
        store, seen = self.runtime.store, seen_by(self.runtime)
        before = self.runtime.before
        return [
            (
                handler_id,
                as_executed(
                    self.runtime, describe(store, row, None, seen, before=before)
                ),
            )
            for handler_id, row in rows
        ]

    def _newest_rows(self, most: int) -> list[tuple[str, RunRow]]:
        store = self.runtime.store
        went_on = store.handlers()
        newest = {handler_id: run_id for run_id, handler_id in went_on.items()}
        with_ids = ((went_on.get(r.run_id, r.run_id), r) for r in store.runs(most))
        return [(h, row) for h, row in with_ids if newest.get(h, h) == row.run_id]

    def newest(self, handler_id: str) -> RunRow | None:
        """The run of a handler, or its newest one."""
        if not may_be_known(handler_id):
            return None
        store = self.runtime.store
        for run_id in (*store.handler_runs(handler_id), handler_id):
            row = store.run(run_id)
            if row is not None:
                return row
        return None

    def has_ended(self, row: RunRow) -> bool:
        """Whether a handler may go on with another run than this one."""
        return self._info(row).status.is_final

    def _info(self, row: RunRow) -> RunInfo:
        return describe(self.runtime.store, row, None, seen_by(self.runtime))

    def runs(self, handler_id: str) -> list[str]:
        """Every run that a handler has had, newest first."""
        store = self.runtime.store
        candidates = (*store.handler_runs(handler_id), handler_id)
        return [run_id for run_id in candidates if store.run(run_id) is not None]

    def route(self, name: str) -> str:
        """What the server calls a workflow; its recorded name where it has it not."""
        if any(workflow.workflow_name == name for workflow in self.served):
            return name
        for workflow in reversed(self.served):
            if self.runtime.first_name(workflow) == name:
                return workflow.workflow_name
        return name

    def _handler(self, handler_id: str, row: RunRow) -> PersistentHandler:
        info = self._info(row)
        has_ended = info.status.is_final
        is_idle = info.status in (RunStatus.WAITING, RunStatus.PAUSED)
        return PersistentHandler(
            handler_id=handler_id,
            workflow_name=self.route(row.workflow),
            status=info.status.value if has_ended else "running",  # type: ignore[arg-type]
            run_id=row.run_id,
            error=_error(info),
            result=self._result(row) if info.status is RunStatus.COMPLETED else None,
            started_at=info.started,
            updated_at=info.updated,
            completed_at=info.updated if has_ended else None,
            idle_since=info.updated if is_idle else None,
        )

    def _result(self, row: RunRow) -> StopEvent | None:
        """The stop event, as plain data where its class is not defined here."""
        entry = self.runtime.store.end_of(row)
        tree = entry.end.get("result") if entry and entry.end else None
        if tree is None:
            return None
        with contextlib.suppress(DurableNotebookError, ValueError):
            outcome = self.runtime.outcome(row.run_id)
            if outcome is not None and outcome.result is not None:
                return outcome.result
        view = EventView.of(tree)
        return StopEvent(result=None if view is None else view.fields)


def _error(info: RunInfo) -> str | None:
    """Why a run failed, or why one that has not ended stands still."""
    if info.status is RunStatus.INTERRUPTED:
        return info.waits_for
    return info.error if info.status is RunStatus.FAILED else None


def _matches(handler: PersistentHandler, query: HandlerQuery) -> bool:
    checks = (
        (query.handler_id_in, handler.handler_id),
        (query.run_id_in, handler.run_id),
        (query.workflow_name_in, handler.workflow_name),
        (query.status_in, handler.status),
    )
    is_among = all(wanted is None or found in wanted for wanted, found in checks)
    is_idle = handler.idle_since is not None
    return is_among and query.is_idle in (None, is_idle)
