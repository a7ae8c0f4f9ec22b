"""The life of a runtime: launched, drained, destroyed, and launched again."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Self

from workflows.runtime.types.plugin import Runtime

from durable_notebook._config import Settings
from durable_notebook.engine import Engine
from durable_notebook.runtime._opened import Opened
from durable_notebook.runtime._parts import Parts
from durable_notebook.runtime.codec._codec import Codec
from durable_notebook.runtime.process._drain import Drain
from durable_notebook.runtime.process._loops import LoopThread, refuse_on_a_loop
from durable_notebook.runtime.recovery._registry import Registry
from durable_notebook.store import open_store


class Life(Opened, Runtime):
    """A part of `DBOSRuntime`. A life opens the `Parts`, and closes them."""

    _settings: Settings
    _registry: Registry
    _thread: LoopThread | None

    async def launch(self) -> None:
        """Open the journal and go on with this executor's unfinished runs.

        A run whose workflow is not constructed yet goes on as soon as it is. The
        tables exist and the workflows are registered when this returns.

        Raises:
            ConfigError: No database, two databases, or DBOS launched already.
            ExecutorInUseError: Another live process is this executor.
            NoFreeExecutorError: No executor id of the pool became free in time.
            StorageError: The database cannot be opened.
        """
        if self._parts is not None:
            return
        plain = Codec(self._default_serializer)
        self._parts = await Parts.open(self._settings, self._registry, plain)
        try:
            await super().launch()
            self._make_known(self._parts)  # Also those of an earlier life.
            runs = self._parts.runs
            # It may have been changed while a lease was waited for.
            runs.idle.release_after(self._settings.idle_timeout_s)
            await asyncio.wrap_future(self.store.sweep())
            for run_id, name in self.store.unfinished(self.executor_id).items():
                if self._parts.executor.may(run_id):
                    runs.undefined.add(run_id, name)
            enqueued = self.store.enqueued()
            # Those that were executed first, then those that waited for a place.
            runs.recover_defined()
            runs.take_enqueued(enqueued)
        except BaseException:
            await self.destroy()
            raise
        runs.spawn(self._parts.watch.watch())
        if self._parts.tenure is not None:
            runs.spawn(self._parts.tenure.watch())

    def _make_known(self, parts: Parts) -> None:
        """Have DBOS know every defined name: it executes runs by that."""
        for name in self._registry.names():
            parts.engine.register(name)

    def release_idle_after(self, timeout_s: float | None) -> None:
        """Release runs from memory that have waited for this time; None for never.

        A run that waits has no step body in flight and nothing to read. It comes back
        when a message arrives, from whatever process, or a deadline of its own is due;
        whoever awaits, reads or messages it does not notice. Nothing is written for
        this. A launch leaves unfinished runs alone that only wait. Bodies that run
        after a return have no context variables of whoever started the run. Runs of a
        workflow with `num_concurrent_runs` keep their place, and stay in memory.

        May be called at any time, before or after launch, from any thread.

        Raises:
            ConfigError: The time is below zero.
        """
        self._settings = replace(self._settings, idle_timeout_s=timeout_s)
        if self._parts is not None:
            release_after = self._parts.runs.idle.release_after
            self.loop.call_soon_threadsafe(release_after, timeout_s)

    def launch_sync(self) -> None:
        """Launch from a program without an event loop: runs live on one of their own.

        They go on in the background, whatever loops the program runs to start them.

        Raises:
            ConfigError: A loop runs here: use `await runtime.launch()`.
        """
        refuse_on_a_loop("launch_sync", "runtime.launch()")
        if self._parts is not None:
            return
        thread = LoopThread()
        try:
            thread.call(self.launch())
        except BaseException:
            thread.stop()
            raise
        self._thread = thread

    @property
    def is_launched(self) -> bool:
        """Whether runs can be started."""
        return self._parts is not None

    async def run_migrations(self) -> None:
        """Bring the journal's tables up to date, without a launch.

        For programs that launch with `run_migrations_on_launch=False`.

        Raises:
            ConfigError: No database was named.
            StorageError: The database refused.
        """
        if self._parts is None:
            engine = Engine(self._settings)
            url, _ = engine.locate()
            settings = replace(engine.store_settings(), migrate=True)
            store = await asyncio.to_thread(open_store, url, settings)
            store.close()

    async def drain(self, timeout: float = 30.0) -> list[str]:  # noqa: ASYNC109
        """Let the step bodies in flight end, and begin none any more.

        Every run of this process is out of memory when this returns, each behind a
        result that is on disk; only those are not whose ids this gives: after `timeout`
        seconds they are still in a step body, which is done again if the process ends
        now. New runs are refused meanwhile and from then on; messages are taken, and
        are read by the next process. Then call `destroy`.

        Raises:
            NotLaunchedError: The runtime was not launched.
        """
        return await self.on_loop(Drain(self._opened.runs, self.store).drain(timeout))

    async def destroy(self, destroy_dbos: bool = True) -> None:
        """Stop at once. Unfinished runs stay resumable; a launch goes on with them.

        Messages that are on their way are on disk when this returns. With
        `destroy_dbos=False` DBOS is left to the program, to destroy it by itself.
        """
        if self._parts is not None:
            if self._parts.loop.is_running():
                await self.on_loop(self._destroy(destroy_dbos))
            else:  # It has ended, and every task of it.
                self.abandon(destroy_dbos)
            self._end_thread()

    def destroy_sync(self, destroy_dbos: bool = True) -> None:
        """Do the same as `destroy`, from a thread without an event loop.

        Raises:
            ConfigError: A loop runs here: use `await runtime.destroy()`.
        """
        refuse_on_a_loop("destroy_sync", "runtime.destroy()")
        asyncio.run(self.destroy(destroy_dbos))

    async def _destroy(self, destroy_dbos: bool) -> None:
        await self._opened.access.posted()
        await super().destroy()
        async with self._opened.access.closing():
            await self._opened.runs.stop()
        self.abandon(destroy_dbos)
        if destroy_dbos:
            # DBOS had made its threads the loop's own, and has ended them.
            threads = ThreadPoolExecutor(thread_name_prefix="asyncio")
            asyncio.get_running_loop().set_default_executor(threads)

    def _end_thread(self) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()

    def abandon(self, destroy_dbos: bool = True) -> None:
        """Drop everything in memory as a kill would, from any thread.

        Nothing is written and no task is told: the event loop must not run again.
        """
        parts, self._parts = self._parts, None
        self._launched = False
        if parts is not None:
            parts.store.close()
            parts.engine.close(destroy_dbos)
            parts.lock.release()

    async def __aenter__(self) -> Self:
        await self.launch()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.destroy()
