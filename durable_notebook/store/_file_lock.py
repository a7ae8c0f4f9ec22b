"""Who is which executor of a journal file: a lock that dies with its process."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from filelock import FileLock, Timeout

from durable_notebook.errors import StorageError


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
            lock.acquire(timeout=0)
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
        """Whether a live process has an executor's lock."""
        path = _path(journal, executor_id)
        if not path.exists():
            return False
        try:
            with FileLock(path, mode=0o600, thread_local=False).acquire(timeout=0):
                return False
        except Timeout:
            return True


def _path(journal: Path, executor_id: str) -> Path:
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", executor_id)[:60]
    if safe != executor_id:
        safe += "-" + hashlib.sha256(executor_id.encode()).hexdigest()[:8]
    return journal.with_name(f"{journal.name}.{safe}.lock")
