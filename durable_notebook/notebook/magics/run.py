"""`%durable_run` and `%durable_resume`: start a run, go on with one, and show it."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import line_cell_magic, line_magic, magics_class, no_var_expand
from workflows import Workflow

from durable_notebook._model import RunInfo, RunStatus
from durable_notebook.notebook._cells import run_cell, workflow_named
from durable_notebook.notebook._fields import Line, parse
from durable_notebook.notebook._run import NotebookRun
from durable_notebook.notebook._sentences import became, paused, plainly, state_of
from durable_notebook.notebook._workspace import MOST_NAMED
from durable_notebook.notebook.magics._base import DurableMagics


@magics_class
class RunMagics(DurableMagics):
    """Starts runs and goes on with them."""

    @no_var_expand
    @line_cell_magic
    def durable_run(self, line: str, cell: str | None = None) -> NotebookRun | None:
        """Start a durable run, and show it while it goes on.

        %durable_run WORKFLOW [--run-id ID] [field=value ...]

        WORKFLOW is a class or an instance. The fields go to its start event; a value
        is a Python expression of the notebook: qty=3 sku='tea' when=today. As a cell
        magic, `%%durable_run [--run-id ID] [field=value ...]` runs the cell, which
        ends in an expression naming the workflow.

        Returns at once; `result = await run` waits. A run id that exists is attached
        to, or resumed from its last completed step; it is never restarted.
        """
        with plainly():
            request = parse(line, valued=("run-id",))
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
        run_id = request.options.get("run-id")
        wanted = None if run_id is None else str(run_id)
        before = None if wanted is None else session.runtime.store.run(wanted)
        origin = name if isinstance(value, Workflow) and name is not None else None
        run = session.start(value, wanted, origin, fields)
        note = "started now"
        if before is not None:
            note = became(session, run.run_id)
        return self._durable.show(run.run_id, note)

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
                print("Nothing to resume: every run has ended.")  # noqa: T201
            for row in reversed(unfinished[:MOST_NAMED]):
                if row.status is RunStatus.PAUSED:  # Somebody wants it so.
                    print(paused(row))  # noqa: T201
                else:
                    self._resume_one(row)
            return None

    def _resume_one(self, info: RunInfo) -> NotebookRun | None:
        session = self._session
        did = session.call(session.runtime.resume(info.run_id))
        info = session.call(session.client.read_info(info.run_id))
        if info.status is RunStatus.INTERRUPTED and not did:
            print(f"Run {state_of(info)}.")  # noqa: T201
            return None
        return self._durable.show(info.run_id, became(session, info.run_id))
