"""Magics that cancel, pause, fork, rewind, delete a run, or take it over."""

from __future__ import annotations

from contextlib import suppress

from IPython.core.error import UsageError
from IPython.core.magic import line_magic, magics_class, no_var_expand

from durable_notebook.errors import UnknownRunError
from durable_notebook.notebook._fields import Line, parse
from durable_notebook.notebook._run import NotebookRun
from durable_notebook.notebook._sentences import became, paused, plainly, say
from durable_notebook.notebook.magics._base import DurableMagics


@magics_class
class UpkeepMagics(DurableMagics):
    """What is done to runs as wholes."""

    @no_var_expand
    @line_magic
    def durable_cancel(self, line: str) -> None:
        """Ask a run to end: `%durable_cancel RUN`. On disk when this returns."""
        with plainly():
            run_id = _named(parse(line), "cancel")
            self._session.call(self._session.client.cancel(run_id))
            say(f"Run {run_id} was asked to end.")

    @no_var_expand
    @line_magic
    def durable_pause(self, line: str) -> None:
        """Have a run begin no further step: `%durable_pause RUN`.

        On disk when this returns. Steps in flight go on to their results, and what is
        sent to the run is kept. It stays paused over restarts until
        `%durable_resume RUN`.
        """
        with plainly():
            run_id = _named(parse(line), "pause")
            session = self._session
            session.call(session.client.pause(run_id))
            say(paused(session.call(session.client.read_info(run_id))))

    @no_var_expand
    @line_magic
    def durable_fork(self, line: str) -> NotebookRun:
        """Begin a new run where another is, and show it.

        %durable_fork RUN [--position N] [--new-run-id ID]

        It has what the other had before the position, and goes on from there; without
        one, a run that has ended does only its last turn again. The other stays.
        """
        with plainly():
            request = parse(line, valued=("position", "new-run-id"))
            run_id, new = _named(request, "fork"), request.options.get("new-run-id")
            session = self._session
            new_run_id = None if new is None else str(new)
            session.renew(run_id, self._durable.names)
            fork = session.client.fork(run_id, _position(request), new_run_id)
            run = session.call(fork)
            return self._durable.show(run.run_id, f"forked from {run_id}")

    @no_var_expand
    @line_magic
    def durable_rewind(self, line: str) -> NotebookRun:
        """Have a run that has ended go on again: `%durable_rewind RUN [--position N]`.

        It keeps what it has before the position; what is behind it is gone. Without
        one, only its last turn is done again: a failed step is tried once more.
        """
        with plainly():
            request = parse(line, valued=("position",))
            run_id = _named(request, "rewind")
            session = self._session
            session.renew(run_id, self._durable.names)
            session.call(session.client.rewind(run_id, _position(request)))
            return self._durable.show(run_id, "rewound")

    @no_var_expand
    @line_magic
    def durable_delete(self, line: str) -> None:
        """Delete runs, with all that is recorded of them.

        `%durable_delete [--missing-ok] RUN ...`

        If one is not in the journal, none is deleted, unless with `--missing-ok`.
        """
        with plainly():
            request = parse(line, flags=("missing-ok",), most_targets=None)
            _named(request, "delete")
            session = self._session
            rows = {r: session.runtime.store.run(r) for r in request.targets}
            missing = [run_id for run_id, row in rows.items() if row is None]
            if missing and "missing-ok" not in request.options:
                raise UnknownRunError(missing[0])
            for run_id in rows:
                if run_id in missing:
                    continue
                # A child may have gone with its parent.
                with suppress(UnknownRunError):
                    session.call(session.client.delete(run_id))
                say(f"Run {run_id} is deleted.")

    @no_var_expand
    @line_magic
    def durable_reassign(self, line: str) -> NotebookRun:
        """Go on here with a run whose process is dead: `%durable_reassign RUN`.

        From then on it belongs to this notebook.
        """
        with plainly():
            run_id = _named(parse(line), "reassign")
            session = self._session
            info = session.call(session.client.read_info(run_id))
            me = session.runtime.executor_id
            given = session.client.reassign(info.executor_id or "", me, [run_id])
            session.call(given)
            session.renew(run_id, self._durable.names)
            session.call(session.runtime.resume(run_id))
            return self._durable.show(run_id, became(session, run_id))


def _named(request: Line, verb: str) -> str:
    if request.target is None:
        raise UsageError(
            f"Name the run: %durable_{verb} RUN. %durable_runs lists them."
        )
    return request.target


def _position(request: Line) -> int | None:
    given = request.options.get("position")
    if given is None:
        return None
    if not str(given).isdecimal():
        raise UsageError(f"--position takes a number of the journal, not {given}.")
    return int(given)
