"""The runs this process executes: begin, claim, go on, bring to an end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from durable_notebook._model import Json
from durable_notebook.engine import Claim, Engine, LeavePending, new_owner
from durable_notebook.errors import (
    DamagedJournalError,
    LostOwnershipError,
    RunIdTakenError,
    StrandedRunError,
    TooManyRecoveriesError,
    UnknownRunError,
)
from durable_notebook.runtime._checks import check_same_start
from durable_notebook.runtime._execution import (
    RESUMABLE,
    Execution,
    Session,
    Start,
)
from durable_notebook.runtime._live import LiveRun
from durable_notebook.runtime._outcome import Outcome, recorded_end
from durable_notebook.runtime._registry import Definition, Registry
from durable_notebook.store import RunRow, Store

T = TypeVar("T")

# The beginning of a run, for its own loop or for another one.
Started = asyncio.Task[None] | Future[None]

logger = logging.getLogger("durable_notebook")


@dataclass(frozen=True, slots=True)
class Executor:
    """Who executes: its id, the number of this life of it, and who else lives."""

    id: str
    session: int
    is_alive: Callable[[str], bool]


class Runs:
    """Executes the runs of one executor. Belongs to the runtime's loop.

    A run is in exactly one of these places: `live` (or on its way there: `_claimed`),
    waiting for its workflow (`undefined`), standing still for a reason (`problems`),
    or none of this process's business.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        store: Store,
        registry: Registry,
        executor: Executor,
        snapshot_every: int,
        only: Collection[str] | None = None,
    ) -> None:
        self.live: dict[str, LiveRun] = {}
        self.problems: dict[str, Exception] = {}
        self.undefined: dict[str, str] = {}
        self._claimed: set[str] = set()
        self._starts: dict[str, Start] = {}
        self._beginning: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._engine = engine
        self._store = store
        self._registry = registry
        self._executor = executor
        self._session = Session(store, executor.session, snapshot_every)
        self._starting: WeakValueDictionary[str, Started] = WeakValueDictionary()
        self._changed = asyncio.Event()
        self._only = only

    # -- begin and go on -----------------------------------------------------------

    async def begin(self, run_id: str, start: Start, inputs: dict[str, Json]) -> None:
        """Start a run, or attach to the one that has its id; on disk on return."""
        lock = self._beginning.setdefault(run_id, asyncio.Lock())
        async with lock:  # A second call waits until the first has it on disk.
            await self._begin(run_id, start, inputs)

    async def _begin(self, run_id: str, start: Start, inputs: dict[str, Json]) -> None:
        name = start.definition.name
        row = self._store.run(run_id)
        if row is not None and row.workflow != name:
            raise RunIdTakenError(run_id, row.workflow, name)
        if row is not None:
            check_same_start(row, inputs["start"], start.event)
            self.check_executor(row)
            await self.resume(run_id)
        elif run_id not in self._claimed:
            self._claimed.add(run_id)
            self._starts[run_id] = start
            is_new = False
            try:
                if self._store.mail(run_id, 0):
                    # To a run of this id that DBOS's tools have deleted: not to this.
                    await asyncio.wrap_future(self._store.sweep())
                is_new = await self._engine.start(run_id, name, inputs)
            finally:
                if not is_new:
                    self._claimed.discard(run_id)
                    self._starts.pop(run_id, None)
            if not is_new and self._store.run(run_id) is None:
                raise DamagedJournalError(run_id, 0, "its input is none of ours")

    async def resume(self, run_id: str) -> bool:
        """Go on with an unfinished run of this executor that is not running.

        False where there is nothing to do here: the run is live or has ended,
        belongs to another executor, or waits for its workflow to be defined.
        """
        row = self._store.run(run_id)
        if row is None:
            raise UnknownRunError(run_id)
        if run_id in self.live:
            # It may stand still for a message whose class is defined by now.
            self.live[run_id].inbox.fetch()
        is_defined = self._registry.named(row.workflow) is not None
        if not is_defined or row.dbos_status not in ("PENDING", "ENQUEUED"):
            return False
        return await self._recover(run_id)

    def take_enqueued(self) -> bool:
        """Take the runs that DBOS's tools have put up, as far as they are for us.

        True if one cannot be taken yet, because its last execution has not quite ended.
        """
        is_early = False
        for run in self._store.enqueued():
            if run.run_id in self._claimed:
                is_early = True
            elif not (self.may(run.run_id) and self._may_take(run.executor_id)):
                continue
            elif self._registry.named(run.workflow) is not None:
                self.spawn(self._recover(run.run_id)).add_done_callback(_noted)
            else:
                self.undefined[run.run_id] = run.workflow
        return is_early

    def may(self, run_id: str) -> bool:
        """Whether this process goes on with a run that nobody has asked it for."""
        return self._only is None or run_id in self._only

    def _may_take(self, executor_id: str | None) -> bool:
        """Whether an enqueued run is ours: its executor is us, nobody, or dead."""
        is_free = executor_id is None or executor_id == self._executor.id
        return is_free or not self._executor.is_alive(executor_id or "")

    async def stop_run(self, run_id: str) -> None:
        """Stop a run of this process without an outcome, and wait for that."""
        while run_id in self._claimed:
            run = self.live.get(run_id)
            if run is not None:
                run.stop(LostOwnershipError(run_id))
            await self.until_changed(1.0)

    def forget(self, run_id: str) -> None:
        """Drop what is known of a run that is deleted."""
        self.problems.pop(run_id, None)
        self.undefined.pop(run_id, None)

    def stop_lost(self) -> None:
        """Stop the live runs that another execution, or DBOS's tools, took away."""
        owners = self._store.owners(self.live)
        for run in list(self.live.values()):
            if owners.get(run.run_id) != run.owner:
                run.stop(LostOwnershipError(run.run_id))

    def check_executor(self, row: RunRow) -> None:
        """Refuse to wait for a run that nobody will go on with.

        Raises:
            StrandedRunError: Its executor is another, and no live process is that.
        """
        executor_id = row.executor_id or ""
        if row.dbos_status != "PENDING" or executor_id == self._executor.id:
            return
        is_open = recorded_end(self._store, row) is None
        if is_open and not self._executor.is_alive(executor_id):
            raise StrandedRunError(row.run_id, executor_id)

    def is_claimed(self, run_id: str) -> bool:
        """Whether this process executes the run, or is about to."""
        return run_id in self._claimed

    async def _recover(self, run_id: str) -> bool:
        if run_id in self._claimed:
            return False
        self._claimed.add(run_id)
        self.undefined.pop(run_id, None)
        self.problems.pop(run_id, None)
        owner = new_owner()
        is_going_on = False
        try:
            row = self._store.run(run_id)
            self._check_recoveries(row)
            before = None if row is None else row.executor_id
            claim = self._store.claim(
                run_id,
                self._executor.id,
                owner,
                instead_of=before if self._may_take(before) else None,
            )
            if await asyncio.wrap_future(claim):
                await self._engine.go_on(run_id, owner)
                is_going_on = True
        except Exception as e:
            # Mostly this is a task of its own: whoever asks for the run must see it.
            self._leave(run_id, None, e)
            raise
        finally:
            if not is_going_on:
                self._claimed.discard(run_id)
        return is_going_on

    def _check_recoveries(self, row: RunRow | None) -> None:
        most = self._engine.max_recoveries
        if row is not None and most is not None and row.recoveries > most:
            raise TooManyRecoveriesError(row.run_id, row.recoveries)

    def recover_defined(self) -> None:
        """Go on with the runs whose workflow, or whose message's class, is defined."""
        for run in self.live.values():
            if run.inbox.is_stuck:
                run.inbox.fetch()
        for run_id, workflow in list(self.undefined.items()):
            if self._registry.named(workflow) is not None:
                del self.undefined[run_id]
                self.spawn(self._recover(run_id)).add_done_callback(_noted)

    # -- execute -------------------------------------------------------------------

    async def execute(self, claim: Claim) -> Json:
        """Bring a run to its end; DBOS records what this returns or raises."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        # Claimed already, unless DBOS gave it out from a queue of the user.
        self._claimed.add(claim.run_id)
        task.add_done_callback(lambda _: self._executed(task, claim.run_id))
        start = self._starts.pop(claim.run_id, None)
        definition = start.definition if start else self._registry.named(claim.workflow)
        if definition is None:
            # Only after this execution has ended can another begin.
            task.add_done_callback(lambda _: self._wait_for(claim))
            raise LeavePending
        execution = Execution(self._session, claim, definition, start)
        run: LiveRun | None = None
        try:
            run = self.live[claim.run_id] = await execution.open()
            run.recorded_by(task)
            self.wake()
            outcome = await execution.carry_out()
        except RESUMABLE as e:
            if not (run and self._has_ended_outside(run, definition, e)):
                self._leave(claim.run_id, run, e)
            raise LeavePending from e
        except Exception as e:
            # Not the workflow's own: those are outcomes, and DBOS would make it one.
            logger.exception("Run %r stands still", claim.run_id)
            self._leave(claim.run_id, run, e)
            raise LeavePending from e
        finally:
            self.live.pop(claim.run_id, None)
            if run is not None:
                run.close()
        run.end(outcome)
        self.wake()
        if outcome.error is not None:
            raise outcome.error
        assert outcome.result is not None
        return definition.codec.event(outcome.result)

    def _wait_for(self, claim: Claim) -> None:
        """Go on with a run once its workflow is defined, which may be by now."""
        self.undefined[claim.run_id] = claim.workflow
        self.recover_defined()

    def _executed(self, task: asyncio.Task[Any], run_id: str) -> None:
        """DBOS has recorded the outcome, or will not: the run is nobody's here."""
        self._tasks.discard(task)
        self._claimed.discard(run_id)
        self.wake()

    def _has_ended_outside(
        self, run: LiveRun, definition: Definition, problem: Exception
    ) -> bool:
        """Whether a run was lost because DBOS's tools have cancelled or deleted it."""
        if not isinstance(problem, LostOwnershipError):
            return False
        row = self._store.run(run.run_id)
        end = None if row is None else recorded_end(self._store, row)
        if row is None:
            run.end(Outcome(error=UnknownRunError(run.run_id)))
        elif end is not None:
            run.end(Outcome.read(end, definition.codec))
        return row is None or end is not None

    def _leave(self, run_id: str, run: LiveRun | None, problem: Exception) -> None:
        self.problems[run_id] = problem
        if run is not None:
            run.end(Outcome(error=problem))
        self.wake()
        logger.warning("%s", problem)

    # -- tasks and waking ----------------------------------------------------------

    async def until_changed(self, timeout_s: float) -> None:
        """Wait until a run of this process begins or ends, or others may have."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_s)

    def wake(self) -> None:
        """Have whoever waits for a change look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do something beside, until `stop`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def spawn_begin(
        self,
        loop: asyncio.AbstractEventLoop,
        run_id: str,
        start: Start,
        inputs: dict[str, Json],
    ) -> Started:
        """Begin a run from whatever loop calls; `loop` is the runtime's."""
        work = self.begin(run_id, start, inputs)
        started: Started
        if asyncio.get_running_loop() is loop:
            started = self.spawn(work)
        else:
            started = asyncio.run_coroutine_threadsafe(work, loop)
        self._starting[run_id] = started
        return started

    async def until_begun(self, run_id: str) -> None:
        """Wait until a run that is being begun here is on disk, or could not be."""
        started = self._starting.get(run_id)
        if started is None:
            return
        if isinstance(started, Future):
            await asyncio.wait([asyncio.wrap_future(started)])
        else:
            await asyncio.wait([started])

    async def stop(self) -> None:
        """Cancel what was spawned and wait for its end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _noted(task: asyncio.Task[bool]) -> None:
    """What went wrong is among the problems, for whoever asks for the run."""
    if not task.cancelled():
        task.exception()
