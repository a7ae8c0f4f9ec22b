"""The journal that a kernel has open: a runtime on an event loop of its own.

Runs live on this loop in a thread, so they go on while cells block the kernel's main
thread. Everything here may be called from any thread but the loop's.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from workflows import Workflow

from durable_notebook._config import Settings
from durable_notebook._model import RunInfo
from durable_notebook.client._client import Client, Run
from durable_notebook.client._requests import adopt, instantiate, is_class_named
from durable_notebook.errors import (
    ConfigError,
    DurableNotebookError,
    NotAWorkflowError,
)
from durable_notebook.notebook._file import NotebookFile
from durable_notebook.runtime import DBOSRuntime

if TYPE_CHECKING:
    from durable_notebook.notebook._serving import Server

T = TypeVar("T")

# A front end gives a kernel some seconds to end.
_LEAVE_S = 1.0

# Loops that a simulated restart stopped. Their tasks are kept, because collecting
# them would run the `finally` blocks of step bodies, which no kill does.
_stopped: list[tuple[asyncio.AbstractEventLoop, set[asyncio.Task[Any]]]] = []


class Dropped(Exception):  # noqa: N818 - never seen by a user
    """The session was dropped by a simulated restart; another goes on."""


class Session:
    """One opening of the journal in this kernel."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.opened = datetime.now(UTC)
        self.notebook = NotebookFile(Path(settings.notebook or ""))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="durable-notebook", daemon=True
        )
        self._thread.start()
        self.runtime = DBOSRuntime(settings)
        self.client = Client(self.runtime, who(settings.notebook))
        self.server: Server | None = None
        self.is_dropped = False
        self._calls: set[Future[Any]] = set()
        self._let_go_why = ""
        # What coroutines of other loops wait for.
        self._waits: set[asyncio.Task[Any]] = set()
        try:
            self.call(self.runtime.launch())
        except BaseException:
            self._stop()
            raise

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Do something on the session's loop and wait for it.

        Raises:
            TimeoutError: It took longer than it was given.
            ConfigError: It was let go.
        """
        asked = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._calls.add(asked)
        try:
            return asked.result(timeout_s)
        except TimeoutError:
            asked.cancel()
            raise
        except CancelledError:
            if not self._let_go_why:
                raise
            raise ConfigError(self._let_go_why, "Run the cell again.") from None
        finally:
            self._calls.discard(asked)

    def let_go(self, why: str) -> None:
        """Have nobody wait any more who does, because it would be in vain."""
        self._let_go_why = why
        for asked in list(self._calls):
            asked.cancel()

    def loop_that_waits(self) -> asyncio.AbstractEventLoop | None:
        """A loop on which a cell waits for a run."""
        return next((task.get_loop() for task in list(self._waits)), None)

    async def outlasting(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Wait for something on another loop than the session's.

        Raises:
            Dropped: A simulated restart came first: it has to be asked again.
        """
        task = asyncio.ensure_future(ask())
        self._waits.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            own = asyncio.current_task()
            if not self.is_dropped or (own is not None and own.cancelling()):
                raise
            raise Dropped from None
        finally:
            self._waits.discard(task)

    def submit(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something on the session's loop and do not wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Close the journal properly; unfinished runs stay resumable."""
        self._stop_server()
        self.call(self.runtime.destroy())
        self.call(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def abandon(self) -> None:
        """Drop everything in memory as a kill of the kernel would."""
        self._stop_server()
        self._stop()
        self.is_dropped = True
        for task in list(self._waits):
            task.get_loop().call_soon_threadsafe(task.cancel)
        # DBOS refuses some of its calls on a thread that has a running loop.
        worker = threading.Thread(target=self.runtime.abandon)
        worker.start()
        worker.join()

    def follow_notebook(self) -> None:
        """Note where the notebook's file is, if a new one took its name."""
        path = self.notebook.lost_name()
        if path is not None:
            # If that fails, the next kernel has to guess.
            with contextlib.suppress(DurableNotebookError):
                runtime = self.runtime
                runtime.store.add_executor(runtime.executor_id, str(path))

    def leave(self) -> None:
        """Stop where it is, as the process ends: what runs is interrupted.

        Whoever blocks the loop is not waited for, and what it does has no effect more.
        """
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_LEAVE_S)

    def _stop_server(self) -> None:
        if self.server is not None:
            self.server.stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        _stopped.append((self._loop, tasks))

    # -- what the notebook defines -------------------------------------------------

    def define(self, names: dict[str, Any]) -> list[RunInfo]:
        """Give the runs that wait for a workflow the one a notebook defines.

        Gives those that go on now.
        """
        going_on = []
        for run_id in self.runtime.undefined():
            info = self.call(self.client.read_info(run_id))
            found = self._find(run_id, info.workflow, names)
            if found is not None:
                workflow, origin = found
                self.call(self._define(workflow, origin, info.workflow))
                going_on.append(self.call(self.client.read_info(run_id)))
        return going_on

    def renew(self, run_id: str, names: dict[str, Any]) -> None:
        """Have a run that goes on anew take the class that a notebook has today.

        Its author may have run the cell again, to mend what the run has failed with.
        """
        info = self.call(self.client.read_info(run_id))
        found = self._find(run_id, info.workflow, names)
        if found is not None:
            self.call(self._define(*found, info.workflow))

    def _find(
        self, run_id: str, name: str, names: dict[str, Any]
    ) -> tuple[Workflow, str | None] | None:
        origin = self.runtime.origin(run_id)
        if origin is not None:
            value = names.get(origin)
            # A server has it under the name of its variable.
            if isinstance(value, Workflow) and name in (value.workflow_name, origin):
                return value, origin
            return None
        for key, value in list(names.items()):
            if is_class_named(value, name) or (key == name and _is_class(value)):
                try:
                    return instantiate(value), None
                except NotAWorkflowError:
                    return None
        return None

    async def _define(self, workflow: Workflow, origin: str | None, name: str) -> None:
        adopt(workflow, self.runtime)
        if workflow.workflow_name != name:
            workflow._runtime_locked = False
            workflow._switch_workflow_name(name)
        self.runtime.define(workflow, origin)

    def start(
        self,
        workflow: Workflow | type[Workflow],
        run_id: str | None,
        origin: str | None,
        fields: dict[str, Any],
    ) -> Run:
        """Start a run or attach to it; on disk when this returns."""
        start = self.client.start(workflow, run_id=run_id, origin=origin, **fields)
        return self.call(start)


async def _cancel_others() -> None:
    """End what still watches runs, so that nothing of the loop is left."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def who(notebook: str | None) -> str | None:
    """Who answers from a kernel: its notebook, in words."""
    is_file = notebook is not None and notebook.endswith(".ipynb")
    return f"notebook {Path(notebook).name}" if notebook and is_file else notebook


def _is_class(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Workflow)
