"""`%durable_timeline`: a run on a time axis, live."""

from __future__ import annotations

from IPython.core.magic import line_magic, magics_class

from durable_notebook.notebook._fields import parse
from durable_notebook.notebook._run import NotebookRun
from durable_notebook.notebook._sentences import plainly
from durable_notebook.notebook.magics._base import DurableMagics


@magics_class
class TimelineMagics(DurableMagics):
    """Shows runs as pictures that move."""

    @line_magic
    def durable_timeline(self, line: str) -> NotebookRun:
        """Show a run on a time axis, live: `%durable_timeline [RUN]`.

        One row an execution of a step, with its state in colour and in words, and a
        dashed line where the process ended; the time until the next one is folded.
        Arrow keys move, Enter opens the details, + and - zoom. `%durable_journal` has
        the same as a DataFrame. Without RUN, the run that this notebook showed last,
        else the newest.
        """
        with plainly():
            run_id = parse(line).target or self._durable.newest()
            run = NotebookRun(self._durable, run_id)
            run.timeline()
            return run
