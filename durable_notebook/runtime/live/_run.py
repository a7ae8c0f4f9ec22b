"""A run while this process executes it: what is in memory, and how it gets on disk.

A turn is what the control loop reduces between two starts of step bodies. `LiveRun`
commits each as one journal entry (`_turn.py` makes it) before anything that follows
from it can have an effect.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any

from workflows.events import Event, StopEvent
from workflows.runtime.types.ticks import (
    TickAddEvent,
    TickWaiterTimeout,
    WorkflowTick,
)

from durable_notebook.engine import Claim
from durable_notebook.errors import (
    DurableNotebookError,
    LostOwnershipError,
    StorageError,
    UnstorableValueError,
)
from durable_notebook.journal._entry import Entry, now, rounded
from durable_notebook.runtime.codec._outcome import Outcome
from durable_notebook.runtime.live._children import parent_of
from durable_notebook.runtime.live._turn import Turn
from durable_notebook.runtime.recovery._snapshots import Snapshots
from durable_notebook.runtime.state._flight import current_invocation
from durable_notebook.runtime.state._inbox import Inbox
from durable_notebook.store import NewEntry, Store

if TYPE_CHECKING:
    from durable_notebook.runtime.live._internal import InternalAdapter
    from durable_notebook.runtime.live._spans import RunSpans
    from durable_notebook.runtime.recovery._registry import Definition
    from durable_notebook.runtime.recovery._restore import Restored
    from durable_notebook.runtime.state._meter import Meter

# Bodies begin within this time of the commit that names them, unless the process was
# stopped, or is very busy.
_JUST_NOW_S = 0.1


class LiveRun:
    """One run in this process. Belongs to the runtime's loop."""

    def __init__(
        self,
        claim: Claim,
        *,
        session: int,
        journal: Store,
        definition: Definition,
        restored: Restored,
        snapshots: Snapshots,
    ) -> None:
        self.run_id = claim.run_id
        self.workflow = claim.workflow
        self.codec = definition.codec
        self.state = restored.store
        self.flight = restored.flight
        self.prompts = restored.prompts
        self.inbox = Inbox(
            claim,
            journal=journal,
            codec=self.codec,
            cursor=restored.cursor,
            is_early=self._is_early,
            now=self.now,
        )
        self._turn = Turn(
            claim.run_id,
            session=session,
            definition=definition,
            restored=restored,
            inbox=self.inbox,
        )
        self.stream = self._turn.stream
        self.output = self._turn.output
        self.resumed_from = restored.position
        self.kept_steps = restored.steps
        self.outcome: Outcome | None = None
        self.rest_until: float | None = None
        # Somebody keeps it in memory: is about to change its store, or waits for the
        # place that it has among a number of runs.
        self.holds = 0 if definition.limit is None else 1
        # It begins no body any more: see `Drain`, and `Pausing`.
        self.is_leaving = False
        self.is_paused = restored.is_paused
        # No body has begun since it was paused, or was set going again.
        self.held_back = restored.is_paused or restored.is_set_going
        self._taken_up = asyncio.Event()
        self.parent = parent_of(claim.inputs)
        # Where the program wants them.
        self.spans: RunSpans | None = None
        # What the library has of it.
        self.adapter: InternalAdapter | None = None
        # Where somebody shows figures of the process.
        self.meter: Meter | None = None
        self._recorded = asyncio.Event()
        self.changed = asyncio.Event()
        self._ahead_s = max(0.0, restored.at - now())
        self.owner = claim.owner
        self._journal = journal
        self._broken: BaseException | None = None
        self._committed_at = time.monotonic()
        self.events_on_disk = restored.events
        self._driver: asyncio.Task[StopEvent] | None = None
        self._position = restored.position
        self._is_ending = self._is_closed = False
        self._code_text = definition.code.text
        self._consumed = restored.cursor
        self._snapshots = snapshots
        self._forgotten = 0
        self._accepts = restored.accepts
        self._waits = restored.waits
        self._clocks: list[asyncio.TimerHandle] = []
        self._writing: dict[int, list[WorkflowTick]] = {}

    @property
    def position(self) -> int:
        """How many entries are on disk or on their way there."""
        return self._position

    def read_up_to(self, events: int) -> int:
        """The position up to which a reader with so many events needs no entry."""
        return self._position - 1 if events == self.stream.count else -1

    def ticks_since(self, position: int) -> list[WorkflowTick]:
        """The ticks reduced so far that no entry before this position has."""
        later = [ticks for at, ticks in self._writing.items() if at >= position]
        return [tick for ticks in (*later, self._turn.ticks) for tick in ticks]

    def now(self) -> float:
        """The time of this run, in seconds since the epoch.

        It goes on from the last entry where the clock was set back since: a deadline
        in the journal would move away by as much.
        """
        return rounded(time.time() + self._ahead_s)

    @property
    def is_closed(self) -> bool:
        """Whether it is executed no more."""
        return self._is_closed

    @property
    def turn_length(self) -> int:
        """How many ticks the turn has so far."""
        return len(self._turn.ticks)

    # -- what comes in -----------------------------------------------------------

    async def open(self) -> None:
        """Let in what has come, and count down the waits of earlier sessions."""
        await self.inbox.wait_and_fetch()
        loop, at = asyncio.get_running_loop(), self.now()
        for wait in self._waits:
            clock = loop.call_later(max(0.0, wait[0] - at), self._give_up, wait)
            self._clocks.append(clock)

    def _give_up(self, wait: tuple[float, TickWaiterTimeout]) -> None:
        self._waits.remove(wait)
        self.inbox.put(wait[1])

    def close(self) -> None:
        """Stop what `open` began: the run is executed no more."""
        self.stream.close()
        for clock in self._clocks:
            clock.cancel()
        self._snapshots.close()
        self._is_closed = True
        self.notify()

    def send_inside(self, tick: WorkflowTick) -> None:
        """Deliver what a step of this run sent."""
        if isinstance(tick, TickAddEvent):
            kept = self.flight.outgoing(tick)
            if kept is None:
                return
            tick = kept
        self.inbox.put(tick)

    def _is_early(self, tick: TickAddEvent) -> bool:
        """Whether nobody takes an event before a body has repeated what a crash undid.

        An answer can be on disk while the question that it answers is asked again.
        """
        return (
            self.flight.is_repeating()
            and not self._accepts(tick.event)
            and not self.prompts.waits_for(tick.event)
        )

    # -- who executes it -----------------------------------------------------------

    async def drive(self, driver: asyncio.Task[StopEvent]) -> StopEvent:
        """Wait for the control loop; `stop` ends it with an error of its own."""
        self._driver = driver
        try:
            return await driver
        except asyncio.CancelledError:
            if self._broken is None or not driver.cancelled():
                raise
            raise self._broken from None

    async def until_owned(self) -> None:
        """Look whether the run is still ours, if its last commit is not just now.

        A process that was stopped between a commit and the bodies that begin after it
        may have lost the run meanwhile. Then this never returns: it is cancelled.
        """
        if time.monotonic() - self._committed_at < _JUST_NOW_S:
            return
        with contextlib.suppress(StorageError):  # The next write will tell.
            owners = self._journal.owners([self.run_id])
            if owners.get(self.run_id) != self.owner:
                self.stop(LostOwnershipError(self.run_id))
                await asyncio.Event().wait()

    def stop(self, problem: BaseException) -> None:
        """Stop the run without an outcome: this process may write no more of it."""
        if self._broken is None:
            self._broken = problem
        if self._driver is not None:
            self._driver.cancel()

    # -- leaving, and paused -------------------------------------------------------

    @property
    def begins_nothing(self) -> bool:
        """Whether bodies that come next are not for this execution to begin."""
        return self.is_leaving or self.is_paused

    def take_up(self) -> None:
        """Begin what was held back while it was paused."""
        self.is_paused = False
        self._taken_up.set()
        self._taken_up = asyncio.Event()

    async def until_taken_up(self) -> None:
        """Wait for a pause to be taken back, unless it is already."""
        while self.begins_nothing:
            await self._taken_up.wait()

    @property
    def may_leave(self) -> bool:
        """Whether all that it has begun is on disk, and nothing is in its hands."""
        return self.is_recorded and self.flight.count == 0

    # -- at rest -------------------------------------------------------------------

    def note_rest(self, timeout_s: float | None) -> None:
        """Note that it does nothing by itself for this time; None for ever."""
        until = math.inf if timeout_s is None else self.now() + timeout_s
        self.rest_until = min([until, *(due for due, _ in self._waits)])

    @property
    def is_at_rest(self) -> bool:
        """Whether all of it is on disk, and nothing has come for it."""
        is_left_alone = not self.holds and not self._snapshots.is_making
        is_waiting = self.rest_until is not None and self.inbox.is_waited_for
        return is_waiting and self.is_recorded and is_left_alone

    @property
    def is_recorded(self) -> bool:
        """Whether all that it has done is on disk, and it is not about to end."""
        is_written = self._turn.is_empty and not self._writing
        return self._broken is None and is_written and not self._is_ending

    # -- what the turn gathers ---------------------------------------------------

    def reduced(self, tick: WorkflowTick) -> None:
        """Note a tick that the control loop has just reduced."""
        self._turn.reduced(tick)

    def publish(self, event: Event) -> None:
        """Put an event into the stream, unless an interrupted body already had."""
        invocation = current_invocation.get()
        is_new = invocation is None or invocation.makes_event()
        asked_by = None if invocation is None else invocation.id
        self.prompts.published(event, asked_by, is_new)
        # From here on only `finish` writes: an entry with this event and without the
        # outcome would be that of a run which has nothing left to do, and no end.
        self._is_ending |= invocation is None and isinstance(event, StopEvent)
        if is_new:
            self.stream.publish(event)

    # -- what goes to disk -------------------------------------------------------

    async def commit(self, starts: list[str]) -> None:
        """Put the turn on disk; `starts` are the bodies that begin after it.

        Raises:
            UnstorableValueError: Something in the turn is not JSON.
            LostOwnershipError, StorageError: See `Store.append`.
        """
        self.flight.expect(len(starts))
        await self._write(starts, None)

    async def settle(self) -> None:
        """Put on disk what readers of the stream have seen, in the middle of a turn.

        An answer must not be on disk before its question: after a crash it would
        arrive before it was asked for. Of a run that is ending, this waits for its end.
        """
        if self._is_ending:
            await self.recorded()
        elif self.stream.has_unrecorded:
            await self._write([], None)

    async def until_on_disk(self, events: int) -> bool:
        """Have so many events of the stream on disk; False if that cannot be.

        Until then a crash can give an event another number.
        """
        while self.events_on_disk < events:
            if self._is_closed:
                return False
            changed = self.changed
            if self._is_ending or self.stream.has_unrecorded:
                # If that fails, whoever executes the run is told, and closes it.
                with contextlib.suppress(DurableNotebookError):
                    await self.settle()
            if self.events_on_disk < events and not self._is_closed:
                await changed.wait()
        return True

    async def keep_store(self) -> None:
        """Put on disk what a caller has changed in the store, in mid-turn."""
        self._turn.is_store_due = True
        if self._is_ending:
            await self.recorded()
        else:
            await self._write([], None)

    async def finish(self, outcome: Outcome) -> None:
        """Put the last turn on disk together with how the run ended."""
        self.prompts.clear()
        await self._write([], outcome)

    async def _write(self, starts: list[str], outcome: Outcome | None) -> None:
        # What a turn has given up is in no later one: after a failure nothing more
        # may be written, whoever tries next.
        if self._broken is not None:
            raise self._broken
        position = self._position
        self._writing[position] = self._turn.ticks
        try:
            entry = self._turn.entry(
                starts, outcome, position=position, at=self.now(), rest=self._rest()
            )
            if entry is None:
                del self._writing[position]
            else:
                await self._append(entry)
        except UnstorableValueError as e:
            self._broken = e
            raise

    async def let_go(self) -> None:
        """Have one less who holds it in memory."""
        self.holds -= 1

    def _rest(self) -> float | None:
        """What the entry says of it: see `Entry.rest`."""
        if self.rest_until is None or self.inbox.has_more:
            return None
        return 0.0 if self.rest_until == math.inf else rounded(self.rest_until)

    async def _append(self, entry: Entry) -> None:
        began = [times[0] for times in entry.bodies.values()] or [entry.at]
        try:
            body = entry.encode()
        except (TypeError, ValueError) as e:
            where = f"what step {self._turn.name!r} returned"
            raise UnstorableValueError(self.run_id, where, str(e)) from e
        position, self._position = self._position, self._position + 1
        new = NewEntry(
            run_id=self.run_id,
            position=position,
            name=self._turn.name,
            body=body,
            owner=self.owner,
            started_at=min(began),
            finished_at=entry.at,
            consumed=entry.cursor if entry.cursor > self._consumed else 0,
            code=(entry.code, self._code_text()) if entry.code else None,
        )
        self._consumed = entry.cursor
        meter, handed_in_at = self.meter, time.monotonic()
        written = self._journal.append(new)
        if written.done():
            self._written(position, written)
            written.result()
        else:
            waiting = asyncio.wrap_future(written)
            waiting.add_done_callback(partial(self._written, position))
            # Whoever waits may be cancelled; the entry may not.
            await asyncio.shield(waiting)
        self._committed_at = time.monotonic()
        self.events_on_disk = max(self.events_on_disk, entry.events)
        if meter is not None:
            meter.committed(self._committed_at - handed_in_at)
        if self.spans is not None:
            self.spans.recorded(entry.bodies, position)
        self.notify()
        self._snapshots.look(position)
        is_emptied = self.codec.redaction or self.inbox.has_secrets
        if is_emptied and entry.cursor > self._forgotten:
            self._forgotten = entry.cursor
            self._journal.forget_mail(self.run_id, entry.cursor)

    def _written(
        self, position: int, written: Future[None] | asyncio.Future[None]
    ) -> None:
        self._writing.pop(position, None)
        if not written.cancelled() and written.exception() is not None:
            self._broken = written.exception()

    def notify(self) -> None:
        """Wake whoever shows this run."""
        self.changed.set()
        self.changed = asyncio.Event()

    def end(self, outcome: Outcome) -> None:
        """Give the outcome to whoever waits for it in this process."""
        self.outcome = outcome
        self.stream.close()
        self.notify()

    def recorded_by(self, task: asyncio.Task[Any]) -> None:
        """Tell which task ends when the database has the run's outcome too."""
        task.add_done_callback(lambda _: self._recorded.set())

    async def recorded(self) -> None:
        """Wait until this process has nothing more to do for the run."""
        await self._recorded.wait()
