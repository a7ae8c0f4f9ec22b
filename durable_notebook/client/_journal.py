"""A journal from outside: its runs read, messaged, forked and deleted, none executed.

`Client` does the same through a launched runtime. This needs the database alone: it is
no executor, launches no DBOS, takes no run and changes no table, so that somebody may
look at a journal while a kernel lives on it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from durable_notebook._config import Settings, is_postgres, is_there, sqlite_path
from durable_notebook._model import Attempt, Prompt, RunInfo, RunStatus
from durable_notebook.errors import (
    AlreadyAnsweredError,
    ConfigError,
    LostOwnershipError,
    RunFinishedError,
)
from durable_notebook.journal._timeline import attempts
from durable_notebook.operations._describe import Outside, describe, open_prompt
from durable_notebook.operations._messages import Message, cancellation
from durable_notebook.operations._reassignment import reassign, reassignable
from durable_notebook.operations._retention import (
    AT_ONCE,
    deletable,
    expired,
    id_for_fork,
    kept_by_fork,
    known,
)
from durable_notebook.store import RunRow, Store, open_store

_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that is on disk. `executor_id` is the live one that takes it, if any.

    `message` is None for a cancellation.
    """

    run_id: str
    sequence: int
    executor_id: str | None
    message: Message | None = None


class Journal:
    """The runs of one journal. Belongs to the thread that opened it."""

    def __init__(self, store: Store, url: str, settings: Settings) -> None:
        self.store = store
        self.url = url
        self._settings = settings

    @classmethod
    def open(cls, url: str) -> Self:
        """Open a journal that is there. Nothing of it is created or changed.

        Raises:
            ConfigError: There is no journal of this version.
            JournalTooNewError, StorageError: It cannot be read.
        """
        settings = Settings(migrate=False)
        if not is_postgres(url) and not is_there(sqlite_path(url)):
            raise ConfigError(
                f"There is no journal {sqlite_path(url)}.",
                "Look for its path, or begin one by starting a run.",
            )
        return cls(open_store(url, settings), url, settings)

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- read --------------------------------------------------------------------

    def runs(self, limit: int | None = None) -> list[RunInfo]:
        """List the runs, newest first."""
        rows = self.store.runs(limit)
        sizes = self.store.sizes([row.run_id for row in rows])
        outside = Outside(self.store)
        return [describe(self.store, r, sizes.get(r.run_id), outside) for r in rows]

    def info(self, run_id: str) -> RunInfo:
        """What a run is doing, as far as can be told from outside.

        Raises:
            UnknownRunError: There is no such run.
        """
        row = known(self.store, run_id)
        size = self.store.sizes([run_id]).get(run_id)
        return describe(self.store, row, size, Outside(self.store))

    def attempts(self, info: RunInfo) -> list[Attempt]:
        """A run's timeline.

        Raises:
            JournalTooNewError, DamagedJournalError: An entry cannot be read.
        """
        entries = self.store.entries(info.run_id)
        is_live = info.status in (RunStatus.RUNNING, RunStatus.WAITING)
        if info.status is RunStatus.PAUSED:  # Bodies may be in flight yet.
            row = known(self.store, info.run_id)
            is_live = Outside(self.store).is_executed(row, entries[-1:])
        return attempts(entries, is_live=is_live)

    # -- messages ----------------------------------------------------------------

    def prompt(self, run_id: str, number: int | None = None) -> Prompt:
        """An open question of a run, by default its oldest.

        Raises:
            UnknownRunError: There is no such run.
            NoPromptError: It waits for nobody.
            NeverAskedError, AlreadyAnsweredError: It does not wait with this question.
        """
        return open_prompt(self.store, self.info(run_id), number)

    def answer(self, prompt: Prompt, message: Message) -> Sent:
        """Answer a question; on disk when this returns, and applied exactly once.

        An answer that was made without its class may still be refused by whoever
        executes the run: see `reaction`.

        Raises:
            RunFinishedError: Nobody would ever read it.
            AlreadyAnsweredError: Somebody answered first.
        """
        row = self._open_run(prompt.run_id)
        posted = self.store.post(prompt.run_id, message.text, prompt.key, by=message.by)
        sequence = posted.result()
        if sequence is None:
            raise AlreadyAnsweredError(prompt.run_id)
        return Sent(prompt.run_id, sequence, self._live_executor(row), message)

    def cancel(self, run_id: str) -> Sent:
        """Ask a run to end as cancelled; the request is on disk when this returns.

        Raises:
            UnknownRunError, RunFinishedError: There is nothing to cancel.
        """
        row = self._open_run(run_id)
        sequence = self.store.post(run_id, cancellation()).result()
        assert sequence is not None  # Without a key it cannot have been there.
        self.store.go_on(run_id).result()  # One that is paused is to hear it.
        return Sent(run_id, sequence, self._live_executor(row))

    def pause(self, run_id: str) -> str | None:
        """Have a run begin no further step; on disk when this returns.

        Gives the live executor that lets its steps in flight end, if there is one.

        Raises:
            UnknownRunError, RunFinishedError: There is nothing to pause.
        """
        row = self._open_run(run_id)
        if not self.store.pause(run_id).result():
            raise RunFinishedError(run_id, self.info(run_id).status)
        return self._live_executor(row)

    def go_on(self, run_id: str) -> str | None:
        """Take a pause back; on disk when this returns.

        Gives the live executor that goes on with the run, if there is one.

        Raises:
            UnknownRunError: There is no such run.
        """
        row = known(self.store, run_id)
        self.store.go_on(run_id).result()
        return self._live_executor(row)

    def reaction(self, sent: Sent, within_s: float) -> bool | None:
        """Whether the run took a message, or refused it; None if it did neither yet."""
        deadline = time.monotonic() + within_s
        while True:
            # In this order: what a run has taken may be emptied too, afterwards.
            mail = self.store.mail(sent.run_id, sent.sequence - 1)
            is_empty = mail and mail[0].sequence == sent.sequence and not mail[0].tick
            last = self.store.last_entry(sent.run_id)
            if last is not None and last.entry.cursor >= sent.sequence:
                return True
            if is_empty:
                return False
            if time.monotonic() > deadline:
                return None
            time.sleep(_LOOK_S)

    def _open_run(self, run_id: str) -> RunRow:
        row = known(self.store, run_id)
        info = describe(self.store, row, None, lambda *_: None)
        if info.status.is_final:
            raise RunFinishedError(run_id, info.status)
        return row

    def _live_executor(self, row: RunRow) -> str | None:
        executor_id = row.executor_id or ""
        is_alive = executor_id and self.store.is_held(executor_id)
        return executor_id if is_alive else None

    # -- upkeep ------------------------------------------------------------------

    def reassignable(
        self, from_executor: str, to_executor: str, run_ids: Sequence[str] = ()
    ) -> list[str]:
        """What `reassign` would give: these runs with their children, or all.

        Raises:
            ReassignmentError, UnknownRunError: The request cannot be carried out.
        """
        return reassignable(self.store, from_executor, to_executor, run_ids)

    def reassign(
        self, from_executor: str, to_executor: str, run_ids: Sequence[str]
    ) -> list[str]:
        """Give runs of a dead executor to another; on disk when this returns.

        All in one commit, or none. Gives those that were given.

        Raises:
            ReassignmentError: A live process is the first executor.
        """
        return reassign(self.store, from_executor, to_executor, run_ids)

    def fork(
        self, run_id: str, position: int | None = None, new_run_id: str | None = None
    ) -> tuple[str, int]:
        """Begin a new run with the first entries of another; on disk on return.

        Gives its id, and how many entries it has. It is executed by a process that
        has its workflow.

        Raises:
            UnknownRunError, InvalidPositionError, InvalidRunIdError,
            RunIdTakenError: The request cannot be carried out.
        """
        # DBOS takes a second to import; who only reads does not need it.
        from durable_notebook.engine import fork  # noqa: PLC0415
        from durable_notebook.runtime import check_run_id  # noqa: PLC0415

        known(self.store, run_id)
        kept = kept_by_fork(self.store, run_id, position)
        wanted = check_run_id(id_for_fork(run_id) if new_run_id is None else new_run_id)
        schema = self._settings.schema or "dbos"
        fork(self.store, self.url, run_id, wanted, kept, schema=schema)
        return wanted, kept

    def delete(self, run_id: str) -> list[str]:
        """Delete a run, with everything that the database has of it.

        Runs that its step bodies have begun are deleted with it. Gives all their ids.

        Raises:
            UnknownRunError: There is no such run.
            LiveElsewhereError: A live process executes it, or one of those.
        """
        try:
            return self._delete(run_id)
        except LostOwnershipError:  # It has ended, or was begun again, since the look.
            return self._delete(run_id)

    def _delete(self, run_id: str) -> list[str]:
        gone = deletable(self.store, run_id, self.store.is_held)
        self.store.delete(gone).result()
        return [row.run_id for row in gone]

    def trim(
        self, older_than: timedelta | None = None, keep: int | None = None
    ) -> list[str]:
        """Delete finished runs that are too old or too many, and give their ids.

        Raises:
            ConfigError: Neither was given.
        """
        gone = expired(self.store.runs(), older_than, keep)
        for n in range(0, len(gone), AT_ONCE):
            self.store.delete(gone[n : n + AT_ONCE]).result()
        return [row.run_id for row in gone]
