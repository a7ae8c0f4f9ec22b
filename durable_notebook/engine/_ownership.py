"""One executor, one process: a file lock that the system drops when a process dies."""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path

from filelock import FileLock, Timeout

from durable_notebook.errors import ExecutorInUseError, StorageError
from durable_notebook.store import Store


class ExecutorLock:
    """Held while a process lives as an executor; a kill releases it."""

    def __init__(self, lock: FileLock, executor_id: str) -> None:
        self._lock = lock
        self.executor_id = executor_id

    @classmethod
    def take(cls, journal: Path, executor_id: str) -> ExecutorLock:
        """Become this executor.

        Raises:
            ExecutorInUseError: A live process is this executor on this journal.
            StorageError: The lock cannot be made beside the journal.
        """
        lock = FileLock(_path(journal, executor_id), mode=0o600, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ExecutorInUseError(executor_id, str(journal)) from None
        except OSError as e:
            raise StorageError(str(journal), str(e)) from e
        return cls(lock, executor_id)

    def release(self) -> None:
        """Stop being this executor."""
        self._lock.release()

    @staticmethod
    def is_held(journal: Path, executor_id: str) -> bool:
        """Whether a live process is this executor."""
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


def choose_executor(store: Store, journal: Path, notebook: str | None) -> ExecutorLock:
    """Take back the executor id a notebook had, or a new one if that is in use.

    A second kernel on one notebook gets an id of its own, and leaves the runs of the
    first alone.
    """
    for executor_id in store.executor_for(notebook):
        try:
            lock = ExecutorLock.take(journal, executor_id)
        except ExecutorInUseError:
            continue
        store.add_executor(executor_id, notebook)
        return lock
    executor_id = f"notebook-{secrets.token_hex(3)}"
    lock = ExecutorLock.take(journal, executor_id)
    store.add_executor(executor_id, notebook)
    return lock
