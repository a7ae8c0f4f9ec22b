"""`%durable_runs` and `%durable_journal`: what the journal holds, as frames."""

from __future__ import annotations

from IPython.core.magic import line_magic, magics_class

from durable_notebook.notebook._fields import parse
from durable_notebook.notebook._sentences import plainly
from durable_notebook.notebook.magics._base import DurableMagics
from durable_notebook.views import frames
from durable_notebook.views.frames import JournalFrame, RunsFrame


@magics_class
class ReadMagics(DurableMagics):
    """Reads the journal."""

    @line_magic
    def durable_runs(self, line: str) -> RunsFrame:  # noqa: ARG002
        """List the runs of this journal: `%durable_runs`.

        A DataFrame, newest first.
        """
        with plainly():
            session = self._session
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
            session = self._session
            run_id = parse(line).target or self._durable.newest()
            info = session.call(session.client.read_info(run_id))
            rows = session.call(session.client.read_journal(run_id))
            return frames.journal(info, rows)
