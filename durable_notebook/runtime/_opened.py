"""What a launched runtime tells of itself and of its runs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from durable_notebook.errors import NotLaunchedError, UnknownRunError
from durable_notebook.runtime._parts import Parts
from durable_notebook.runtime.live._run import LiveRun
from durable_notebook.runtime.process._loops import on_loop
from durable_notebook.runtime.process._upkeep import Upkeep
from durable_notebook.store import Store

T = TypeVar("T")


class Opened:
    """A part of `DBOSRuntime`: each of its questions is for one of the open parts.

    Raises:
        NotLaunchedError: The runtime was not launched.
    """

    _parts: Parts | None

    @property
    def _opened(self) -> Parts:
        if self._parts is None:
            raise NotLaunchedError
        return self._parts

    @property
    def store(self) -> Store:
        """The journal's database."""
        return self._opened.store

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop on which runs are executed."""
        return self._opened.loop

    @property
    def executor_id(self) -> str:
        """Who owns the runs that this process starts."""
        return self._opened.lock.executor_id

    @property
    def session(self) -> int:
        """The number of this process life in the journal."""
        return self._opened.executor.session

    async def on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the loop of the runs, wherever the caller runs."""
        if self._parts is None:
            work.close()
            raise NotLaunchedError
        return await on_loop(self._parts.loop, work)

    def live(self, run_id: str) -> LiveRun | None:
        """The run, if this process is executing it."""
        return self._opened.runs.live.get(run_id)

    def is_released(self, run_id: str) -> bool:
        """Whether a run of this executor waits out of memory."""
        return self._opened.runs.idle.is_released(run_id)

    def problem(self, run_id: str) -> Exception | None:
        """Why this process does not execute an unfinished run of its own."""
        return self._opened.runs.problems.get(run_id)

    def before(self, run_id: str) -> int | None:
        """How many runs wait for a place before this one; None if it does not wait."""
        return self._opened.runs.line.before(run_id)

    def undefined(self) -> dict[str, str]:
        """Run id to workflow name of the runs that wait for their workflow."""
        return self._opened.runs.undefined.workflows()

    def is_undefined(self, run_id: str) -> bool:
        """Whether a run waits for its workflow."""
        return run_id in self._opened.runs.undefined

    def origin(self, run_id: str) -> str | None:
        """The variable that held the workflow where the run was started, if one did."""
        row = self.store.run(run_id)
        if row is None:
            raise UnknownRunError(run_id)
        origin = row.input.get("origin")
        return None if origin is None else str(origin)

    def is_executor_alive(self, executor_id: str) -> bool:
        """Whether a live process is this executor."""
        return self._opened.executor.is_alive(executor_id)

    def is_executor(self, executor_id: str) -> bool:
        """Whether this process is an executor, and has not lost a lease of it."""
        return self._opened.executor.is_me(executor_id)

    @property
    def lease_lost_event(self) -> asyncio.Event | None:
        """Set once another process has the executor id that was leased; or None.

        From then on this process starts no run, and has stopped those it executed.
        Wait for it on the runtime's loop, to end the process or to launch again.
        """
        tenure = self._opened.tenure
        return None if tenure is None else tenure.lost

    @property
    def upkeep(self) -> Upkeep:
        """Forks and deletes runs."""
        return self._opened.upkeep
