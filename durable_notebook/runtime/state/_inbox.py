"""What has come for a run and its control loop has not taken yet.

Messages from outside come through the mailbox on disk, in order, and a cursor in the
journal tells how far they are taken. What the run's own steps send is in memory only:
the journal has it when it is reduced, and a step that ran again sends it again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable

from workflows.runtime.types.ticks import (
    TickAddEvent,
    TickCancelRun,
    TickIdleCheck,
    WorkflowTick,
)

from durable_notebook.engine import Claim
from durable_notebook.errors import StorageError
from durable_notebook.logs import about
from durable_notebook.operations._messages import SECRET, UNCHECKED
from durable_notebook.runtime.codec._codec import Codec
from durable_notebook.runtime.codec._exceptions import said
from durable_notebook.store import Mail, Store

logger = logging.getLogger("durable_notebook")

# Wakes `Inbox.take`; never reduced.
_LOOK_AGAIN = TickIdleCheck()


class Inbox:
    """The ticks of one run, in the order in which they came.

    `is_early` says of a message that nobody takes it yet, but perhaps will: it is
    kept until that is no longer so, and what came after it too. A cancellation
    overtakes everything, also what cannot be read.
    """

    def __init__(
        self,
        claim: Claim,
        *,
        journal: Store,
        codec: Codec,
        cursor: int,
        is_early: Callable[[TickAddEvent], bool],
        now: Callable[[], float],
    ) -> None:
        self.cursor = cursor
        # Whether it gave a message that is to be emptied once an entry has taken it.
        self.has_secrets = False
        self._run_id = claim.run_id
        self._owner = claim.owner
        self._journal = journal
        self._codec = codec
        self._is_early = is_early
        self._now = now
        self._fetched = cursor
        self._unreadable = 0
        self._refused: set[int] = set()
        self._cancelled = 0
        self._ticks: asyncio.Queue[tuple[int, WorkflowTick]] = asyncio.Queue()
        self._kept: deque[tuple[int, WorkflowTick]] = deque()
        self._taken: dict[int, int] = {}
        self._is_taking = False

    def fetch(self) -> None:
        """Take what is new in the mailbox. Safe to call at any time.

        Raises:
            StorageError: The database is not there at this moment.
        """
        self._let_in(self._journal.mail(self._run_id, self._fetched))

    async def wait_and_fetch(self) -> None:
        """Do the same, and wait for the database as long as a write does."""
        try:
            self.fetch()
        except StorageError:  # What a loop must not wait for, a thread may.
            after, read = self._fetched, self._journal.mail
            self._let_in(await asyncio.to_thread(read, self._run_id, after))

    def _let_in(self, mailbox: list[Mail]) -> None:
        is_readable, known = True, self._fetched
        for mail in mailbox:
            if mail.sequence <= known:
                continue  # Fetched while this was read.
            # One without a tick was refused, or consumed once and forgotten: a run that
            # was put back meets it again.
            tick = self._read(mail) if mail.tick else None
            is_kept = mail.tick and mail.sequence not in self._refused
            if tick is None and is_kept:
                is_readable = False  # What came after it waits: order is kept.
            if isinstance(tick, TickCancelRun):
                self._cancel(mail.sequence, tick)
            elif tick is not None and is_readable:
                self._ticks.put_nowait((mail.sequence, tick))
            if is_readable:
                self._fetched = mail.sequence

    def _cancel(self, sequence: int, tick: TickCancelRun) -> None:
        if sequence > self._cancelled:
            self._cancelled = sequence
            self._ticks.put_nowait((sequence, tick))

    def _read(self, mail: Mail) -> WorkflowTick | None:
        """The tick of a message; None if it cannot be read here (yet), or ever."""
        tree, is_unchecked = None, False
        try:
            tree = json.loads(mail.tick)
            is_unchecked = tree.pop(UNCHECKED, False)
            if tree.get(SECRET):
                self.has_secrets = True
            return self._codec.read_tick(tree)
        except (AttributeError, ValueError, TypeError, LookupError) as e:
            undefined = self._codec.undefined(tree)
            if is_unchecked and undefined is None:
                self._refuse(mail.sequence, e)
            else:
                # Most likely of a class that this process has not defined. It stays
                # where it is.
                self._report(mail.sequence, undefined, e)
            return None

    @property
    def is_stuck(self) -> bool:
        """Whether a message waits to become readable."""
        return self._unreadable > self._fetched

    def _report(self, sequence: int, undefined: str | None, problem: Exception) -> None:
        if sequence <= self._unreadable:
            return
        self._unreadable = sequence
        if undefined:
            why = f"{undefined} is not defined here. Define its event class"
        else:
            why = f"it is damaged ({said(problem)}). Take it out of 'durable_mail'"
        logger.warning(
            "Run %r cannot read message %d of its mailbox: %s and resume the run; "
            "the message and what follows it are kept.",
            self._run_id,
            sequence,
            why,
            extra=about(self._run_id),
        )

    def _refuse(self, sequence: int, problem: Exception) -> None:
        """Take out a message that whoever sent it could not check."""
        if sequence in self._refused:
            return
        self._refused.add(sequence)
        self._journal.refuse_mail(self._run_id, self._owner, sequence)
        logger.warning(
            "Run %r refuses message %d of its mailbox, which was sent without its "
            "class: %s. What it answered is open again; answer anew.",
            self._run_id,
            sequence,
            said(problem),
            extra=about(self._run_id),
        )

    def put(self, tick: WorkflowTick) -> None:
        """Add what a step sent, or a clock."""
        self._ticks.put_nowait((0, tick))

    @property
    def has_more(self) -> bool:
        """Whether something has come that `take` is likely to give at once."""
        return not self._ticks.empty()

    @property
    def is_cancelled(self) -> bool:
        """Whether a cancellation has come and is not reduced yet."""
        return self._cancelled > self.cursor

    @property
    def is_waited_for(self) -> bool:
        """Whether `take` waits, and there is nothing that it could ever give."""
        is_empty = self._ticks.empty() and not self._kept and not self.is_stuck
        return self._is_taking and is_empty

    async def take(self) -> WorkflowTick:
        """The next tick. The cursor moves when it is reduced, not before."""
        self._is_taking = True
        sequence, tick = await self._next()
        self._is_taking = False
        if "stamped_at" in type(tick).model_fields:
            # Stamped here, the control loop reduces this very object, so that
            # `reduced` knows it and the cursor moves with the entry that holds it.
            tick = tick.model_copy(update={"stamped_at": self._now()})
        if sequence:
            self._taken[id(tick)] = sequence
        return tick

    async def _next(self) -> tuple[int, WorkflowTick]:
        while not self._kept or self._must_wait(self._kept[0][1]):
            sequence, tick = await self._ticks.get()
            if tick is _LOOK_AGAIN:
                continue
            is_message = sequence and not isinstance(tick, TickCancelRun)
            if not is_message or not (self._kept or self._must_wait(tick)):
                return sequence, tick
            self._kept.append((sequence, tick))
        return self._kept.popleft()

    def _must_wait(self, tick: WorkflowTick) -> bool:
        return isinstance(tick, TickAddEvent) and self._is_early(tick)

    def reduced(self, tick: WorkflowTick) -> None:
        """Note that the control loop has reduced a tick."""
        self.cursor = max(self.cursor, self._taken.pop(id(tick), 0))
        if self._kept:
            self._ticks.put_nowait((0, _LOOK_AGAIN))
