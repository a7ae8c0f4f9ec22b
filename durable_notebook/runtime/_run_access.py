"""Messages to runs, their streams, and how they end, through a launched runtime."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Any

from workflows.events import Event, StopEvent
from workflows.runtime.types.ticks import TickAddEvent, WorkflowTick

from durable_notebook._model import Json
from durable_notebook.runtime._opened import Opened
from durable_notebook.runtime.codec._outcome import Outcome
from durable_notebook.runtime.codec._published import Missing
from durable_notebook.runtime.live._run import LiveRun
from durable_notebook.runtime.recovery._restore import Restored


class RunAccess(Opened):
    """A part of `DBOSRuntime`. It hands on to `Access`."""

    async def until_executed(self, run_id: str) -> None:
        """Wait until this process executes a run, unless it is not about to."""
        await self._opened.access.until_executed(run_id)

    async def hold(self, run_id: str) -> LiveRun | None:
        """Have a run in memory until `holds` of it is counted down, to change it.

        None of a run that this process does not execute.
        """
        return await self._opened.access.hold(run_id)

    def restored(self, run_id: str) -> Restored:
        """Where a run stands now: what it would go on with.

        Raises:
            UnknownRunError: There is no such run.
            ReplayMismatchError: Its journal does not fit today's workflow.
        """
        return self._opened.access.restored(run_id)

    def outcome(self, run_id: str) -> Outcome | None:
        """How a run ended, or why it stands still; None if it has not.

        Raises:
            UnknownRunError: There is no such run.
        """
        return self._opened.access.recorded_outcome(run_id)

    async def send(self, run_id: str, event: Event, *, key: str | None = None) -> bool:
        """Send an event to a run; it is on disk when this returns.

        With a key it counts once: False says that one with the key was there.

        Raises:
            UnknownRunError, RunFinishedError: Nobody would ever read it.
        """
        return await self.post(run_id, TickAddEvent(event=event), key)

    async def post(
        self,
        run_id: str,
        tick: WorkflowTick | str,
        key: str | None = None,
        *,
        begun: Callable[[], Awaitable[None]] | None = None,
        by: str | None = None,
    ) -> bool:
        """Put a tick into a run's mailbox, as `send` does with an event.

        Or the text of a message that was made without its class. `begun` waits for a
        run that is only being started; `by` says in words who sends it.
        """
        access = self._opened.access
        return await access.post(run_id, tick, key, begun=begun, by=by)

    async def pause(self, run_id: str) -> None:
        """Have a run begin no step body any more; on disk when this returns.

        Bodies in flight go on to their results. Messages are kept, and heard when it
        goes on. No restart goes on with it: only `resume`, or `Run.go_on`, does.

        Raises:
            UnknownRunError, RunFinishedError: There is nothing to pause.
        """
        await self._opened.runs.beginnings.until_begun(run_id)
        await self._opened.runs.pausing.pause(run_id)

    async def go_on(self, run_id: str) -> bool:
        """Take a pause back; on disk when this returns. False if there was none."""
        return await self._opened.runs.pausing.go_on(run_id)

    async def until_taken(self, run_id: str) -> None:
        """Wait until a run that is being restored here goes on, or stands still."""
        await self._opened.runs.until_taken(run_id)

    async def result(self, run_id: str) -> StopEvent:
        """Wait for the end of a run, wherever it is executed.

        Raises:
            UnknownRunError: There is no such run.
            Exception: The error with which the run ended, or why it cannot go on.
        """
        return await self._opened.access.result(run_id)

    def stream(
        self,
        run_id: str,
        after: int = 0,
        *,
        missing: Missing | None = None,
        is_exact: bool = False,
    ) -> AsyncGenerator[Any, None]:
        """A run's events from a number on: recorded ones first, then live ones.

        What `missing` makes of the tree of an event takes its place where its class is
        not defined; without it that is an error. Live ones come at once; with
        `is_exact` once they are on disk, which is seen to at once.
        """
        access = self._opened.access
        return access.stream(run_id, after, missing=missing, is_exact=is_exact)

    def read_events(
        self, run_id: str, trees: list[Json], missing: Missing | None = None
    ) -> Iterator[Any]:
        """The events of a run's entries, as `stream` would give them."""
        return self._opened.access.read_events(run_id, trees, missing)
