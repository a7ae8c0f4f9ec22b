"""The run that a magic returns."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from durable_notebook._client import Client, Run
from durable_notebook.notebook._holding import awake

if TYPE_CHECKING:
    from durable_notebook.notebook._workspace import DurableNotebook


class NotebookRun(Run):
    """A run of this notebook: it stays usable over a simulated restart."""

    def __init__(self, durable: DurableNotebook, run_id: str) -> None:
        super().__init__(durable.session.client, run_id)
        self._durable = durable

    @property
    def client(self) -> Client:
        return self._durable.session.client

    async def result(self) -> Any:
        try:
            with awake():
                return await super().result()
        except asyncio.CancelledError:
            self._durable.interrupts.left(self.run_id)
            # Where it waited is of no interest: the rest of the traceback is ours.
            raise asyncio.CancelledError from None
        finally:
            task = asyncio.current_task()
            if task is None or not task.cancelling():
                # A cell that has awaited the run leaves its panel as it ended.
                for panel in self._durable.panels_of(self.run_id):
                    await asyncio.to_thread(panel.ended.wait, 1.0)

    def _ipython_display_(self) -> None:
        """Show nothing: the magic has shown the panel above."""
