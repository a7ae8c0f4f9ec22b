"""Messages to runs, their events and results, wherever they are executed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from typing import Any
from weakref import WeakValueDictionary

from workflows.events import StopEvent
from workflows.runtime.types.ticks import TickCancelRun, WorkflowTick

from durable_notebook._model import Json, RunStatus
from durable_notebook.errors import (
    DurableNotebookError,
    LostOutcomeError,
    ReplayMismatchError,
    RunFinishedError,
    RuntimeClosedError,
    UnknownRunError,
    UnstorableValueError,
)
from durable_notebook.runtime.codec._codec import Codec
from durable_notebook.runtime.codec._exceptions import said
from durable_notebook.runtime.codec._letters import message_tree
from durable_notebook.runtime.codec._outcome import Outcome, recorded_end
from durable_notebook.runtime.codec._published import (
    Missing,
    naming_undefined,
    read_events,
)
from durable_notebook.runtime.live._run import LiveRun
from durable_notebook.runtime.process._lookout import Lookout, is_over
from durable_notebook.runtime.process._reading import Reading
from durable_notebook.runtime.process._runs import Runs
from durable_notebook.runtime.process._takeover import stands_still
from durable_notebook.runtime.recovery._reduction import reduced
from durable_notebook.runtime.recovery._registry import Registry
from durable_notebook.runtime.recovery._restore import Restored, restore
from durable_notebook.store import RunRow, Store

# Passes of the event loop until who waits for a run has left, and what awaits that.
_PASSES_TO_LEAVE = 8


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
        tick: WorkflowTick | str,
        key: str | None = None,
        *,
        begun: Callable[[], Awaitable[None]] | None = None,
        by: str | None = None,
    ) -> bool:
        """Put a tick, or a message's text, into a run's mailbox; on disk on return.

        False if a message with this key was there: it counts once. Messages to one
        run are handed in, in the order of these calls, once it has `begun`.

        Raises:
            UnknownRunError, RunFinishedError: Nobody would ever read it.
            UnstorableValueError: It holds what JSON cannot.
        """
        self._open_posts += 1
        self._all_posted.clear()
        try:
            async with self._turns.setdefault(run_id, asyncio.Lock()):
                if begun is not None:
                    await begun()
                await self._runs.beginnings.until_begun(run_id)
                if isinstance(tick, TickCancelRun) and self._waits(run_id):
                    await self._runs.line.cancel(run_id)
                    return True
                written = await self._hand_in(run_id, tick, key, by)
            sequence = await asyncio.wrap_future(written)
        finally:
            self._open_posts -= 1
            if self._open_posts == 0:
                self._all_posted.set()
        run = self._runs.live.get(run_id)
        if run is not None:
            run.inbox.fetch()
        if isinstance(tick, TickCancelRun):
            await self._runs.pausing.go_on(run_id)  # To hear it.
        elif run is None and sequence is not None:
            self._runs.idle.wake(run_id)
        return sequence is not None

    def _waits(self, run_id: str) -> bool:
        """Whether a run waits for a place, here or where it will be executed."""
        return self._runs.line.is_waiting(run_id) or self._row(run_id).waits_for_place

    async def posted(self) -> None:
        """Wait until every message that is on its way is on disk."""
        # A handler only starts a task for each of its sends: this lets them begin.
        await asyncio.sleep(0)
        if self._open_posts:
            await self._all_posted.wait()

    async def _hand_in(
        self, run_id: str, tick: WorkflowTick | str, key: str | None, by: str | None
    ) -> Future[int | None]:
        run = self._runs.live.get(run_id)
        if run is not None:
            # If that fails the run stands still, and the message waits for it.
            with contextlib.suppress(DurableNotebookError):
                await run.settle()
        ended = self._ended_as(self._row(run_id))
        if ended is not None:
            raise RunFinishedError(run_id, ended)
        text = tick if isinstance(tick, str) else self._written(run_id, tick)
        return self._store.post(run_id, text, key, by=by)

    def _written(self, run_id: str, tick: WorkflowTick) -> str:
        try:
            return json.dumps(message_tree(self._plain, tick))
        except (TypeError, ValueError) as e:  # pydantic's errors are ValueErrors
            where = self._plain.unstorable(tick) or "what was sent"
            raise UnstorableValueError(run_id, where, said(e)) from e

    async def result(self, run_id: str) -> StopEvent:
        """Wait for the end of a run, wherever it is executed.

        Raises:
            UnknownRunError: There is no such run.
            StrandedRunError: Nobody will go on with it.
            UndefinedClassError: Its result is of a class that is not here.
            RuntimeClosedError: The runtime was closed before the run ended.
            Exception: The error with which the run ended, or why it cannot go on.
        """
        await self._runs.beginnings.until_begun(run_id)
        lookout = Lookout(self._runs, self._row)
        while True:
            self._check_open(run_id)
            run = self._runs.live.get(run_id)
            if run is not None:
                await run.recorded()
                outcome = run.outcome
            elif self._runs.is_claimed(run_id) or self._runs.line.is_waiting(run_id):
                outcome = None  # On its way here; its entries may be much to read.
            else:
                outcome = self.recorded_outcome(run_id)
                stranded = lookout.stranded(run_id)
                if stranded is not None:
                    raise stranded
            # A run that is just being recovered only has its outcome to tell DBOS.
            if outcome is not None and not self._runs.is_claimed(run_id):
                if outcome.error is not None:
                    raise outcome.error
                assert outcome.result is not None
                return outcome.result
            run = None  # Who waits keeps no released run in memory.
            await self._until_news(run_id)

    async def stream(
        self,
        run_id: str,
        after: int = 0,
        *,
        missing: Missing | None = None,
        is_exact: bool = False,
    ) -> AsyncGenerator[Any, None]:
        """A run's events from a number on: recorded ones first, then live ones.

        What `missing` makes of its tree takes the place of an event whose class is not
        defined here. `is_exact` has each event on disk before it is given: only then
        will it have the same number after a crash.

        Raises:
            UndefinedClassError: It is not defined, and nothing takes its place.
            StrandedRunError: Nobody will go on with it; what is recorded was given.
            RuntimeClosedError: The runtime was closed before the run ended.
        """
        await self._runs.beginnings.until_begun(run_id)
        lookout = Lookout(self._runs, self._row)
        reading = Reading(run_id, after, self._runs, self._store)
        while True:
            self._check_open(run_id)
            run = self._runs.live.get(run_id)
            if run is not None and reading.after >= run.stream.before:
                async for event in reading.live(run, is_exact=is_exact):
                    yield event
                if reading.is_whole:
                    return
            else:
                # Asked first: the run may go on, and end, while its reader takes these.
                has_ended = self._has_ended(run_id)
                stranded = lookout.stranded(run_id)
                events = self.read_events(run_id, reading.trees(), missing)
                for event in reading.recorded(events):
                    yield event
                if is_over(has_ended, stranded):
                    return
                if run is not None:
                    continue  # What is behind these comes from memory.
            run = None
            await self._until_news(run_id)

    async def _until_news(self, run_id: str) -> None:
        """Wait until there may be something new of a run; a released one costs none."""
        if self._runs.idle.is_released(run_id):
            await self._runs.idle.until_back(run_id)
            return
        await self._runs.until_changed(self._poll_s)
        # It waits for a place, and may not get in while the database is away.
        while self._runs.is_in_line(run_id) and not self._is_closed:
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

    def read_events(
        self, run_id: str, trees: list[Json], missing: Missing | None
    ) -> Iterator[Any]:
        """The events of trees of a run; see `_published.read_events`."""
        return read_events(run_id, trees, self._codec(run_id), missing)

    def _has_ended(self, run_id: str) -> bool:
        """Whether a run has ended, or stands still."""
        row = self._row(run_id)
        is_over = self._ended_as(row) is not None
        return is_over or stands_still(self._runs.problems.get(run_id))

    async def until_executed(self, run_id: str) -> None:
        """Wait until this process executes a run, unless it is not about to."""
        while self._runs.is_claimed(run_id) and run_id not in self._runs.live:
            await self._runs.until_changed(self._poll_s)

    async def hold(self, run_id: str) -> LiveRun | None:
        """Bring a released run back, and keep a live one in memory while it is held.

        None of a run that this process does not execute.
        """
        runs = self._runs
        while (run := runs.live.get(run_id)) is None:
            if not (runs.is_claimed(run_id) or runs.idle.is_released(run_id)):
                return None
            runs.idle.wake(run_id)
            await runs.until_changed(self._poll_s)
        run.holds += 1
        return run

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
            with naming_undefined(run_id, end, codec):
                return Outcome.read(end, codec)
        if not row.is_unfinished:
            last = self._store.last_entry(run_id)
            step = 1 if last is None else last.position + 2
            return Outcome(error=LostOutcomeError(run_id, row.dbos_status, step))
        problem = self._runs.problems.get(run_id)
        return Outcome(error=problem) if stands_still(problem) else None

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
