"""`%durable_timeline` and `%durable_graph`: a run on a time axis, and as a graph."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import line_magic, magics_class
from IPython.display import display

from durable_notebook._graph import graph_of_workflow
from durable_notebook.notebook._cells import is_workflow
from durable_notebook.notebook._fields import parse
from durable_notebook.notebook._run import NotebookRun
from durable_notebook.notebook._sentences import plainly
from durable_notebook.notebook.magics._base import DurableMagics
from durable_notebook.views import graph, html


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

    @line_magic
    def durable_graph(self, line: str) -> NotebookRun | None:
        """Show steps and events as a graph: `%durable_graph [RUN or WORKFLOW]`.

        Of a run, live, with what it did at each step in colour and in words. Of a
        workflow of this notebook, as it is defined. Without either, the run that this
        notebook showed last, else the newest.
        """
        with plainly():
            name = parse(line).target
            workflow: Any = self._durable.names.get(name or "")
            if is_workflow(workflow):
                markup, text = graph.twin(graph_of_workflow(workflow))
                shown = {"text/html": html.page(markup), "text/plain": text}
                display(shown, raw=True)
                return None
            run = NotebookRun(self._durable, name or self._durable.newest())
            run.graph()
            return run
