"""`%durable_restart`: at once, or exactly at a commit; simulated, or a kill."""

from __future__ import annotations

import re

from IPython.core.error import UsageError
from IPython.core.magic import line_magic, magics_class, no_var_expand

from durable_notebook.notebook._fields import Line, parse
from durable_notebook.notebook._sentences import plainly, say
from durable_notebook.notebook._stops import Stop, kill
from durable_notebook.notebook.magics._base import DurableMagics

_WHICH = re.compile(r"(?P<step>[^:]+)(:(?P<nth>[1-9]\d{0,8}))?")


@magics_class
class RestartMagics(DurableMagics):
    """Restarts, for those who want to see what is kept."""

    @no_var_expand
    @line_magic
    def durable_restart(self, line: str) -> None:
        """Simulate a restart of the kernel: `%durable_restart`, or `--kill` for real.

        %durable_restart [--kill]
        %durable_restart [RUN] --at STEP[:N] --before|--after [--kill]

        Everything of DBOS, the runtime and the runs that is in memory is dropped as a
        kill would, with no goodbye written; then the journal is opened again and runs
        go on from their last completed step. Your variables stay. With `--kill`, the
        kernel itself gets SIGKILL.

        With `--at` it comes later, exactly at one commit: when RUN, or whichever run
        is there first, records the result of its N-th execution of STEP (by default
        the first). `--before`: the step has returned, and nothing of its entry is on
        disk. `--after`: its entry is on disk, and nothing that follows has begun. Set
        it above the cell that starts the run. A run that is past it, or was interrupted
        there before, is not stopped, so that all cells can be run again. A plain
        `%durable_restart` takes such stops back.
        """
        with plainly():
            request = parse(line, valued=("at",), flags=("before", "after", "kill"))
            if "at" in request.options or set(request.options) - {"kill"}:
                self._durable.set_stop(_stop(request))
                return
            if request.target is not None:
                raise UsageError(
                    "A restart is of all runs. Name a run to stop at a commit of it: "
                    "%durable_restart RUN --at STEP --before, or --after."
                )
            if request.options.get("kill"):
                say(
                    "Killing this kernel now. When it is back, run these again from "
                    "the top: the cell with %load_ext durable_notebook, then the one "
                    "that defines the workflow. The run goes on from there."
                )
                kill()
            if not self._durable.is_open:
                raise UsageError(
                    "The journal is not open, so there is nothing to restart. "
                    "Start a run first with %durable_run."
                )
            self._durable.restart()


def _stop(request: Line) -> Stop:
    options = request.options
    is_before = bool(options.get("before"))
    if is_before == bool(options.get("after")):
        raise UsageError(
            "Say which side of the commit: --before or --after. The whole line is "
            "%durable_restart [RUN] --at STEP[:N] --before, or --after."
            if "at" in options
            else "Name the step: --at STEP or --at STEP:N, with --before or --after."
        )
    which = _WHICH.fullmatch(str(options.get("at", "")))
    if which is None:
        given = str(options.get("at", ""))
        raise UsageError(
            f"--at STEP:N takes a number from 1 on, not {given.partition(':')[2]}."
            if given.partition(":")[0]
            else "Name the step: --at STEP or --at STEP:N, with --before or --after."
        )
    return Stop(
        step=which["step"],
        nth=int(which["nth"] or 1),
        is_before=is_before,
        is_kill=bool(options.get("kill")),
        run_id=request.target,
    )
