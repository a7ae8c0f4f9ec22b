"""The run that a magic returns."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from IPython.display import display
from workflows.events import Event

from durable_notebook._model import Attempt, EventView, Prompt, RunInfo
from durable_notebook.client._client import Client, Run
from durable_notebook.errors import ConfigError
from durable_notebook.notebook._graph_view import GraphOf
from durable_notebook.notebook._holding import awake
from durable_notebook.notebook._session import Dropped
from durable_notebook.notebook._stops import CUT_OFF
from durable_notebook.notebook._timeline_view import TimelineOf

if TYPE_CHECKING:
    from durable_notebook.notebook._workspace import DurableNotebook
    from durable_notebook.runtime import DBOSRuntime


T = TypeVar("T")


class NotebookRun(Run):
    """A run of this notebook: it outlasts simulated restarts and reloads."""

    def __init__(self, durable: DurableNotebook, run_id: str) -> None:
        super().__init__(durable.session.client, run_id)
        self._begun_by = durable
        self._shown_in = durable.cells.execution()

    @property
    def _durable(self) -> DurableNotebook:
        return self._begun_by.current

    @property
    def client(self) -> Client:
        return self._durable.session.client

    async def result(self) -> Any:
        try:
            with awake():
                return await self._over_restarts(super().result)
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

    async def info(self) -> RunInfo:
        return await self._over_restarts(super().info)

    async def journal(self) -> list[Attempt]:
        return await self._over_restarts(super().journal)

    async def output(self) -> str:
        return await self._over_restarts(super().output)

    async def send(self, event: Event, *, key: str | None = None) -> bool:
        return await self._once(lambda: Run.send(self, event, key=key))

    async def answer(
        self, prompt: Prompt | None = None, /, **fields: Any
    ) -> Event | EventView:
        return await self._once(lambda: Run.answer(self, prompt, **fields))

    async def pause(self) -> None:
        await self._once(super().pause)

    async def go_on(self) -> None:
        await self._once(super().go_on)

    async def cancel(self) -> None:
        await self._once(super().cancel)

    async def _once(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Do something that may be done already where a restart came meanwhile."""
        self._durable.stops.catch_up()
        try:
            return await self._durable.session.outlasting(ask)
        except Dropped:
            raise ConfigError(
                CUT_OFF, "Look at the run, and if need be run the cell again."
            ) from None

    async def _over_restarts(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again in the next session where a restart came before the answer."""
        while True:
            self._durable.stops.catch_up()
            try:
                return await self._durable.session.outlasting(ask)
            except Dropped:
                continue

    @property
    def _open_runtime(self) -> DBOSRuntime | None:
        return self.client.runtime if self._durable.is_open else None

    def timeline(self) -> None:
        """Show every execution of a step on a time axis, live: `%durable_timeline`."""
        self._durable.show_view(TimelineOf, self.run_id)

    def graph(self) -> None:
        """Show the steps of the run and what it did at each, live: `%durable_graph`."""
        self._durable.show_view(GraphOf, self.run_id)

    def _ipython_display_(self) -> None:
        """Show nothing below the panel of the magic, and a line in other cells."""
        if self._durable.cells.execution() != self._shown_in:
            display({"text/plain": repr(self)}, raw=True)
