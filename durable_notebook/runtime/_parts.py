"""The parts of a launched runtime: opened together, closed together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from durable_notebook._config import Settings
from durable_notebook.engine import Engine, ExecutorLock, choose_executor
from durable_notebook.runtime._access import Access
from durable_notebook.runtime._codec import Codec
from durable_notebook.runtime._registry import Registry
from durable_notebook.runtime._runs import Executor, Runs
from durable_notebook.runtime._upkeep import Upkeep
from durable_notebook.runtime._watch import Watch
from durable_notebook.store import Store, open_store


@dataclass(frozen=True, slots=True)
class Parts:
    """What a runtime consists of between its launch and its end."""

    engine: Engine
    store: Store
    lock: ExecutorLock
    session: int
    runs: Runs
    access: Access
    watch: Watch
    upkeep: Upkeep
    loop: asyncio.AbstractEventLoop

    @classmethod
    def open(cls, settings: Settings, registry: Registry, plain: Codec) -> Parts:
        """Open the journal, become its executor, and launch DBOS on the running loop.

        Raises:
            ConfigError, ExecutorInUseError, StorageError: See `DBOSRuntime.launch`.
        """
        engine = Engine(settings)
        url, executor_id = engine.locate()
        store = open_store(url, engine.store_settings())
        lock: ExecutorLock | None = None
        try:
            if executor_id is None and settings.notebook is not None:
                lock = choose_executor(store, settings.notebook)
            else:
                lock = ExecutorLock.take(store, executor_id or "local")
            session = store.begin_session(lock.executor_id)
            executor = Executor(
                lock.executor_id, session, store.is_held, settings.recover
            )
            runs = Runs(
                engine=engine,
                store=store,
                registry=registry,
                executor=executor,
                snapshot_every=settings.snapshot_every,
                idle_timeout_s=settings.idle_timeout_s,
            )
            parts = cls(
                engine=engine,
                store=store,
                lock=lock,
                session=session,
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
