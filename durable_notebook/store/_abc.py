"""What a journal database can do, whichever it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from concurrent.futures import Future

from durable_notebook._lease import LeaseTerms
from durable_notebook.journal._entry import Entry, RecordedEntry
from durable_notebook.store._records import (
    Enqueued,
    Hold,
    KeyedMail,
    Lease,
    Life,
    Mail,
    Mark,
    NewEntry,
    Past,
    Pending,
    RunRow,
)
from durable_notebook.store._tally import Tally
from durable_notebook.store._turns import Turns


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
