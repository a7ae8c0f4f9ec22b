"""Messages to runs, their events and results, wherever they are executed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncGenerator

from workflows.errors import WorkflowCancelledByUser
from workflows.events import Event, StopEvent
from workflows.runtime.types.ticks import WorkflowTick

from durable_notebook._entry import Entry
from durable_notebook._model import Json, RunStatus
from durable_notebook.errors import (
    DurableNotebookError,
    ReplayMismatchError,
    RunFinishedError,
    StorageError,
    UnknownRunError,
)
from durable_notebook.runtime._codec import Codec, qualified_name
from durable_notebook.runtime._outcome import Outcome
from durable_notebook.runtime._reduction import reduced
from durable_notebook.runtime._registry import Registry
from durable_notebook.runtime._restore import Restored, restore
from durable_notebook.runtime._runs import Runs
from durable_notebook.store import RunRow, Store

logger = logging.getLogger("durable_notebook")

# A pooler between us and the server may swallow what it tells of new messages.
_LOOK_ANYWAY_S = 1.0


def _end(row: RunRow) -> dict[str, Json] | None:
    """How a run ended: in the journal's words, else by what DBOS's tools did to it."""
    entry = None if row.last_entry is None else Entry.decode(row.last_entry)
    if entry is not None and entry.end is not None:
        return entry.end
    if row.dbos_status == "CANCELLED":
        name = qualified_name(WorkflowCancelledByUser)
        error = {"type": name, "message": "cancelled with DBOS"}
        return {"status": str(RunStatus.CANCELLED), "error": error}
    return None


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

    async def post(
        self, run_id: str, tick: WorkflowTick, key: str | None = None
    ) -> bool:
        """Put a tick into a run's mailbox; on disk when this returns.

        False if a message with this key was there: it counts once.

        Raises:
            UnknownRunError, RunFinishedError: Nobody would ever read it.
        """
        ended = _end(self._row(run_id))
        if ended is not None:
            raise RunFinishedError(run_id, ended["status"])
        run = self._runs.live.get(run_id)
        if run is not None:
            # If that fails the run stands still, and the message waits for it.
            with contextlib.suppress(DurableNotebookError):
                await run.settle()
        text = json.dumps(self._plain.tick(tick))
        sequence = await asyncio.wrap_future(self._store.post(run_id, text, key))
        run = self._runs.live.get(run_id)
        if run is not None:
            run.inbox.fetch()
        return sequence is not None

    async def result(self, run_id: str) -> StopEvent:
        """Wait for the end of a run, wherever it is executed.

        Raises:
            UnknownRunError: There is no such run.
            Exception: The error with which the run ended, or why it cannot go on.
        """
        while True:
            run = self._runs.live.get(run_id)
            if run is not None:
                await run.recorded()
                outcome = run.outcome
            else:
                outcome = self.recorded_outcome(run_id)
            # A run that is just being recovered only has its outcome to tell DBOS.
            if outcome is not None and not self._runs.is_claimed(run_id):
                if outcome.error is not None:
                    raise outcome.error
                assert outcome.result is not None
                return outcome.result
            await self._runs.until_changed(self._poll_s)

    async def stream(self, run_id: str, after: int = 0) -> AsyncGenerator[Event, None]:
        """A run's events from a number on: recorded ones first, then live ones."""
        while True:
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
                for event in self._recorded_events(run_id, after):
                    after += 1
                    yield event
                if has_ended:
                    return
                if run is not None:
                    continue  # What is behind these comes from memory.
            await self._runs.until_changed(self._poll_s)

    def _recorded_events(self, run_id: str, after: int) -> list[Event]:
        codec = self._codec(run_id)
        found: list[Event] = []
        for recorded in self._store.entries(run_id):
            entry = recorded.entry
            first = entry.events - len(entry.stream)
            found += map(codec.read_event, entry.stream[max(after - first, 0) :])
        return found

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
        end = _end(self._row(run_id))
        if end is not None:
            return Outcome.read(end, self._codec(run_id))
        problem = self._runs.problems.get(run_id)
        return None if problem is None else Outcome(error=problem)

    def _row(self, run_id: str) -> RunRow:
        row = self._store.run(run_id)
        if row is None:
            raise UnknownRunError(run_id)
        return row

    def _codec(self, run_id: str) -> Codec:
        row = self._store.run(run_id)
        definition = None if row is None else self._registry.named(row.workflow)
        return definition.codec if definition else self._plain

    async def watch(self) -> None:
        """Fetch what other processes put into the mailboxes of live runs."""
        seen, has_news, due = 0, False, 0.0
        while True:
            await asyncio.sleep(self._poll_s)
            now = time.monotonic()
            try:
                has_news = has_news or self._store.changed_outside() or now > due
                if self._runs.live and has_news:
                    due = now + _LOOK_ANYWAY_S
                    mailed = self._store.mailed(seen)
                    for run_id in mailed.keys() & self._runs.live.keys():
                        self._runs.live[run_id].inbox.fetch()
                    # Not before all are fetched: what failed is to be tried again.
                    seen, has_news = max(mailed.values(), default=seen), False
            except StorageError as e:
                logger.warning("%s", e)
