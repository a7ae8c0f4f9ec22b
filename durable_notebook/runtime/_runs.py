"""The runs this process executes: begin, claim, go on, bring to an end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
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
from durable_notebook.runtime._children import parent_of
from durable_notebook.runtime._execution import (
    RESUMABLE,
    Execution,
    Session,
    Start,
)
from durable_notebook.runtime._idle import Idle
from durable_notebook.runtime._live import LiveRun
from durable_notebook.runtime._outcome import Outcome, recorded_end
from durable_notebook.runtime._refusals import Refusals
from durable_notebook.runtime._registry import Definition, Registry
from durable_notebook.runtime._released import Released, RunReleased
from durable_notebook.store import Enqueued, RunRow, Store

T = TypeVar("T")

# So many unfinished runs are looked at in one step of the loop.
_LOOKED_AT_ONCE = 200

# The beginning of a run, for its own loop or for another one.
Started = asyncio.Task[None] | Future[None]

logger = logging.getLogger("durable_notebook")


@dataclass(frozen=True, slots=True)
class Executor:
    """Who executes: its id, the number of this life of it, and who else lives.

    `only` are the runs that it goes on with by itself; None for all that are its own.
    """

    id: str
    session: int
    is_alive: Callable[[str], bool]
    only: Collection[str] | None = None


class Runs:
    """Executes the runs of one executor. Belongs to the runtime's loop.

    A run is in exactly one of these places: `live` (or on its way there or from there:
    `_claimed`), released while it waits (`idle`), waiting for its workflow
    (`undefined`), standing still for a reason (`problems`), or none of this process's
    business.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        store: Store,
        registry: Registry,
        executor: Executor,
        snapshot_every: int,
        idle_timeout_s: float | None,
    ) -> None:
        self.live: dict[str, LiveRun] = {}
        self.problems: dict[str, Exception] = {}
        self.undefined: dict[str, str] = {}
        self.idle = Idle(
            store,
            executor.id,
            timeout_s=idle_timeout_s,
            release=self._release,
            bring_back=self._bring_back,
        )
        self._claimed: set[str] = set()
        self._returning: dict[str, Released] = {}
        self._starts: dict[str, Start] = {}
        self._beginning: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._engine = engine
        self._store = store
        self._registry = registry
        self._executor = executor
        self._session = Session(store, executor.session, snapshot_every)
        self._starting: WeakValueDictionary[str, Started] = WeakValueDictionary()
        self._refusals = Refusals()
        self._changed = asyncio.Event()

    # -- begin and go on -----------------------------------------------------------

    async def begin(self, run_id: str, start: Start, inputs: dict[str, Json]) -> None:
        """Start a run, or attach to the one that has its id; on disk on return."""
        lock = self._beginning.setdefault(run_id, asyncio.Lock())
        async with lock:  # A second call waits until the first has it on disk.
            await self._begin(run_id, start, inputs)

    async def _begin(self, run_id: str, start: Start, inputs: dict[str, Json]) -> None:
        name = start.definition.name
        row = self._store.run(run_id)
        if row is not None and not self._registry.is_called(
            start.definition, row.workflow
        ):
            raise RunIdTakenError(run_id, row.workflow, name)
        if row is not None:
            check_same_start(row, inputs["start"], start.event)
            self.check_executor(row)
            if not self.idle.is_released(run_id):
                await self.resume(run_id)
        elif run_id not in self._claimed:
            self._claimed.add(run_id)
            self._starts[run_id] = start
            is_new = False
            try:
                if self._store.mail(run_id, 0):
                    # To a run of this id that DBOS's tools have deleted: not to this.
                    await asyncio.wrap_future(self._store.sweep())
                parent = parent_of(inputs)
                is_new = await self._engine.start(run_id, name, inputs, parent=parent)
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

    def take_enqueued(self, enqueued: Iterable[Enqueued]) -> bool:
        """Take the runs that DBOS's tools have put up, as far as they are for us.

        True if one cannot be taken yet, because its last execution has not quite ended.
        """
        is_early = False
        for run in enqueued:
            if run.run_id in self._claimed:
                is_early = True
            elif not (self.may(run.run_id) and self._may_take(run.executor_id)):
                continue
            elif self._registry.named(run.workflow) is not None:
                self.idle.take(run.run_id)
                self.spawn(self._recover(run.run_id)).add_done_callback(_noted)
            else:
                self.undefined[run.run_id] = run.workflow
        return is_early

    def may(self, run_id: str) -> bool:
        """Whether this process goes on with a run that nobody has asked it for."""
        only = self._executor.only
        return only is None or run_id in only

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
        self.idle.take(run_id)

    def stop_lost(
        self, runs: Iterable[LiveRun], owners: Mapping[str, str | None]
    ) -> None:
        """Stop the live runs that another execution, or DBOS's tools, took away."""
        for run in runs:
            is_live = self.live.get(run.run_id) is run
            if is_live and owners.get(run.run_id) != run.owner:
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
        self._take(run_id)
        return await self._go_on(run_id)

    def _take(self, run_id: str) -> None:
        """Take a run from wherever it is: it is about to be executed."""
        self._claimed.add(run_id)
        self.undefined.pop(run_id, None)
        self.problems.pop(run_id, None)
        released = self.idle.take(run_id)
        if released is not None:
            self._returning[run_id] = released

    async def _go_on(self, run_id: str) -> bool:
        owner = new_owner()
        is_going_on = False
        is_counted = run_id not in self._returning  # It has not failed, it waited.
        try:
            row = self._store.run(run_id)
            if is_counted:
                self._check_recoveries(row)
            before = None if row is None else row.executor_id
            claim = self._store.claim(
                run_id,
                self._executor.id,
                owner,
                instead_of=before if self._may_take(before) else None,
                is_counted=is_counted,
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
                self._returning.pop(run_id, None)
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
        perhaps_idle: list[str] = []
        for run_id, workflow in list(self.undefined.items()):
            definition = self._registry.named(workflow)
            if definition is None:
                continue
            del self.undefined[run_id]
            if self.idle.is_on and definition.limit is None:
                perhaps_idle.append(run_id)
            else:
                self._begin_again([run_id])
        if perhaps_idle:
            self.spawn(self._begin_unless_idle(perhaps_idle))

    async def _begin_unless_idle(self, run_ids: list[str]) -> None:
        """Go on with the runs that have something to do, some at a time."""
        for n in range(0, len(run_ids), _LOOKED_AT_ONCE):
            some = run_ids[n : n + _LOOKED_AT_ONCE]
            unclaimed = [run_id for run_id in some if run_id not in self._claimed]
            self._begin_again(self.idle.left(unclaimed))
            await asyncio.sleep(0)

    def _begin_again(self, run_ids: list[str]) -> None:
        for run_id in run_ids:
            self.spawn(self._recover(run_id)).add_done_callback(_noted)

    def _release(self, run: LiveRun) -> None:
        """Begin to end a run that is at rest; from here on nobody finds it live."""
        self.live.pop(run.run_id, None)
        run.stop(RunReleased())

    def _bring_back(self, run_id: str) -> None:
        if run_id not in self._claimed:
            self._take(run_id)
            self.spawn(self._go_on(run_id)).add_done_callback(_noted)

    def recover_refused(self) -> None:
        """Go on with the runs that the database has stopped, as it is there again."""
        for run_id in self._refusals.due(self.problems):
            self.spawn(self._recover(run_id)).add_done_callback(_noted)

    # -- execute -------------------------------------------------------------------

    async def execute(self, claim: Claim) -> Json:
        """Bring a run to its end; DBOS records what this returns or raises."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        # Claimed already, unless DBOS gave it out from a queue of the user.
        self._claimed.add(claim.run_id)
        self.idle.take(claim.run_id)
        task.add_done_callback(lambda _: self._executed(task, claim.run_id))
        start = self._starts.pop(claim.run_id, None)
        back = self._returning.pop(claim.run_id, None)
        definition = self._definition(claim, start, back)
        if definition is None:
            # Only after this execution has ended can another begin.
            task.add_done_callback(lambda _: self._wait_for(claim))
            raise LeavePending
        execution = Execution(self._session, claim, definition, start, back)
        run: LiveRun | None = None
        try:
            run = self.live[claim.run_id] = await execution.open()
            run.recorded_by(task)
            self.wake()
            outcome = await execution.carry_out()
        except RunReleased:
            assert run is not None
            self.idle.leaves(run, definition, task)
            raise LeavePending from None
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
                self.idle.move(run)
        run.end(outcome)
        self.wake()
        if outcome.error is not None:
            raise outcome.error
        assert outcome.result is not None
        return definition.codec.event(outcome.result)

    def _definition(
        self, claim: Claim, start: Start | None, released: Released | None
    ) -> Definition | None:
        """What a run is executed with: what it began with here, else today's."""
        if start is not None:
            return start.definition
        kept = None if released is None else released.definition
        return kept or self._registry.named(claim.workflow)

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
        if self._refusals.is_news(problem):
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
        self.idle.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _noted(task: asyncio.Task[bool]) -> None:
    """What went wrong is among the problems, for whoever asks for the run."""
    if not task.cancelled():
        task.exception()
