"""Messages to runs, their events and results, wherever they are executed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from weakref import WeakValueDictionary

from workflows.events import Event, StopEvent
from workflows.runtime.types.ticks import TickCancelRun, WorkflowTick

from durable_notebook._model import Json, RunStatus
from durable_notebook.errors import (
    DurableNotebookError,
    LostOutcomeError,
    ReplayMismatchError,
    RunFinishedError,
    RuntimeClosedError,
    UndefinedClassError,
    UnknownRunError,
)
from durable_notebook.runtime._codec import Codec
from durable_notebook.runtime._outcome import Outcome, recorded_end
from durable_notebook.runtime._reduction import reduced
from durable_notebook.runtime._registry import Registry
from durable_notebook.runtime._restore import Restored, restore
from durable_notebook.runtime._runs import Runs
from durable_notebook.store import RunRow, Store

# Passes of the event loop until who waits for a run has left, and what awaits that.
_PASSES_TO_LEAVE = 8

# A look takes the executor's lock for a moment, so not at every turn of the wait.
_LOOK_AFTER_EXECUTOR_S = 1.0


class Access:
    """Reads from memory what is live here, and from the journal what is not."""

    def __init__(
        self,
        *,
        runs: Runs,
        store: Store,
        registry: Registry,
        plain: Codec,
        poll_s: float,
    ) -> None:
        self._runs = runs
        self._store = store
        self._registry = registry
        self._plain = plain
        self._poll_s = poll_s
        self._is_closed = False
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._open_posts = 0
        self._all_posted = asyncio.Event()

    async def post(
        self,
        run_id: str,
        tick: WorkflowTick,
        key: str | None = None,
        *,
        begun: Callable[[], Awaitable[None]] | None = None,
    ) -> bool:
        """Put a tick into a run's mailbox; on disk when this returns.

        False if a message with this key was there: it counts once. Messages to one
        run are handed in, in the order of these calls, once it has `begun`.

        Raises:
            UnknownRunError, RunFinishedError: Nobody would ever read it.
        """
        self._open_posts += 1
        self._all_posted.clear()
        try:
            async with self._turns.setdefault(run_id, asyncio.Lock()):
                if begun is not None:
                    await begun()
                await self._runs.until_begun(run_id)
                if isinstance(tick, TickCancelRun) and self._waits(run_id):
                    await self._runs.cancel_waiting(run_id)
                    return True
                written = await self._hand_in(run_id, tick, key)
            sequence = await asyncio.wrap_future(written)
        finally:
            self._open_posts -= 1
            if self._open_posts == 0:
                self._all_posted.set()
        run = self._runs.live.get(run_id)
        if run is not None:
            run.inbox.fetch()
        return sequence is not None

    def _waits(self, run_id: str) -> bool:
        """Whether a run waits for a place, here or where it will be executed."""
        return self._runs.is_waiting(run_id) or self._row(run_id).waits_for_place

    async def posted(self) -> None:
        """Wait until every message that is on its way is on disk."""
        # A handler only starts a task for each of its sends: this lets them begin.
        await asyncio.sleep(0)
        if self._open_posts:
            await self._all_posted.wait()

    async def _hand_in(
        self, run_id: str, tick: WorkflowTick, key: str | None
    ) -> Future[int | None]:
        run = self._runs.live.get(run_id)
        if run is not None:
            # If that fails the run stands still, and the message waits for it.
            with contextlib.suppress(DurableNotebookError):
                await run.settle()
        ended = self._ended_as(self._row(run_id))
        if ended is not None:
            raise RunFinishedError(run_id, ended)
        return self._store.post(run_id, json.dumps(self._plain.tick(tick)), key)

    async def result(self, run_id: str) -> StopEvent:
        """Wait for the end of a run, wherever it is executed.

        Raises:
            UnknownRunError: There is no such run.
            StrandedRunError: Nobody will go on with it.
            UndefinedClassError: Its result is of a class that is not here.
            RuntimeClosedError: The runtime was closed before the run ended.
            Exception: The error with which the run ended, or why it cannot go on.
        """
        await self._runs.until_begun(run_id)
        looked_at = -_LOOK_AFTER_EXECUTOR_S
        while True:
            self._check_open(run_id)
            run = self._runs.live.get(run_id)
            if run is not None:
                await run.recorded()
                outcome = run.outcome
            elif self._runs.is_claimed(run_id) or self._runs.is_waiting(run_id):
                outcome = None  # On its way here; its entries may be much to read.
            else:
                outcome = self.recorded_outcome(run_id)
                if time.monotonic() - looked_at > _LOOK_AFTER_EXECUTOR_S:
                    looked_at = time.monotonic()
                    self._runs.check_executor(self._row(run_id))
            # A run that is just being recovered only has its outcome to tell DBOS.
            if outcome is not None and not self._runs.is_claimed(run_id):
                if outcome.error is not None:
                    raise outcome.error
                assert outcome.result is not None
                return outcome.result
            await self._runs.until_changed(self._poll_s)

    async def stream(self, run_id: str, after: int = 0) -> AsyncGenerator[Event, None]:
        """A run's events from a number on: recorded ones first, then live ones.

        Raises:
            RuntimeClosedError: The runtime was closed before the run ended.
        """
        await self._runs.until_begun(run_id)
        await self._until_placed(run_id)
        position = -1  # Of the last entry read: none is read twice.
        while True:
            self._check_open(run_id)
            run = self._runs.live.get(run_id)
            if run is not None and after >= run.stream.before:
                async for event in run.stream.read(after):
                    after += 1
                    yield event
                if run.outcome is not None:
                    return
            else:
                # Asked first: the run may go on, and end, while its reader takes these.
                has_ended = self.recorded_outcome(run_id) is not None
                events, position = self._recorded_events(run_id, after, position)
                for event in events:
                    after += 1
                    yield event
                if has_ended:
                    return
                if run is not None:
                    continue  # What is behind these comes from memory.
            await self._runs.until_changed(self._poll_s)

    async def _until_placed(self, run_id: str) -> None:
        """Wait until a run waits for a place no more: it has published nothing yet."""
        while self._runs.is_waiting(run_id):
            self._check_open(run_id)
            await self._runs.until_changed(self._poll_s)

    @contextlib.asynccontextmanager
    async def closing(self) -> AsyncGenerator[None, None]:
        """Stop the runs in this block; then whoever waits for one is sent away."""
        self._is_closed = True
        yield
        self._runs.wake()
        for _ in range(_PASSES_TO_LEAVE):
            await asyncio.sleep(0)

    def _check_open(self, run_id: str) -> None:
        if not self._is_closed:
            return
        task = asyncio.current_task()
        if task is not None:
            # A handler that nobody awaits must not complain when it is collected.
            task.add_done_callback(lambda t: t.cancelled() or t.exception())
        raise RuntimeClosedError(run_id)

    def _recorded_events(
        self, run_id: str, after: int, position: int
    ) -> tuple[list[Event], int]:
        """The events from a number on, of the entries behind a position; the last's."""
        codec = self._codec(run_id)
        found: list[Event] = []
        for recorded in self._store.entries(run_id, after=position):
            position, entry = recorded.position, recorded.entry
            first = entry.events - len(entry.stream)
            for tree in entry.stream[max(after - first, 0) :]:
                with _naming_undefined(run_id, tree, codec):
                    found.append(codec.read_event(tree))
        return found, position

    async def until_executed(self, run_id: str) -> None:
        """Wait until this process executes a run, unless it is not about to."""
        while self._runs.is_claimed(run_id) and run_id not in self._runs.live:
            await self._runs.until_changed(self._poll_s)

    def restored(self, run_id: str) -> Restored:
        """Where a run stands now: what it would go on with.

        Raises:
            UnknownRunError: There is no such run.
            ReplayMismatchError: Its journal does not fit today's workflow.
        """
        row = self._row(run_id)
        definition = self._registry.named(row.workflow)
        if definition is None:
            problem = f"{row.workflow} is not defined here"
            raise ReplayMismatchError(run_id, 0, problem)
        restored = restore(self._store, run_id, definition, row.input)
        run = self._runs.live.get(run_id)
        if run is not None:
            ticks = run.ticks_since(restored.position)
            restored.state = reduced(restored.state, ticks, run_id)
        return restored

    def recorded_outcome(self, run_id: str) -> Outcome | None:
        """How a run ended, or why it stands still; None if it has not."""
        row = self._row(run_id)
        end = recorded_end(self._store, row)
        if end is not None:
            codec = self._codec(run_id)
            with _naming_undefined(run_id, end, codec):
                return Outcome.read(end, codec)
        if not row.is_unfinished:
            last = self._store.last_entry(run_id)
            step = 1 if last is None else last.position + 2
            return Outcome(error=LostOutcomeError(run_id, row.dbos_status, step))
        problem = self._runs.problems.get(run_id)
        return None if problem is None else Outcome(error=problem)

    def _ended_as(self, row: RunRow) -> str | None:
        """The word for how a run ended, None while it has not."""
        end = recorded_end(self._store, row)
        if end is not None:
            return str(end["status"])
        return None if row.is_unfinished else str(RunStatus.FAILED)

    def _row(self, run_id: str) -> RunRow:
        row = self._store.run(run_id)
        if row is None:
            raise UnknownRunError(run_id)
        return row

    def _codec(self, run_id: str) -> Codec:
        row = self._store.run(run_id)
        definition = None if row is None else self._registry.named(row.workflow)
        return definition.codec if definition else self._plain


@contextlib.contextmanager
def _naming_undefined(run_id: str, tree: Json, codec: Codec) -> Iterator[None]:
    """Say which class is missing, where a tree cannot be read without it."""
    try:
        yield
    except ValueError as e:
        name = codec.undefined(tree)
        if name is None:
            raise
        raise UndefinedClassError(run_id, name) from e
