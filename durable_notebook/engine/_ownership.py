"""One executor, one process: held in the database until the process dies."""

from __future__ import annotations

import secrets

from durable_notebook.errors import ExecutorInUseError
from durable_notebook.store import Hold, Store


class ExecutorLock:
    """Held while a process lives as an executor; a kill releases it."""

    def __init__(self, hold: Hold, executor_id: str) -> None:
        self._hold = hold
        self.executor_id = executor_id

    @classmethod
    def take(cls, store: Store, executor_id: str) -> ExecutorLock:
        """Become this executor.

        Raises:
            ExecutorInUseError: A live process is this executor on this journal.
            StorageError: The lock cannot be made.
        """
        hold = store.hold(executor_id)
        if hold is None:
            raise ExecutorInUseError(executor_id, store.name)
        return cls(hold, executor_id)

    def release(self) -> None:
        """Stop being this executor."""
        self._hold.release()


def choose_executor(store: Store, notebook: str | None) -> ExecutorLock:
    """Take back the executor id a notebook had, or a new one if that is in use.

    A second kernel on one notebook gets an id of its own, and leaves the runs of the
    first alone.
    """
    for executor_id in store.executor_for(notebook):
        try:
            lock = ExecutorLock.take(store, executor_id)
        except ExecutorInUseError:
            continue
        store.add_executor(executor_id, notebook)
        return lock
    executor_id = f"notebook-{secrets.token_hex(3)}"
    lock = ExecutorLock.take(store, executor_id)
    store.add_executor(executor_id, notebook)
    return lock
