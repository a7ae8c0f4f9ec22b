"""`%durable_check`: guess what a run does, and have its journal judge."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import line_cell_magic, magics_class, no_var_expand

from durable_notebook.course import Evidence, Verdict, grade
from durable_notebook.notebook._cells import steps_of
from durable_notebook.notebook._fields import parse
from durable_notebook.notebook._sentences import plainly
from durable_notebook.notebook._workspace import DurableNotebook
from durable_notebook.notebook.magics._base import DurableMagics
from durable_notebook.views import html, verdict


class Check:
    """What became of guesses: `.verdict`; are they all `.is_made`, and `.is_right`."""

    def __init__(self, found: Verdict) -> None:
        self.verdict = found
        self.is_made = found.is_made
        self.is_right = found.is_right

    def _repr_html_(self) -> str:
        return html.page(verdict.html(self.verdict))

    def __repr__(self) -> str:
        return verdict.text(self.verdict)


@magics_class
class CheckMagics(DurableMagics):
    """Judges guesses."""

    def __init__(self, shell: Any, durable: DurableNotebook) -> None:
        super().__init__(shell, durable)
        # Of each run, what was guessed last, and the file that is counted.
        self._noted: dict[str, dict[str, Any]] = {}
        self._ledgers: dict[str, str] = {}

    @no_var_expand
    @line_cell_magic
    def durable_check(self, line: str, cell: str | None = None) -> Check:
        """Guess what a run does, and have its journal judge: `%durable_check RUN ...`.

        %durable_check RUN [--ledger FILE] name=value ...
        %%durable_check RUN [--ledger FILE]
        name = value

        A name is a step, for how often it is begun in all, or a value of the store, or
        one of: `runs_again` (a list of steps), `goes_on_with` (the step with which the
        last session begins), `sessions`, `steps` (results on disk), `interrupted`,
        `status`, `tokens`, `ledger_lines` (of the file that `--ledger` names). Guess
        before the run: nothing is told before it has ended and every guess is made.
        `%durable_check RUN` alone judges what was guessed before. The value has
        `.is_made` and `.is_right`.
        """
        with plainly():
            request = parse(line, valued=("ledger",))
            if request.target is None:
                raise UsageError(
                    "Name the run and guess: %durable_check RUN name=value ..."
                )
            guesses = request.values(self._shell.ev)
            if cell is not None:
                guesses |= self._written(cell)
            if guesses:
                self._noted[request.target] = guesses
            guesses = self._noted.get(request.target, {})
            if "ledger" in request.options:
                self._ledgers[request.target] = str(request.options["ledger"])
            ledger = self._ledgers.get(request.target)
            found = self._evidence(request.target, ledger)
            steps = steps_of(self._durable.names)
            return Check(grade(request.target, guesses, found, steps))

    def _written(self, cell: str) -> dict[str, Any]:
        """The guesses of a cell: one `name = value` a line."""
        try:
            lines = ast.parse(cell).body
        except SyntaxError as e:
            raise UsageError(f"Line {e.lineno} is no guess: write name = value.") from e
        found = {}
        for node in lines:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if not isinstance(node, ast.Assign) or not isinstance(target, ast.Name):
                raise UsageError(
                    f"Line {node.lineno} is no guess: write name = value, and nothing "
                    "else."
                )
            expression = ast.unparse(node.value)
            try:
                found[target.id] = self._shell.ev(expression)
            except Exception as e:
                raise UsageError(
                    f"{target.id} = {expression} is not a value: {type(e).__name__}: "
                    f"{e}. Write text in quotes."
                ) from e
        return found

    def _evidence(self, run_id: str, ledger: str | None) -> Evidence | None:
        if not (self._durable.is_open or self._durable.has_journal):
            return None
        session = self._session
        if session.runtime.store.run(run_id) is None:
            return None
        reading = session.call(session.client.read_run(run_id))
        rows = reading.attempts()
        graph = session.call(session.client.graph(reading.info, rows))
        path = None if ledger is None else Path(ledger)
        lines = None
        if path is not None:
            lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return Evidence(
            info=reading.info,
            rows=rows,
            workflow_steps=[n.label for n in graph.nodes if n.kind == "step"],
            tokens=sum(used.total for used in reading.usage().values()),
            ledger=lines,
            ledger_name="The ledger" if path is None else path.name,
        )
