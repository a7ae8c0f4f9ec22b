"""The adapter that a handler has of its run, on the outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from workflows.context.state_store import StateStore
from workflows.events import Event, StopEvent
from workflows.runtime.types.plugin import ExternalRunAdapter
from workflows.runtime.types.ticks import WorkflowTick

if TYPE_CHECKING:
    from durable_notebook.runtime._runtime import DBOSRuntime


class ExternalAdapter(ExternalRunAdapter):
    """Reads and messages a run by its id, wherever it is executed."""

    def __init__(
        self,
        runtime: DBOSRuntime,
        run_id: str,
        started: asyncio.Task[None] | None = None,
    ) -> None:
        self._runtime = runtime
        self._run_id = run_id
        self._started = started

    @property
    def run_id(self) -> str:
        return self._run_id

    async def started(self) -> None:
        """Wait until the run is on disk."""
        if self._started is not None:
            # Several wait for the start; one that gives up must not end it.
            await asyncio.shield(self._started)

    async def send_event(self, tick: WorkflowTick) -> None:
        await self.started()
        await self._runtime.post(self._run_id, tick)

    async def stream_published_events(self) -> AsyncGenerator[Event, None]:
        """Replay the stream from its beginning, then follow it."""
        await self.started()
        async for event in self._runtime.stream(self._run_id):
            yield event

    async def get_result(self) -> StopEvent:
        await self.started()
        return await self._runtime.result(self._run_id)

    def get_state_store(
        self, namespace: tuple[str, ...] = ()
    ) -> StateStore[Any] | None:
        run = self._runtime.live(self._run_id)
        return None if namespace or run is None else run.state
