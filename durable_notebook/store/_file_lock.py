"""Who is which executor of a journal file: a lock that dies with its process."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from durable_notebook.errors import StorageError

if sys.platform != "win32":
    import fcntl

# Who only looks has the lock for some microseconds: an executor waits that long for it.
_LOOK_S = 0.05


class FileHold:
    """A lock file beside the journal; the system drops the lock at a kill."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    @classmethod
    def take(cls, journal: Path, executor_id: str) -> FileHold | None:
        """Take an executor's lock; None if a live process has it.

        Raises:
            StorageError: It cannot be made beside the journal.
        """
        lock = FileLock(_path(journal, executor_id), mode=0o600, thread_local=False)
        try:
            lock.acquire(timeout=_LOOK_S, poll_interval=_LOOK_S / 10)
        except Timeout:
            return None
        except OSError as e:
            raise StorageError(str(journal), str(e)) from e
        return cls(lock)

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()

    def problem(self) -> None:
        """Nothing takes it from a process that lives."""

    @staticmethod
    def is_held(journal: Path, executor_id: str) -> bool:
        """Whether a live process has an executor's lock.

        Any number may look at once, and none of them is taken for the executor.

        Raises:
            StorageError: The lock may not be looked at.
        """
        path = _path(journal, executor_id)
        try:
            return path.exists() and not _is_free(path)
        except OSError as e:
            raise StorageError(str(journal), str(e)) from e


def _path(journal: Path, executor_id: str) -> Path:
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", executor_id)[:60]
    if safe != executor_id:
        safe += "-" + hashlib.sha256(executor_id.encode()).hexdigest()[:8]
    return journal.with_name(f"{journal.name}.{safe}.lock")


if sys.platform == "win32":

    def _is_free(path: Path) -> bool:
        try:
            with FileLock(path, mode=0o600, thread_local=False).acquire(timeout=0):
                return True
        except Timeout:
            return False

else:

    def _is_free(path: Path) -> bool:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            # Shared, or two who look at once would each take the other for it.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True
