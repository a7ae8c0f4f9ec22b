"""The parts of a launched runtime: opened together, closed together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from durable_notebook._config import Settings
from durable_notebook.engine import Engine, ExecutorLock, choose_executor
from durable_notebook.runtime._access import Access
from durable_notebook.runtime.codec._codec import Codec
from durable_notebook.runtime.process._executor import Executor, Tenure
from durable_notebook.runtime.process._runs import Runs
from durable_notebook.runtime.process._upkeep import Upkeep
from durable_notebook.runtime.process._watch import Watch
from durable_notebook.runtime.recovery._registry import Registry
from durable_notebook.store import Store, open_store


@dataclass(frozen=True, slots=True)
class Parts:
    """What a runtime consists of between its launch and its end."""

    engine: Engine
    store: Store
    lock: ExecutorLock
    executor: Executor
    tenure: Tenure | None
    runs: Runs
    access: Access
    watch: Watch
    upkeep: Upkeep
    loop: asyncio.AbstractEventLoop

    @classmethod
    async def open(cls, settings: Settings, registry: Registry, plain: Codec) -> Parts:
        """Open the journal, become its executor, and launch DBOS on the running loop.

        Raises:
            ConfigError, ExecutorInUseError, NoFreeExecutorError, StorageError: See
                `DBOSRuntime.launch`.
        """
        engine = Engine(settings)
        url, executor_id = engine.locate()
        store = open_store(url, engine.store_settings())
        lock: ExecutorLock | None = None
        try:
            lock = await _become(store, settings, executor_id)
            engine.locate()  # Again: who has waited may not be the only one.
            session = store.begin_session(lock.executor_id)
            executor = Executor(lock, session, store, settings.recover)
            runs = Runs(
                engine=engine,
                store=store,
                registry=registry,
                executor=executor,
                snapshot_every=settings.snapshot_every,
                idle_timeout_s=settings.idle_timeout_s,
            )
            tenure = None
            if settings.executor_lease is not None:
                poll_s = settings.mailbox_poll_s
                tenure = Tenure(executor, runs, poll_s=poll_s)
            parts = cls(
                engine=engine,
                store=store,
                lock=lock,
                executor=executor,
                tenure=tenure,
                runs=runs,
                access=Access(
                    runs=runs,
                    store=store,
                    registry=registry,
                    plain=plain,
                    poll_s=settings.mailbox_poll_s,
                ),
                watch=Watch(
                    runs,
                    store,
                    poll_s=settings.mailbox_poll_s,
                    queue_poll_s=settings.queue_poll_s or 0.0,
                ),
                upkeep=Upkeep(engine=engine, store=store, runs=runs, executor=executor),
                loop=asyncio.get_running_loop(),
            )
            engine.launch(url, lock.executor_id, store, runs.execute)
        except BaseException:
            engine.close()
            if lock is not None:
                lock.release()
            store.close()
            raise
        return parts


async def _become(
    store: Store, settings: Settings, executor_id: str | None
) -> ExecutorLock:
    """Become an executor: one of a pool, a notebook's own, or the named one."""
    if settings.executor_lease is not None:
        return await ExecutorLock.lease(store, settings.executor_lease)
    if executor_id is None and settings.notebook is not None:
        return choose_executor(store, settings.notebook)
    return ExecutorLock.take(store, executor_id or "local")
