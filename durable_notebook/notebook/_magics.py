"""The magics: each reads its line, calls the client and returns a value."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    no_var_expand,
)
from traitlets import observe
from workflows import Workflow

from durable_notebook._config import (
    Settings,
    check_url,
    default_url,
    is_postgres,
    sqlite_path,
    url_from_environment,
)
from durable_notebook._model import RunInfo, RunStatus
from durable_notebook.notebook._cells import run_cell, workflow_named
from durable_notebook.notebook._fields import Line, parse
from durable_notebook.notebook._local_postgres import LocalPostgres
from durable_notebook.notebook._monitor import Panel
from durable_notebook.notebook._run import NotebookRun
from durable_notebook.notebook._sentences import (
    became,
    magic,
    plainly,
    short_path,
    state_of,
)
from durable_notebook.notebook._session import Session, notebook_path
from durable_notebook.notebook._traits import Traits
from durable_notebook.views import frames, words
from durable_notebook.views.frames import JournalFrame, RunsFrame

_MOST_NAMED = 5


@magics_class
class DurableNotebook(Magics, Traits):
    """Durable runs in this notebook. `%config DurableNotebook` shows the settings."""

    # Before `__init__`, which sets what a profile says.
    _session: Session | None = None

    def __init__(self, shell: Any) -> None:
        super().__init__(shell=shell, parent=shell)
        self._shell = shell
        self._beside = default_url()
        self._local = LocalPostgres(sqlite_path(self._beside).parent / "postgres")
        self._last_run: str | None = None
        self._panels: list[Panel] = []

    def panels_of(self, run_id: str) -> list[Panel]:
        """The panels that show a run."""
        return [panel for panel in self._panels if panel.run_id == run_id]

    # -- the session ---------------------------------------------------------------

    @property
    def _url(self) -> str:
        return self.database_url or url_from_environment() or self._beside

    @property
    def session(self) -> Session:
        """The session, opened by the first use."""
        if self._session is None:
            names = self._shell.user_ns
            self._session = Session(
                Settings(
                    database_url=self._url,
                    notebook=notebook_path(names),
                    redact=tuple(self.redact),
                    idle_timeout_s=self.idle_timeout,
                )
            )
        return self._session

    @observe("idle_timeout")
    def _release_idle(self, _: object) -> None:
        if self._session is not None:
            self._session.runtime.release_idle_after(self.idle_timeout)

    def open_existing(self) -> None:
        """Open the journal if there is one, and tell what was interrupted."""
        if is_postgres(self._url) or sqlite_path(self._url).exists():
            self._tell()

    def close(self) -> None:
        """Close the journal."""
        if self._session is not None:
            self._session.close()
            self._session = None
        self._local.stop()

    def _tell(self) -> None:
        """Say in two lines what this journal holds and what each run waits for."""
        session = self.session
        going_on = session.define(self._shell.user_ns)
        rows = session.call(session.client.runs())
        open_runs = [row for row in rows if not row.status.is_final]
        where = self._local.name or short_path(self._url)
        life = f"session {session.runtime.session}"
        count = words.plural(len(open_runs), "unfinished run")
        print(f"durable_notebook: journal {where}, {life}, {count}")  # noqa: T201
        if open_runs:
            print("; ".join(state_of(row) for row in open_runs[:_MOST_NAMED]))  # noqa: T201
        self._show_going_on(going_on)

    def after_cell(self, _: object) -> None:
        """Let runs go on whose workflow a cell has just defined."""
        if self._session is not None and self._session.runtime.undefined():
            self._show_going_on(self._session.define(self._shell.user_ns))

    def _show_going_on(self, going_on: list[RunInfo]) -> None:
        for info in going_on:
            done = words.plural(info.steps, "completed step")
            note = f"resumed by itself: {done} kept from before"
            if info.prompts:
                self._panel(info.run_id, note)
            else:
                print(  # noqa: T201
                    f"Run {info.run_id} goes on: {done} kept. "
                    f"Watch it with {magic('resume', info.run_id)}"
                )

    def _panel(self, run_id: str, note: str) -> NotebookRun:
        self._last_run = run_id
        self._panels.append(Panel(self.session, run_id, note))
        return NotebookRun(self, run_id)

    # -- magics --------------------------------------------------------------------

    @no_var_expand
    @line_magic
    def durable_connect(self, line: str) -> None:
        """Choose the journal and open it: `%durable_connect sqlite:///runs.sqlite`.

        Without a URL, opens the default one. The file is created if need be.
        `%durable_connect --postgres` starts a Postgres server beside that, on a socket
        and with its data in the same folder, and stops it when no notebook uses it.
        """
        with plainly():
            url = line.strip().strip("'\"")
            is_local = url == "--postgres"
            if url and not is_local:
                check_url(url)
            self.close()
            self.database_url = self._local.start() if is_local else url
            self._tell()

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
        session = self.session
        run_id = request.options.get("run-id")
        wanted = None if run_id is None else str(run_id)
        before = None if wanted is None else session.runtime.store.run(wanted)
        origin = name if isinstance(value, Workflow) and name is not None else None
        run = session.start(value, wanted, origin, fields)
        note = "started now"
        if before is not None:
            note = became(session, run.run_id)
        return self._panel(run.run_id, note)

    @line_magic
    def durable_runs(self, line: str) -> RunsFrame:  # noqa: ARG002
        """List the runs of this journal as a DataFrame, newest first."""
        with plainly():
            session = self.session
            return frames.runs(session.call(session.client.runs()))

    @line_magic
    def durable_journal(self, line: str) -> JournalFrame:
        """Show the timeline of a run as a DataFrame: `%durable_journal [RUN]`.

        One row an execution of a step: position in the journal, step, what it
        received and returned, times, attempt, session (which kernel life), status,
        store changes. Interrupted executions are rows too. Without RUN, the last run
        that this notebook showed, else the newest.
        """
        with plainly():
            session = self.session
            run_id = parse(line).target or self._newest()
            info = session.call(session.client.read_info(run_id))
            rows = session.call(session.client.read_journal(run_id))
            return frames.journal(info, rows)

    def _newest(self) -> str:
        if self._last_run is not None:
            return self._last_run
        session = self.session
        rows = session.call(session.client.runs(limit=1))
        if not rows:
            raise UsageError("There are no runs yet. Start one with %durable_run.")
        return rows[0].run_id

    @no_var_expand
    @line_magic
    def durable_answer(self, line: str) -> None:
        """Answer a question of a run: `%durable_answer RUN field=value ...`.

        The fields are those of the event the run expects; a value is a Python
        expression of the notebook. The answer is on disk when this returns.
        """
        with plainly():
            request = parse(line)
            if request.target is None:
                raise UsageError("Name the run: %durable_answer RUN field=value ...")
            fields = request.values(self._shell.ev)
            session = self.session
            answer = session.client.answer(request.target, fields)
            event = session.call(answer)
            print(f"Sent {type(event).__name__} to run {request.target}.")  # noqa: T201

    @line_magic
    def durable_resume(self, line: str) -> NotebookRun | None:
        """Go on with what was interrupted, and show it: `%durable_resume [RUN]`.

        A run that recovered by itself or waits for an answer is simply shown. What
        cannot go on says why, and what to do.
        """
        with plainly():
            session = self.session
            run_id = parse(line).target
            session.define(self._shell.user_ns)
            if run_id is not None:
                return self._resume_one(session.call(session.client.read_info(run_id)))
            rows = session.call(session.client.runs())
            unfinished = [row for row in rows if not row.status.is_final]
            if not unfinished:
                print("Nothing to resume: every run has ended.")  # noqa: T201
            for row in reversed(unfinished[:_MOST_NAMED]):
                self._resume_one(row)
            return None

    def _resume_one(self, info: RunInfo) -> NotebookRun | None:
        session = self.session
        did = session.call(session.runtime.resume(info.run_id))
        info = session.call(session.client.read_info(info.run_id))
        if info.status is RunStatus.INTERRUPTED and not did:
            print(f"Run {state_of(info)}.")  # noqa: T201
            return None
        return self._panel(info.run_id, became(self.session, info.run_id))

    @line_magic
    def durable_restart(self, line: str) -> None:
        """Simulate a restart of the kernel: `%durable_restart`, or `--kill` for real.

        Everything of DBOS, the runtime and the runs that is in memory is dropped as a
        kill would, with no goodbye written; then the journal is opened again and runs
        go on from their last completed step. Your variables stay. With `--kill`, the
        kernel itself gets SIGKILL.
        """
        with plainly():
            request = parse(line, flags=("kill",))
            if request.options.get("kill"):
                self._kill()
            if self._session is None:
                raise UsageError(
                    "The journal is not open, so there is nothing to restart. "
                    "Start a run first with %durable_run."
                )
            self._session.abandon()
            self._session = None
            print("Dropped everything in memory, as a kill would.")  # noqa: T201
            self._tell()
            self._panels = [p for p in self._panels if p.follow(self.session)]

    def _kill(self) -> None:
        print(  # noqa: T201
            "Killing this kernel now. When it is back, run these again from the top: "
            "the cell with %load_ext durable_notebook, then the one that defines the "
            "workflow. The run goes on from there."
        )
        sys.stdout.flush()
        # What was printed leaves through a thread of the kernel; SIGKILL waits for
        # nobody.
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
