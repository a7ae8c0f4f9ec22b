"""What a journal database can do, whichever it is."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from durable_notebook._lease import LeaseTerms
from durable_notebook._model import Json
from durable_notebook.errors import (
    DamagedJournalError,
    JournalTooNewError,
    LeaseLostError,
)
from durable_notebook.journal._entry import Entry, NewerFormat, RecordedEntry
from durable_notebook.store._tally import Tally
from durable_notebook.store._turns import Turns

# How DBOS writes the input of our runs (`engine` makes it), as a pattern for LIKE: it
# tells them from the other workflows of a DBOS application in the same database.
OURS = '{"namedArgs":{},"positionalArgs":[{"durable_notebook":%'

# In the place of a queue, a name that DBOS looks at for nobody: such a run was given to
# another executor, which takes the name away when it takes the run.
REASSIGNED = "durable_notebook_reassigned"


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry on its way into the journal.

    `owner` is the token under which the writer was given the run; the entry is
    refused once another execution holds the run. In the same commit it is noted up to
    which message of the mailbox it has `consumed`, unless an entry before had already
    (0), and the workflow's `code` is recorded if the entry names it: digest and text.
    """

    run_id: str
    position: int
    name: str
    body: str
    owner: str
    started_at: float
    finished_at: float
    consumed: int = 0
    code: tuple[str, str] | None = None

    @property
    def has_notes(self) -> bool:
        """Whether more is written with it than its row."""
        return bool(self.consumed) or self.code is not None


@dataclass(frozen=True, slots=True)
class Past:
    """What of a run outlives its entries, which DBOS's tools can take back.

    `consumed` is the sequence of the last message that an entry had consumed,
    `set_going_at` when the run was last taken from these tools: forked, rewound or
    resumed, or went on after a pause (seconds since the epoch), `paused_at` when it was
    paused; None if it is not.
    """

    consumed: int = 0
    set_going_at: float | None = None
    paused_at: float | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to a run, as the mailbox keeps it."""

    sequence: int
    tick: str


@dataclass(frozen=True, slots=True)
class KeyedMail:
    """The message that has a key: it keeps a second one out.

    `tick` is empty once it was forgotten; `sent_at` in seconds since the epoch, `by` is
    who sent it, in words.
    """

    sequence: int
    tick: str
    sent_at: float
    by: str | None


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the database knows it: DBOS's row and the run's last entry.

    `recoveries` is how often an execution was begun, `owner` the token of the one that
    may write, `parent` the run of which a step body began it, `queue` the DBOS queue on
    which it waits, `paused_at` when somebody has paused it (seconds since the epoch).
    """

    run_id: str
    workflow: str
    dbos_status: str
    executor_id: str | None
    created_at: float
    updated_at: float
    inputs: str
    last_entry: str | None
    owner: str | None
    recoveries: int
    parent: str | None
    queue: str | None = None
    paused_at: float | None = None

    @property
    def is_paused(self) -> bool:
        """Whether nobody begins a step of it: DBOS's tools take a pause back, too."""
        return self.paused_at is not None and self.is_owned

    @property
    def waits_for_place(self) -> bool:
        """Whether it is over its workflow's limit: on the queue of its workflow."""
        return self.dbos_status == "ENQUEUED" and self.queue == self.workflow

    @property
    def is_reassigned(self) -> bool:
        """Whether it was given to its executor, which has not taken it yet."""
        return self.dbos_status == "PENDING" and self.queue == REASSIGNED

    @property
    def is_owned(self) -> bool:
        """Whether nobody but its executor goes on with it."""
        return self.dbos_status == "PENDING" or self.waits_for_place

    @property
    def is_unfinished(self) -> bool:
        """Whether DBOS has it as one that goes on, or that will."""
        return self.dbos_status in ("PENDING", "ENQUEUED", "DELAYED")

    @property
    def input(self) -> dict[str, Json]:
        """What the run was started with, out of the form DBOS keeps it in.

        Raises:
            DamagedJournalError: It is not what DBOS has written.
        """
        return read_input(self.run_id, self.inputs)


def read_input(run_id: str, text: str) -> dict[str, Json]:
    """What a run was started with, out of the form DBOS keeps it in.

    Raises:
        DamagedJournalError: It is not what DBOS has written.
    """
    try:
        found: dict[str, Json] = json.loads(text)["positionalArgs"][0]
    except (ValueError, LookupError, TypeError) as e:
        raise DamagedJournalError(run_id, 0, f"its input is torn: {e}") from e
    return found


def read_entry(
    database: str, run_id: str, position: int, name: str, body: str
) -> RecordedEntry:
    """Read a row of a run's journal.

    Raises:
        JournalTooNewError, DamagedJournalError: It is no entry of this version, or
            not the one of this place.
    """
    try:
        entry = Entry.decode(body)
    except NewerFormat as e:
        problem = f"run {run_id!r}, position {position}: {e}"
        raise JournalTooNewError(database, problem) from e
    except (TypeError, ValueError) as e:
        raise DamagedJournalError(run_id, position, str(e)) from e
    if entry.position not in (None, position):
        problem = f"the entry of position {entry.position} is there"
        raise DamagedJournalError(run_id, position, problem)
    return RecordedEntry(position, name, entry)


Mark = tuple[Any, ...]
"""Of a run: equal to the one before as long as its `RunRow` is."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An unfinished run of an executor, as far as it tells whether there is work."""

    run_id: str
    last_entry: str | None
    newest_mail: int


@dataclass(frozen=True, slots=True)
class Enqueued:
    """A run that DBOS's tools have forked, resumed or rewound: somebody must take it.

    `executor_id` is who had it; None for a fork. Or one that waits for a place, or that
    was reassigned: it is for its executor only.
    """

    run_id: str
    workflow: str
    executor_id: str | None
    waits_for_place: bool
    is_reassigned: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """The newest process that was, or is, an executor.

    `session` is what its entries call it; `notebook` the path of the notebook whose
    kernel it was, if it was one.
    """

    executor_id: str
    session: int
    pid: int
    started_at: float
    notebook: str | None


class Hold(Protocol):
    """What a process has of the executor that it is; its death gives it back."""

    def release(self) -> None:
        """Stop being the executor."""

    def problem(self) -> LeaseLostError | None:
        """Why the process may be the executor no more; None while it surely is."""


class Lease(Hold, Protocol):
    """A hold of one executor of a pool; it runs out where its process hangs."""

    executor_id: str


class Store(ABC):
    """A journal database. Writes return futures that are done once on disk.

    Reads run on the calling thread and take no lock that a writer waits for. All
    methods may be called from any thread.
    """

    name: str
    """The database as messages may call it: a path, or a URL without its password."""

    is_remote: bool = False
    """Whether a read may have to wait for a server."""

    turns: Turns | None = None
    """Whoever writes beside the store takes turns with it; None if it need not."""

    # -- DBOS ------------------------------------------------------------------

    @abstractmethod
    def dbos_differences(self) -> list[str]:
        """What DBOS's tables have otherwise than our statements need it, in words.

        Empty for those of the releases of DBOS that this package was tested with.
        """

    # -- sessions --------------------------------------------------------------

    @abstractmethod
    def executor_for(self, notebook: str | None) -> list[str]:
        """Executor ids that a notebook's kernel may take back, best first.

        The ids that this notebook had, then those of notebooks that are no longer
        where they were (a notebook's path changes when it is renamed). Of one
        notebook's the first comes first: what a second kernel had beside it must not
        become the notebook's own.
        """

    @abstractmethod
    def add_executor(self, executor_id: str, notebook: str | None) -> None:
        """Record an executor, or under which path its notebook is now."""

    @abstractmethod
    def hold(self, executor_id: str) -> Hold | None:
        """Become an executor until this process dies; None if another one is it."""

    def lease(self, terms: LeaseTerms) -> Lease | None:
        """Become an executor of a pool; None if others are all of them.

        Best one with unfinished runs. From then on this store writes for who has the
        lease only: once another process has taken it, nothing is appended or claimed.
        Of Postgres only: on another database, opening it refuses the option.
        """
        raise NotImplementedError

    def leaseholders(self, terms: LeaseTerms) -> tuple[str, ...]:
        """Who is each executor of a pool, in words."""
        raise NotImplementedError

    @abstractmethod
    def is_held(self, executor_id: str) -> bool:
        """Whether a live process is this executor."""

    @abstractmethod
    def begin_session(self, executor_id: str) -> int:
        """Record that a process opened the journal; on disk when this returns."""

    @abstractmethod
    def lives(self) -> dict[str, Life]:
        """The newest life of each executor that ever opened the journal."""

    # -- journal ---------------------------------------------------------------

    @abstractmethod
    def append(self, entry: NewEntry) -> Future[None]:
        """Add the next entry of a run in one durable commit.

        The future raises LostOwnershipError if `entry.owner` no longer owns the
        run, and StorageError if the database refused; then nothing was written.
        """

    @abstractmethod
    def entries(self, run_id: str, after: int = -1) -> list[RecordedEntry]:
        """The run's entries behind a position, in order."""

    @abstractmethod
    def last_entry(self, run_id: str) -> RecordedEntry | None:
        """The run's newest entry; None before its first."""

    @abstractmethod
    def snapshot(self, run_id: str) -> str | None:
        """The run's newest snapshot; None where there is none."""

    @abstractmethod
    def put_snapshot(self, run_id: str, owner: str, body: str) -> Future[None]:
        """Let a snapshot take the place of the run's last one.

        It says again what the journal says, so that nothing is lost without it. The
        future raises LostOwnershipError if `owner` no longer owns the run.
        """

    @abstractmethod
    def code(self, digest: str) -> str | None:
        """A workflow's code as runs recorded it; None if no run did."""

    def end_of(self, row: RunRow, *, is_brief: bool = False) -> Entry | None:
        """The last entry of a run that was read; None before its first.

        `is_brief`: only where the run stands, not what it did in that turn.

        Raises:
            JournalTooNewError, DamagedJournalError: It cannot be read.
        """
        text = row.last_entry
        try:
            return None if text is None else Entry.decode(text, is_brief=is_brief)
        except (TypeError, ValueError):
            recorded = self.last_entry(row.run_id)
            return None if recorded is None else recorded.entry

    # -- mailbox ---------------------------------------------------------------

    @abstractmethod
    def post(
        self, run_id: str, tick: str, key: str | None = None, *, by: str | None = None
    ) -> Future[int | None]:
        """Put a message into a run's mailbox; it is on disk when the future is done.

        `by` says in words who sends it, and stays when the message is emptied.

        Gives the message's sequence, or None where one with this key was there.
        """

    @abstractmethod
    def mail(self, run_id: str, after: int) -> list[Mail]:
        """The run's messages behind a sequence, in order."""

    @abstractmethod
    def keyed_mail(self, run_id: str, key: str) -> KeyedMail | None:
        """The run's message with this key; None if there is none."""

    @abstractmethod
    def forget_mail(self, run_id: str, until: int) -> Future[None]:
        """Empty the run's messages up to a sequence; their keys stay."""

    @abstractmethod
    def past(self, run_id: str) -> Past:
        """What of a run outlives its entries."""

    @abstractmethod
    def pause(self, run_id: str) -> Future[bool]:
        """Note that nobody is to begin a step of the run; False if it has ended.

        Every process that executes runs looks for it then. One that was paused stays
        so, since when it was.
        """

    @abstractmethod
    def go_on(self, run_id: str) -> Future[bool]:
        """Take a pause back; False if there was none."""

    @abstractmethod
    def paused(self) -> set[str]:
        """The runs that are paused; some of them may have ended since."""

    @abstractmethod
    def take_back_mail(self, run_id: str, owner: str, until: int) -> Future[None]:
        """Delete the run's messages behind a sequence that entries had consumed.

        Those entries are gone. What no entry has consumed stays. The future raises
        LostOwnershipError if `owner` no longer owns the run.
        """

    @abstractmethod
    def refuse_mail(self, run_id: str, owner: str, sequence: int) -> Future[None]:
        """Empty a message that the run cannot take, and free its key for another.

        The future raises LostOwnershipError if `owner` no longer owns the run.
        """

    @abstractmethod
    def newest_mail(self) -> int:
        """The highest sequence in the mailbox of any run; 0 if it is empty."""

    @abstractmethod
    def mailed(self, after: int) -> dict[str, int]:
        """Which runs have messages behind a sequence, and their highest one."""

    @abstractmethod
    def changed_outside(self) -> bool:
        """Whether there may be new messages since the last call.

        Costs no access to the disk or the network.
        """

    @abstractmethod
    def is_locked(self, patience_s: float) -> bool:
        """Whether another program keeps everybody from writing for so long.

        On Postgres nobody can: writers of different rows do not wait for each other.
        """

    # -- handlers of a server --------------------------------------------------

    @abstractmethod
    def put_handler(self, handler_id: str, run_id: str) -> Future[None]:
        """Record that a handler goes on with another run than that of its own id."""

    @abstractmethod
    def handler_runs(self, handler_id: str) -> list[str]:
        """The runs that a handler went on with, newest first; one may be gone."""

    @abstractmethod
    def handlers(self) -> dict[str, str]:
        """Run id to handler id of the runs with which one went on, oldest first."""

    # -- runs ------------------------------------------------------------------

    @abstractmethod
    def runs(self, limit: int | None = None) -> list[RunRow]:
        """The runs of this package in the database, newest first."""

    @abstractmethod
    def run(self, run_id: str) -> RunRow | None:
        """One run, or None if no run of this package has the id."""

    @abstractmethod
    def heads(self) -> dict[str, tuple[int, int]]:
        """How far each unfinished run is: it changes whenever what it asks may have.

        Reads no entry, so that one can look at thousands of runs each second.
        """

    @abstractmethod
    def numbered(self, run_id: str) -> list[str]:
        """The ids that exist of this one and of those that follow it: `a`, `a-2`."""

    @abstractmethod
    def marks(self) -> dict[str, Mark]:
        """What tells of each run whether its row has changed, newest first.

        Reads no entry, so that somebody may look at thousands of runs again and again.
        """

    @abstractmethod
    def rows(self, run_ids: Iterable[str]) -> list[RunRow]:
        """Those of these runs that there are, in any order."""

    @abstractmethod
    def children(self, run_id: str) -> list[RunRow]:
        """The runs that step bodies of a run have begun, oldest first."""

    @abstractmethod
    def sizes(self, run_ids: Iterable[str]) -> dict[str, int]:
        """The bytes of each run: its input, entries, snapshot and messages.

        This looks at every entry: ask for what is shown, and not for each step.
        """

    @abstractmethod
    def unfinished(self, executor_id: str) -> dict[str, str]:
        """Run id to workflow name of the runs this executor has to go on with."""

    @abstractmethod
    def pending(self, run_ids: Iterable[str], executor_id: str) -> list[Pending]:
        """Those of these runs that this executor has to go on with."""

    @abstractmethod
    def enqueued(self) -> list[Enqueued]:
        """The runs that wait for somebody to take them, oldest first."""

    @abstractmethod
    def tally(self) -> Tally:
        """How many runs and unread messages there are.

        This looks at the row of every run: ask now and then, and not on a loop.
        """

    @abstractmethod
    def executed_by(self, executor_id: str) -> list[str]:
        """The unfinished runs of an executor, in memory or not, oldest first."""

    @abstractmethod
    def reassign(
        self, run_ids: Iterable[str], from_executor: str, to_executor: str, owner: str
    ) -> Future[list[str]]:
        """Give the unfinished runs among these to another executor, in one commit.

        From then on no execution before can write anything more: they are owned by a
        new token. Gives those that were the first executor's, and are given. The caller
        sees to it that no process is the first executor meanwhile.
        """

    @abstractmethod
    def take_reassigned(self, run_ids: Iterable[str], executor_id: str) -> Future[None]:
        """Note that an executor knows of runs that it was given."""

    @abstractmethod
    def owners(self, run_ids: Iterable[str]) -> dict[str, str | None]:
        """The token under which each of these runs is written, if the run exists.

        None is given where a lease made this process the executor, and is taken, or
        may be and cannot be asked for.
        """

    @abstractmethod
    def claim(
        self,
        run_id: str,
        executor_id: str,
        owner: str,
        *,
        instead_of: str | None = None,
        is_counted: bool = True,
    ) -> Future[bool]:
        """Give an unfinished run to a new execution of it, by this executor.

        Done once on disk: from then on the execution before can write nothing more.
        An enqueued run may also be taken that nobody had, or `instead_of` had: an
        executor that lives no more. Then it is noted when that was, and the end that a
        fork has copied is dropped. It counts as a recovery unless the run only waited.
        False where the run has ended or belongs to another executor.
        """

    @abstractmethod
    def delete(self, runs: Iterable[RunRow]) -> Future[None]:
        """Delete runs with all that belongs to them, in one commit.

        Also the code of workflows that no other run names.

        The future raises LostOwnershipError, and nothing is deleted, if an execution
        has taken one of them since its row was read.
        """

    @abstractmethod
    def sweep(self) -> Future[None]:
        """Delete what is left of runs that DBOS's own tools have deleted."""

    @abstractmethod
    def close(self) -> None:
        """Finish the writes that were handed in and close every connection."""
