"""What the magics share."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics

from durable_notebook.notebook._session import Session
from durable_notebook.notebook._workspace import DurableNotebook


class DurableMagics(Magics):
    """Magics that work on what the kernel has open.

    Each reads its line, calls the client and returns a value.
    """

    def __init__(self, shell: Any, durable: DurableNotebook) -> None:
        super().__init__(shell=shell)
        self._shell = shell
        self._durable = durable

    @property
    def _session(self) -> Session:
        """The session, opened by the first use."""
        return self._durable.session

    def after_cell(self, _: object) -> None:
        """Called when a cell has run."""
