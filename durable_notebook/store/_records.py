"""What a journal database holds, as values: runs, entries, messages, and who is who."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from durable_notebook._model import Json
from durable_notebook.errors import (
    DamagedJournalError,
    JournalTooNewError,
    LeaseLostError,
)
from durable_notebook.journal._entry import Entry, NewerFormat, RecordedEntry

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
