"""`%durable_run` and `%durable_resume`: start a run, go on with one, and show it."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import line_cell_magic, line_magic, magics_class, no_var_expand
from workflows import Workflow

from durable_notebook._model import RunInfo, RunStatus
from durable_notebook.client._requests import instantiate, make_event
from durable_notebook.notebook._cells import run_cell, workflow_named
from durable_notebook.notebook._fields import Line, parse
from durable_notebook.notebook._identity import (
    Asked,
    after,
    newest_of,
    values_of,
)
from durable_notebook.notebook._run import NotebookRun
from durable_notebook.notebook._sentences import became, paused, plainly, say, state_of
from durable_notebook.notebook._workspace import MOST_NAMED
from durable_notebook.notebook.magics._base import DurableMagics


@magics_class
class RunMagics(DurableMagics):
    """Starts runs and goes on with them."""

    @no_var_expand
    @line_cell_magic
    def durable_run(self, line: str, cell: str | None = None) -> NotebookRun | None:
        """Start a durable run, and show it while it goes on.

        %durable_run WORKFLOW [--new | --run-id ID] [field=value ...]

        WORKFLOW is a class or an instance. The fields go to its start event; a value
        is a Python expression of the notebook: qty=3 sku='tea' when=today. As a cell
        magic, `%%durable_run [--new | --run-id ID] [field=value ...]` runs the cell,
        which ends in an expression naming the workflow.

        Returns at once; `result = await run` waits. A cell has a run for each
        workflow and fields that it asks for, and attaches to it when it is run again,
        also after a restart of the kernel: one that has ended gives its recorded
        result, one that was interrupted goes on from its last completed step, one that
        waits shows its question. In a loop each iteration has its own. `--new` starts
        afresh, and is what the cell means from then on; `--run-id ID` names the run
        instead, and attaches to it from any cell.
        """
        with plainly():
            request = parse(line, valued=("run-id",), flags=("new",))
            if len(request.options) == 2:
                raise UsageError(
                    "--new gives the run an id of its own. Leave out --new or --run-id."
                )
            if cell is not None:
                is_run, value = run_cell(self._shell, cell)
                if not is_run:
                    return None
                name = None
            else:
                name = request.target
                value = workflow_named(self._shell, name)
            return self._start(value, name, request)

    def _start(self, value: Any, name: str | None, request: Line) -> NotebookRun:
        fields = request.values(self._shell.ev)
        session = self._session
        origin = name if isinstance(value, Workflow) and name is not None else None
        named = request.options.get("run-id")
        if named is not None:
            run_id, way_out = str(named), "another --run-id starts afresh"
            is_known = session.runtime.store.run(run_id) is not None
        else:
            workflow = value = instantiate(value)
            run_id, is_known = self._own(workflow, request, fields)
            # The fields are part of the id. What the run was begun with is its own.
            fields = {} if is_known else fields
            way_out = "--new starts afresh"
        session.start(value, run_id, origin, fields)
        note = "started now"
        if is_known:
            note = became(session, run_id, way_out)
        return self._durable.show(run_id, note)

    def _own(
        self, workflow: Workflow, request: Line, fields: dict[str, Any]
    ) -> tuple[str, bool]:
        """The id of the run that the cell means, and whether there is that run."""
        session = self._session
        event = make_event(workflow.start_event_class, fields)
        values = values_of(event, fields, session.settings.redact)
        asked = Asked(workflow, request.target, request.fields, values)
        first = self._durable.cells.run_id(
            session.runtime.executor_id, session.notebook.path, asked
        )
        taken = session.runtime.store.numbered(first)
        newest = None if request.options.get("new") else newest_of(first, taken)
        return newest or after(first, taken), newest is not None

    @line_magic
    def durable_resume(self, line: str) -> NotebookRun | None:
        """Go on with what was interrupted, and show it: `%durable_resume [RUN]`.

        A run that recovered by itself or waits for an answer is simply shown. What
        cannot go on says why, and what to do. A paused run goes on if it is named.
        """
        with plainly():
            session = self._session
            run_id = parse(line).target
            session.define(self._shell.user_ns)
            if run_id is not None:
                return self._resume_one(session.call(session.client.read_info(run_id)))
            rows = session.call(session.client.runs())
            unfinished = [row for row in rows if not row.status.is_final]
            if not unfinished:
                say("Nothing to resume: every run has ended.")
            for row in reversed(unfinished[:MOST_NAMED]):
                if row.status is RunStatus.PAUSED:  # Somebody wants it so.
                    say(paused(row))
                else:
                    self._resume_one(row)
            return None

    def _resume_one(self, info: RunInfo) -> NotebookRun | None:
        session = self._session
        if session.runtime.live(info.run_id) is None and not info.status.is_final:
            session.renew(info.run_id, self._shell.user_ns)
        did = session.call(session.runtime.resume(info.run_id))
        info = session.call(session.client.read_info(info.run_id))
        if info.status is RunStatus.INTERRUPTED and not did:
            say(f"Run {state_of(info)}.")
            return None
        return self._durable.show(info.run_id, became(session, info.run_id))
