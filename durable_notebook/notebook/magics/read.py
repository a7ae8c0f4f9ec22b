"""`%durable_runs` and `%durable_journal`: what the journal holds, as frames."""

from __future__ import annotations

from IPython.core.error import UsageError
from IPython.core.magic import line_magic, magics_class

from durable_notebook._model import RunStatus
from durable_notebook.notebook._fields import Line, parse
from durable_notebook.notebook._runs_view import Choice, live_frame
from durable_notebook.notebook._sentences import plainly
from durable_notebook.notebook.magics._base import DurableMagics
from durable_notebook.views import frames
from durable_notebook.views.frames import JournalFrame, RunsFrame

_VALUED = ("status", "workflow", "limit")


@magics_class
class ReadMagics(DurableMagics):
    """Reads the journal."""

    @line_magic
    def durable_runs(self, line: str) -> RunsFrame:
        """List the runs of this journal: `%durable_runs`.

        %durable_runs [--status STATE[,STATE]] [--workflow NAME] [--limit N]

        It is a DataFrame, newest first, one row a run: `runs[runs.status == 'failed']`
        gives those rows, and `runs.df` the same as a plain frame. As the value of a
        cell it is a list that changes as the runs do: filter and sort it, open a run
        below it, answer, cancel, resume, fork or delete. States are running, waiting,
        paused, interrupted, completed, failed and cancelled.
        """
        with plainly():
            choice = _choice(parse(line, valued=_VALUED, most_targets=0))
            return live_frame(self._durable, choice)

    @line_magic
    def durable_journal(self, line: str) -> JournalFrame:
        """Show the timeline of a run as a DataFrame: `%durable_journal [RUN]`.

        One row an execution of a step: position in the journal, step, what it
        received and returned, times, attempt, session (which kernel life), status,
        store changes. Interrupted executions are rows too. Where events carry the
        usage of model calls, its sum by step stands below. Without RUN, the last run
        that this notebook showed, else the newest.
        """
        with plainly():
            session = self._session
            run_id = parse(line).target or self._durable.newest()
            reading = session.call(session.client.read_run(run_id))
            return frames.journal(reading.info, reading.attempts(), reading.usage())


def _choice(request: Line) -> Choice:
    options = {name: str(value) for name, value in request.options.items()}
    states = frozenset(filter(None, options.get("status", "").split(",")))
    for state in sorted(states - set(RunStatus)):
        known = ", ".join(RunStatus)
        raise UsageError(f"There is no state {state}. The states are: {known}.")
    limit = options.get("limit")
    if limit is not None and not limit.isdecimal():
        raise UsageError(f"--limit takes a number of runs, not {limit}.")
    return Choice(
        states, options.get("workflow"), None if limit is None else int(limit)
    )
