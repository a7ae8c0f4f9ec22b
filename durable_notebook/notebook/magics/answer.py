"""`%durable_answer`: answer a question of a run from a cell."""

from __future__ import annotations

from IPython.core.error import UsageError
from IPython.core.magic import line_magic, magics_class, no_var_expand

from durable_notebook.client._answering import name_of
from durable_notebook.notebook._fields import parse
from durable_notebook.notebook._sentences import plainly, say
from durable_notebook.notebook.magics._base import DurableMagics
from durable_notebook.views.questions import how_to_answer

_NAMED = 3


@magics_class
class AnswerMagics(DurableMagics):
    """Answers questions."""

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
                raise UsageError(self._whom_to_answer())
            fields = request.values(self._shell.ev)
            session = self._session
            answer = session.client.answer(request.target, fields)
            event = session.call(answer)
            say(f"Sent {name_of(event)} to run {request.target}.")

    def _whom_to_answer(self) -> str:
        """How to name a run, by the questions that wait."""
        waiting: list[str] = []
        if self._durable.has_journal:
            runs = self._session.call(self._session.client.runs())
            waiting = [how_to_answer(p) for info in runs for p in info.prompts]
        if not waiting:
            return "Name the run: %durable_answer RUN field=value ... No run asks now."
        more = f" and {len(waiting) - _NAMED} more" if len(waiting) > _NAMED else ""
        return f"Name the run: {' or '.join(waiting[:_NAMED])}{more}"
