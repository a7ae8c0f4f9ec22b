"""One thread that does every write: group commit, and no lock held by the loop.

Runs hand their entries in and go on when the commit is done. Whatever is waiting
when the thread is free goes into one transaction, so that a hundred runs pay for one
sync of the disk together.
"""

from __future__ import annotations

import contextlib
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from durable_notebook.errors import DurableNotebookError, StorageError
from durable_notebook.store._turns import Turns

T = TypeVar("T")
J = TypeVar("J")

# A bound on how long one transaction can grow, so that the first waits for few.
_MOST_AT_ONCE = 256


class Writer(ABC, Generic[J]):
    """Does jobs on one connection, in the order in which they were handed in."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[tuple[J, Future[Any]] | None] = SimpleQueue()
        self._is_closed = False
        self._thread = Thread(
            target=self._work, name="durable-notebook-writer", daemon=True
        )
        self._thread.start()

    @abstractmethod
    def _commit(self, batch: list[tuple[J, Future[Any]]]) -> None:
        """Do jobs in one transaction and set their futures. Must not raise."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Close the connection."""

    def _hand_in(self, job: J) -> Future[Any]:
        future: Future[Any] = Future()
        if self._is_closed:
            future.set_exception(StorageError(self._name, "the journal was closed"))
        else:
            self._jobs.put((job, future))
        return future

    def close(self) -> None:
        """Do what was handed in, then end the thread and close the connection."""
        if not self._is_closed:
            self._is_closed = True
            self._jobs.put(None)
            self._thread.join()

    def _work(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._next_batch()
            # A job whose caller has gone is not begun; a begun one is finished.
            batch = [job for job in batch if job[1].set_running_or_notify_cancel()]
            if batch:
                self._commit(batch)
        self._disconnect()

    def _next_batch(self) -> tuple[list[tuple[J, Future[Any]]], bool]:
        batch: list[tuple[J, Future[Any]]] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) == _MOST_AT_ONCE:
                return batch, True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _error(self, problem: Exception) -> StorageError:
        if isinstance(problem, StorageError):
            return problem
        error = StorageError(self._name, str(problem))
        error.__cause__ = problem
        return error


_Job = Callable[[sqlite3.Connection], Any]


class SqliteWriter(Writer[_Job]):
    """A job is called with the connection, inside the transaction.

    `check` is called before each commit, and raises if that would be in vain.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        name: str,
        check: Callable[[], None],
        turns: Turns,
    ) -> None:
        self._connection = connection
        self._check = check
        self._turns = turns
        super().__init__(name)

    def submit(self, job: Callable[[sqlite3.Connection], T]) -> Future[T]:
        """Run a job inside a transaction; the future is done after the commit."""
        return self._hand_in(job)

    def _disconnect(self) -> None:
        self._connection.close()

    def _commit(self, batch: list[tuple[_Job, Future[Any]]]) -> None:
        turn = self._turns.take()
        try:
            self._commit_in_turn(batch)
        finally:
            self._turns.give_back(turn)

    def _commit_in_turn(self, batch: list[tuple[_Job, Future[Any]]]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        refused: list[tuple[Future[Any], Exception]] = []
        try:
            if self._connection.in_transaction:
                # The one before failed, and so did undoing it.
                self._connection.rollback()
            self._connection.execute("BEGIN IMMEDIATE")
            for job, future in batch:
                # A job refuses before it writes, so the others may still commit.
                try:
                    done.append((future, job(self._connection)))
                except DurableNotebookError as e:
                    refused.append((future, e))
                except (sqlite3.IntegrityError, ValueError, OverflowError) as e:
                    # It breaks a constraint, or cannot be bound (a UnicodeError is a
                    # ValueError): the statement did nothing.
                    refused.append((future, self._error(e)))
            self._check()
            self._connection.execute("COMMIT")
        except Exception as e:  # The thread must live, or every later write hangs.
            self._give_up(batch, e)
            return
        for future, value in done:
            future.set_result(value)
        for future, error in refused:
            future.set_exception(error)

    def _give_up(
        self, batch: list[tuple[_Job, Future[Any]]], problem: Exception
    ) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
        for _, future in batch:
            future.set_exception(self._error(problem))
