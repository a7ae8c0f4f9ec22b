"""One executor, one process: held in the database until the process dies."""

from __future__ import annotations

import asyncio
import secrets
import time

from durable_notebook._lease import LeaseTerms
from durable_notebook.errors import (
    ExecutorInUseError,
    LeaseLostError,
    NoFreeExecutorError,
)
from durable_notebook.store import Hold, Lease, Store

# How often a launch looks whether an executor of the pool is free by now.
_LOOK_S = 0.1


class ExecutorLock:
    """Held while a process lives as an executor; a kill releases it.

    Or it is a lease, which the database takes back from a process that hangs too.
    """

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

    @classmethod
    async def lease(cls, store: Store, terms: LeaseTerms) -> ExecutorLock:
        """Become an executor of a pool, and wait for one if all are taken.

        Raises:
            NoFreeExecutorError: None became free in time.
            StorageError: The database did not answer.
        """
        deadline = time.monotonic() + terms.acquire_timeout_s
        while True:
            lease = await _leased(store, terms)
            if lease is not None:
                return cls(lease, lease.executor_id)
            if time.monotonic() >= deadline:
                raise NoFreeExecutorError(
                    store.name,
                    terms.prefix,
                    terms.acquire_timeout_s,
                    store.leaseholders(terms),
                )
            await asyncio.sleep(_LOOK_S)

    def release(self) -> None:
        """Stop being this executor."""
        self._hold.release()

    def problem(self) -> LeaseLostError | None:
        """Why this process may be the executor no more; None while it surely is."""
        return self._hold.problem()


async def _leased(store: Store, terms: LeaseTerms) -> Lease | None:
    """Ask for a lease beside the loop; who is cancelled meanwhile gives it back."""
    asking = asyncio.ensure_future(asyncio.to_thread(store.lease, terms))
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        asking.add_done_callback(_give_back)
        raise


def _give_back(asked: asyncio.Future[Lease | None]) -> None:
    lease = None if asked.cancelled() or asked.exception() else asked.result()
    if lease is not None:
        lease.release()


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
