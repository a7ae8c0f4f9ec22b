"""Commits on the calling thread, where nobody else is waiting to write.

To hand a commit to the writer's thread and to be woken afterwards takes as long as the
commit itself. So the entries of a run that is alone are written where they are made.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from durable_notebook.errors import DurableNotebookError, StorageError

# Whoever calls is an event loop, which does nothing else meanwhile. Twice in
# succession: once may have been a checkpoint, or another program.
_SLOW_S = 0.005

# In pages. A log that grows is synced at twice the price of one that is written over
# again, and a checkpoint of a few pages does not keep the loop.
_CHECKPOINT = 128

# So many entries go to the writer's thread before a disk that was slow is tried again.
_REST = 64


class DirectWriter:
    """A connection that commits at once or not at all.

    It never waits: not for another process's lock, nor for the writer's thread. Of
    runs that write by turns it leaves the entries to that thread, which commits those
    of many runs together. `check` is called before each commit, and raises if that
    would be in vain.
    """

    def __init__(
        self, connection: sqlite3.Connection, name: str, check: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._name = name
        self._check = check
        self._lock = threading.Lock()
        self._is_closed = False
        self._last_run = ""
        self._was_slow = False
        self._rest = 0
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT}")

    def offer(
        self, run_id: str, write: Callable[[sqlite3.Connection], None]
    ) -> Future[None] | None:
        """Let one statement of a run commit itself; None where a thread should do it.

        The future is done.
        """
        is_alone, self._last_run = run_id == self._last_run, run_id
        if not is_alone or self._is_closed:
            return None
        if self._rest:
            self._rest -= 1
            return None
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return None if self._is_closed else self._commit(write)
        finally:
            self._lock.release()

    def _commit(
        self, write: Callable[[sqlite3.Connection], None]
    ) -> Future[None] | None:
        began = time.monotonic()
        done = _DONE
        try:
            self._check()
            write(self._connection)
        except DurableNotebookError as e:
            done = _failed(e)
        except (sqlite3.Error, ValueError, OverflowError) as e:
            if is_busy(e):
                return None
            error = StorageError(self._name, str(e))
            error.__cause__ = e
            done = _failed(error)
        is_slow = time.monotonic() - began > _SLOW_S
        if is_slow and self._was_slow:
            self._rest = _REST
        self._was_slow = is_slow
        return done

    def close(self) -> None:
        """Commit nothing any more."""
        with self._lock:
            self._is_closed = True
            self._connection.close()


# What is done has nothing to tell: all that succeed share one.
_DONE: Future[None] = Future()
_DONE.set_result(None)


def _failed(error: Exception) -> Future[None]:
    done: Future[None] = Future()
    done.set_exception(error)
    return done


def is_busy(problem: Exception) -> bool:
    """Whether a statement was refused because another connection writes."""
    code = getattr(problem, "sqlite_errorcode", None)
    # The low byte is the error; above it stands which kind of it.
    return code is not None and code & 0xFF == sqlite3.SQLITE_BUSY
