"""`%durable_inbox`: every question that waits for a person."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import line_magic, magics_class

from durable_notebook.notebook._inbox import InboxPanel
from durable_notebook.notebook._sentences import plainly
from durable_notebook.notebook._terminal import has_front_end
from durable_notebook.notebook._workspace import DurableNotebook
from durable_notebook.notebook.magics._base import DurableMagics
from durable_notebook.views import questions


@magics_class
class InboxMagics(DurableMagics):
    """Shows questions."""

    def __init__(self, shell: Any, durable: DurableNotebook) -> None:
        super().__init__(shell, durable)
        # What each cell shows: it takes the place of what it showed before.
        self._shown: dict[str, InboxPanel] = {}

    @line_magic
    def durable_inbox(self, line: str) -> InboxPanel | None:
        """Show every question that waits for a person: `%durable_inbox`.

        Oldest first, of all runs, also those that another kernel or a server executes.
        Open one to answer it. It stays live: new questions appear, and what was
        answered here, in another notebook, on the command line or over HTTP says by
        whom and when.
        """
        with plainly():
            if line.strip():
                raise UsageError(
                    "%durable_inbox takes nothing: it shows every question. To answer "
                    "one from a cell: %durable_answer RUN field=value ..."
                )
            if not has_front_end(self._shell):
                found = self._session.client.inbox()
                found.look()
                print(questions.inbox_text(found.questions()))  # noqa: T201
                return None
            cell = _cell(self._shell)
            if cell is not None and cell in self._shown:
                self._shown.pop(cell).leave()
            inbox = InboxPanel(self._session)
            self._durable.keep_live(inbox)
            if cell is not None:
                self._shown[cell] = inbox
            return inbox


def _cell(shell: object) -> str | None:
    """Which cell runs now, where the front end says so."""
    parent: Any = getattr(shell, "get_parent", dict)()
    metadata = parent.get("metadata", {}) if isinstance(parent, dict) else {}
    found = metadata.get("cellId")
    return found if isinstance(found, str) else None
