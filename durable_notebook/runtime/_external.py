"""The adapter that a handler has of its run, on the outside."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from workflows.context.state_store import StateStore
from workflows.events import Event, StopEvent
from workflows.runtime.types.internal_state import BrokerState
from workflows.runtime.types.plugin import (
    ExternalRunAdapter,
    SnapshottableAdapter,
    V2RuntimeCompatibilityShim,
)
from workflows.runtime.types.ticks import WorkflowTick

from durable_notebook.errors import (
    DurableNotebookError,
    LostOwnershipError,
    StrandedRunError,
)
from durable_notebook.logs import about
from durable_notebook.runtime._outside import OutsideStore

if TYPE_CHECKING:
    from durable_notebook.runtime._runtime import DBOSRuntime
    from durable_notebook.runtime.live._run import LiveRun
    from durable_notebook.runtime.process._beginnings import Started

logger = logging.getLogger("durable_notebook")


class ExternalAdapter(
    ExternalRunAdapter, SnapshottableAdapter, V2RuntimeCompatibilityShim
):
    """Reads and messages a run by its id, wherever it is executed."""

    def __init__(
        self,
        runtime: DBOSRuntime,
        run_id: str,
        started: Started | None = None,
    ) -> None:
        self._runtime = runtime
        self._run_id = run_id
        self._started = started
        self._left: StateStore[Any] | None = None

    @property
    def run_id(self) -> str:
        return self._run_id

    async def started(self) -> None:
        """Wait until the run is on disk. On the runtime's loop."""
        # Several wait for the start; one that gives up must not end it.
        if isinstance(self._started, Future):
            await asyncio.shield(asyncio.wrap_future(self._started))
        elif self._started is not None:
            await asyncio.shield(self._started)

    async def send_event(self, tick: WorkflowTick) -> None:
        task = asyncio.current_task()
        if task is not None and _is_of_its_own(task):
            task.add_done_callback(_tell)
        post = self._runtime.post(self._run_id, tick, begun=self.started)
        await self._runtime.on_loop(post)

    async def stream_published_events(self) -> AsyncGenerator[Event, None]:
        """Replay the stream from its beginning, then follow it.

        Live events come as they are published, before they are on disk: their numbers
        are only final in `Run.events()`.
        """
        # One that nobody goes on with is refused after what is recorded of it.
        with contextlib.suppress(StrandedRunError):
            await self._runtime.on_loop(self.started())
        stream = self._runtime.stream(self._run_id)
        while True:
            try:
                yield await self._runtime.on_loop(anext(stream))
            except StopAsyncIteration:
                return

    async def get_result(self) -> StopEvent:
        return await self._runtime.on_loop(self._result())

    async def _result(self) -> StopEvent:
        await self.started()
        return await self._runtime.result(self._run_id)

    # -- `handler.ctx`: its store, and going on with it in another run -------------

    def get_state_store(
        self, namespace: tuple[str, ...] = ()
    ) -> StateStore[Any] | None:
        return None if namespace else OutsideStore(self)

    async def store(self) -> StateStore[Any]:
        """The run's store, once the run is executed here or cannot be."""
        await self._runtime.on_loop(self._executed())
        return self.store_now()

    async def _executed(self) -> None:
        await self.started()
        await self._runtime.until_executed(self._run_id)

    def store_now(self) -> StateStore[Any]:
        """The run's store as far as this process has it at this moment."""
        run = self._runtime.live(self._run_id)
        if run is not None:
            return run.state
        if self._left is not None:
            return self._left
        left = self._runtime.restored(self._run_id).store
        if not self.is_running:
            self._left = left  # What a caller changes in it stays there, as in memory.
        return left

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """Change the run's store in this block: it stays in memory meanwhile."""
        run = await self._runtime.on_loop(self._hold())
        try:
            yield
        finally:
            if run is not None:
                await self._runtime.on_loop(run.let_go())

    async def _hold(self) -> LiveRun | None:
        await self.started()
        return await self._runtime.hold(self._run_id)

    async def keep_store(self) -> None:
        """Put on disk what the caller has changed in the store.

        Raises:
            LostOwnershipError: The run is executed elsewhere.
        """
        run = self._runtime.live(self._run_id)
        if run is not None:
            await self._runtime.on_loop(run.keep_store())
        elif self._left is None:
            raise LostOwnershipError(self._run_id)

    @property
    def init_state(self) -> BrokerState:
        return self._runtime.restored(self._run_id).state

    def replay(self) -> list[WorkflowTick]:
        # `init_state` is where the run stands, not where it began.
        return []

    @property
    def is_running(self) -> bool:
        return self._is_beginning() or self._runtime.outcome(self._run_id) is None

    def get_result_or_none(self) -> StopEvent | None:
        outcome = None if self._is_beginning() else self._runtime.outcome(self._run_id)
        if outcome is not None and outcome.error is not None:
            raise outcome.error
        return None if outcome is None else outcome.result

    def abort(self) -> None:
        raise NotImplementedError(
            "A durable run is not ended by stopping its task: it would go on in the "
            "next session. Use 'await handler.cancel_run()'."
        )

    def _is_beginning(self) -> bool:
        return self._started is not None and not self._started.done()


def _is_of_its_own(task: asyncio.Task[Any]) -> bool:
    """Whether a task was made for one send, as a handler does and then forgets it."""
    code = getattr(task.get_coro(), "cr_code", None)
    return code is ExternalAdapter.send_event.__code__


def _tell(task: asyncio.Task[Any]) -> None:
    """Say in one line why nothing was sent; asyncio would do it in twenty."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, DurableNotebookError):
        logger.warning("%s", error, extra=about(getattr(error, "run_id", None)))
    elif error is not None:
        logger.error("A send failed", exc_info=error)
