"""The runs this process executes: begin, claim, go on, bring to an end.

Long, because all the ways of a run from place to place are to be read in one file.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from durable_notebook._model import Json
from durable_notebook.engine import Claim, Engine, LeavePending, new_owner
from durable_notebook.errors import (
    LostOwnershipError,
    StorageError,
    TooManyRecoveriesError,
    UnknownRunError,
)
from durable_notebook.runtime.codec._outcome import Outcome
from durable_notebook.runtime.live._execution import (
    RESUMABLE,
    Execution,
    Session,
    Start,
)
from durable_notebook.runtime.live._idle import Idle
from durable_notebook.runtime.live._released import Released, RunReleased
from durable_notebook.runtime.live._run import LiveRun
from durable_notebook.runtime.process._beginnings import Beginnings, Started
from durable_notebook.runtime.process._executor import Executor, Look
from durable_notebook.runtime.process._line import Line
from durable_notebook.runtime.process._loops import read_beside
from durable_notebook.runtime.process._pausing import Pausing
from durable_notebook.runtime.process._places import Places
from durable_notebook.runtime.process._problems import Problems
from durable_notebook.runtime.process._takeover import ended_outside
from durable_notebook.runtime.process._tasks import Tasks
from durable_notebook.runtime.process._undefined import Undefined
from durable_notebook.runtime.recovery._registry import Definition, Registry
from durable_notebook.runtime.state._meter import Meter, Readings
from durable_notebook.store import Enqueued, RunRow, Store

T = TypeVar("T")

# So many unfinished runs are looked at in one step of the loop.
_LOOKED_AT_ONCE = 200

logger = logging.getLogger("durable_notebook")


class Runs(Tasks):
    """Executes the runs of one executor. Belongs to the runtime's loop.

    A run is in exactly one of these places: `live` (or on its way there or from there:
    `_claimed`), released while it waits (`idle`), waiting for its workflow
    (`undefined`) or for a place (`line`), paused (`pausing`), standing still for some
    reason (`problems`), or none of this process's business. Each place is a module; the
    ways between them are here, all of them, because a run must never be in two.
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
        super().__init__()
        self.live: dict[str, LiveRun] = {}
        self.problems = Problems(executor.id)
        self.undefined = Undefined(registry)
        self.idle = Idle(
            store,
            executor.id,
            timeout_s=idle_timeout_s,
            release=self.release,
            bring_back=self._bring_back,
        )
        self.pausing = Pausing(
            store,
            self.live,
            spawn=self.spawn,
            release=self.release,
            bring_back=self._take_up,
        )
        self._claimed: set[str] = set()
        self._returning: dict[str, Released] = {}
        self._engine = engine
        self._store = store
        self._registry = registry
        self.executor = executor
        self._session = Session(store, executor.session, executor.id, snapshot_every)
        self._places = Places(registry.limit, self._enter)
        self.beginnings = Beginnings(
            engine=engine,
            registry=registry,
            executor=executor,
            places=self._places,
            claimed=self._claimed,
            attach=self._attach,
        )
        self.line = Line(
            places=self._places,
            beginnings=self.beginnings,
            engine=engine,
            store=store,
            executor_id=executor.id,
            wake=self.wake,
        )

    # -- begin and go on -----------------------------------------------------------

    async def _attach(self, row: RunRow) -> None:
        """Go on with a run that somebody has asked to begin, and that is there."""
        self.executor.check_goes_on(row)
        if not self.idle.is_released(row.run_id):
            await self._resume(row)

    @property
    def is_draining(self) -> bool:
        """Whether runs leave this process, and none comes in."""
        return self.beginnings.are_over

    async def resume(self, run_id: str) -> bool:
        """Go on with an unfinished run of this executor that is not running.

        False where there is nothing to do here: the run is live or has ended, belongs
        to another executor, or waits for its workflow to be defined or for a place.
        """
        row = await read_beside(self._store, self._store.run, run_id)
        if row is None:
            self.problems.forget(run_id)
            raise UnknownRunError(run_id)
        return await self._resume(row)

    async def _resume(self, row: RunRow) -> bool:
        """Go on with a run as its row, just read, says."""
        run_id = row.run_id
        if run_id in self.live:
            # It may stand still for a message whose class is defined by now.
            self.live[run_id].inbox.fetch()
        is_defined = self._registry.named(row.workflow) is not None
        if row.dbos_status not in ("PENDING", "ENQUEUED"):
            return False
        if not is_defined:
            if self.executor.goes_on_with(row) and not row.is_paused:
                # Known at once, as the watch may not have seen yet that it is ours.
                self.undefined.add(run_id, row.workflow)
            return False
        if run_id in self._claimed:
            return False
        if not self.executor.goes_on_with(row):
            self.problems.forget(run_id)  # It goes on elsewhere.
            return False
        return self._admit(run_id, row.workflow) and await self._recover(run_id, row)

    def take_enqueued(self, enqueued: Iterable[Enqueued]) -> bool:
        """Take the runs that DBOS's tools have put up, as far as they are for us.

        And those that wait for a place, or were given to this executor. True if one
        cannot be taken yet, because its last execution has not quite ended, or it is
        just being begun.
        """
        is_early = False
        if self.executor.problem() is not None:
            return False
        given, look = [], Look(self.executor, self.problems.tell)
        for run in enqueued:
            if self.line.is_waiting(run.run_id):
                continue
            if run.run_id in self._claimed or self.beginnings.is_beginning(run.run_id):
                is_early = True
            elif look.may_take(run):
                self.idle.take(run.run_id)
                self.undefined.add(run.run_id, run.workflow)
                if run.is_reassigned and self._registry.named(run.workflow) is not None:
                    given.append(run.run_id)
        if given:  # Whoever only waits is left out of memory, and so is not claimed.
            self._store.take_reassigned(given, self.executor.id)
        # Together with those that were executed before: they are the first.
        self.recover_defined()
        return is_early

    def is_in_line(self, run_id: str) -> bool:
        """Whether a run waits for a place, or has waited and is not live yet."""
        if self.line.is_waiting(run_id):
            return True
        is_on_its_way = run_id in self._claimed and run_id not in self.live
        return is_on_its_way and self.line.has_waited(run_id)

    async def until_taken(self, run_id: str) -> None:
        """Wait until a run that is being restored is live, or stands still."""
        while run_id in self._claimed and run_id not in self.live:
            await self.until_changed(1.0)

    async def stop_run(self, run_id: str) -> None:
        """Stop a run of this process without an outcome, and wait for that."""
        while run_id in self._claimed:
            run = self.live.get(run_id)
            if run is not None:
                run.stop(LostOwnershipError(run_id))
            await self.until_changed(1.0)

    def forget(self, run_id: str) -> None:
        """Drop what is known of a run that is deleted."""
        self.line.leave(run_id)
        self.problems.forget(run_id)
        self.undefined.forget(run_id)
        self.pausing.forget(run_id)
        self.idle.take(run_id)

    def stop_lost(
        self, runs: Iterable[LiveRun], owners: Mapping[str, str | None]
    ) -> None:
        """Stop the live runs that another execution, or DBOS's tools, took away."""
        for run in runs:
            is_live = self.live.get(run.run_id) is run
            if is_live and owners.get(run.run_id) != run.owner:
                run.stop(LostOwnershipError(run.run_id))

    @property
    def executes_any(self) -> bool:
        """Whether this process executes a run, or is about to."""
        return bool(self._claimed)

    @property
    def holds_any(self) -> bool:
        """Whether a run of this process is in memory, or waits out of it."""
        return bool(self.live) or self.idle.has_released or self.pausing.has_parked

    def is_claimed(self, run_id: str) -> bool:
        """Whether this process executes the run, or is about to."""
        return run_id in self._claimed

    async def _recover(self, run_id: str, row: RunRow | None = None) -> bool:
        """Go on with a run; `row` is that of it, if it was just read."""
        if run_id in self._claimed or self.is_draining:
            return False
        self._take(run_id)
        return await self._go_on(run_id, row)

    def _take(self, run_id: str) -> None:
        """Take a run from wherever it is: it is about to be executed."""
        self._claimed.add(run_id)
        self.undefined.forget(run_id)
        self.problems.forget(run_id)
        self.pausing.forget(run_id)
        released = self.idle.take(run_id)
        if released is not None:
            self._returning[run_id] = released

    async def _go_on(self, run_id: str, row: RunRow | None = None) -> bool:
        is_going_on = False
        try:
            is_going_on = await self._claim(run_id, row)
        except Exception as e:
            # Mostly this is a task of its own: whoever asks for the run must see it.
            if not self._waits_again(run_id, e):
                self._leave(run_id, None, e)
            raise
        finally:
            if not is_going_on:
                self._claimed.discard(run_id)
                self._returning.pop(run_id, None)
                if not self.line.is_waiting(run_id):
                    self._places.leave(run_id)
        return is_going_on

    async def _claim(self, run_id: str, row: RunRow | None) -> bool:
        """Claim a run and have it executed; False if it is not for this process."""
        if self.executor.problem() is not None:
            return False  # It is another's, or will go on here by itself.
        if row is None:
            row = await read_beside(self._store, self._store.run, run_id)
        if row is not None and row.is_paused:
            self.pausing.park(run_id, row.workflow)
            return False
        is_counted = run_id not in self._returning  # It has not failed, it waited.
        if is_counted:
            self._check_recoveries(row)
        owner, before = new_owner(), None if row is None else row.executor_id
        claim = self._store.claim(
            run_id,
            self.executor.id,
            owner,
            instead_of=before if self.executor.is_free(before) else None,
            is_counted=is_counted,
        )
        is_claimed = await asyncio.wrap_future(claim)
        if is_claimed:
            await self._engine.go_on(run_id, owner)
        return is_claimed

    def _waits_again(self, run_id: str, problem: Exception) -> bool:
        """Have a run wait for its place again that the database kept out.

        Who waits is not concerned that the database is away: the next look at it that
        succeeds lets in whoever is next. Otherwise all would be tried, one by one.
        """
        if type(problem) is not StorageError or not self._places.put_back(run_id):
            return False
        self.problems.tell(problem, run_id)
        return True

    def _admit(self, run_id: str, workflow: str) -> bool:
        """Give a run a place, or have it wait for one: mostly there is one."""
        has_place = self._places.take(run_id, self._registry.today(workflow))
        if not has_place:
            self.problems.forget(run_id)
        return has_place

    def _enter(self, run_id: str) -> None:
        """Go on with a run that has waited for a place, once it is on disk."""

        async def enter() -> bool:
            async with self.beginnings.lock(run_id):
                return await self._recover(run_id)

        self.spawn(enter()).add_done_callback(_noted)

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
        for run_id, workflow, definition in self.undefined.take_defined():
            if self.idle.is_on and definition.limit is None:
                perhaps_idle.append(run_id)
            elif run_id not in self._claimed and self._admit(run_id, workflow):
                self._begin_again([run_id])
        if perhaps_idle:
            self.spawn(self._begin_unless_idle(perhaps_idle))
        self._places.fill_all()  # There may be more of them than before.

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

    def release(self, run: LiveRun) -> None:
        """Begin to end a run that is recorded; from here on nobody finds it live."""
        self.live.pop(run.run_id, None)
        run.stop(RunReleased())

    def _bring_back(self, run_id: str) -> None:
        if run_id not in self._claimed and not self.is_draining:
            self._take(run_id)
            self.spawn(self._go_on(run_id)).add_done_callback(_noted)

    def _take_up(self, run_id: str, workflow: str) -> None:
        """Go on with a run that was paused, as with one that a launch has found."""
        self.undefined.add(run_id, workflow)
        self.recover_defined()

    def recover_refused(self) -> None:
        """Go on with the runs that the database has stopped, as it is there again."""
        for run_id in self.problems.due():
            self.spawn(self.resume(run_id)).add_done_callback(_noted)

    # -- execute -------------------------------------------------------------------

    async def execute(self, claim: Claim) -> Json:
        """Bring a run to its end; DBOS records what this returns or raises."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        # Claimed already, unless DBOS gave it out from a queue of the user.
        self._claimed.add(claim.run_id)
        self.idle.take(claim.run_id)
        self._places.hold(claim.run_id, self._registry.today(claim.workflow))
        task.add_done_callback(lambda _: self._executed(task, claim.run_id))
        start = self.beginnings.take(claim.run_id)
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
            run.is_leaving = self.is_draining
            self.wake()
            outcome = await execution.carry_out()
        except RunReleased:
            assert run is not None
            self._leaves(run, definition, task)
            raise LeavePending from None
        except RESUMABLE as e:
            if not (run and ended_outside(self._store, run, definition.codec, e)):
                self._leave(claim.run_id, run, e)
            raise LeavePending from e
        except Exception as e:
            # Not the workflow's own: those are outcomes, and DBOS would make it one.
            self.problems.tell_unforeseen(claim.run_id, run)
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

    def _leaves(
        self, run: LiveRun, definition: Definition, task: asyncio.Task[Any]
    ) -> None:
        """Note why a run is out of memory, once its last task has ended."""
        if run.is_paused and not run.is_leaving:
            self.pausing.leaves(run, task)
        else:
            self.idle.leaves(run, definition, task)

    def _definition(
        self, claim: Claim, start: Start | None, released: Released | None
    ) -> Definition | None:
        """What a run is executed with: what it began with here, else today's."""
        if start is not None:
            return start.definition
        kept = None if released is None else released.definition
        origin = claim.inputs.get("origin")
        return kept or self._registry.of_run(claim.workflow, origin)

    def _wait_for(self, claim: Claim) -> None:
        """Go on with a run once its workflow is defined, which may be by now."""
        self.undefined.add_claimed(claim)
        self.recover_defined()

    def _executed(self, task: asyncio.Task[Any], run_id: str) -> None:
        """DBOS has recorded the outcome, or will not: the run is nobody's here."""
        self._tasks.discard(task)
        self._claimed.discard(run_id)
        self._places.leave(run_id)
        self.wake()

    def _leave(self, run_id: str, run: LiveRun | None, problem: Exception) -> None:
        """Leave a run where it is: it stands still, and whoever waits hears why."""
        self.problems.note(run_id, problem, run)
        if run is not None:
            run.end(Outcome(error=problem))
        self.wake()

    # -- for whoever shows it ------------------------------------------------------

    def readings(self) -> Readings:
        """What this process does; bodies and commits are counted from the first on."""
        meter = self._session.meter
        if meter is None:
            meter = self._session.meter = Meter()
            for run in self.live.values():
                run.meter = meter
        return Readings(
            executor_id=self.executor.id,
            session=self._session.number,
            in_flight=sum(len(run.flight.running()) for run in self.live.values()),
            live=len(self.live),
            released=self.idle.count,
            meter=meter,
        )

    # -- from other loops, and the end ---------------------------------------------

    def spawn_begin(
        self,
        loop: asyncio.AbstractEventLoop,
        run_id: str,
        start: Start,
        inputs: dict[str, Json],
    ) -> Started:
        """Begin a run from whatever loop calls; `loop` is the runtime's."""
        work = self.beginnings.begin(run_id, start, inputs)
        started: Started
        if asyncio.get_running_loop() is loop:
            started = self.spawn(work)
        else:
            started = asyncio.run_coroutine_threadsafe(work, loop)
        self.beginnings.note(run_id, started)
        return started

    async def stop(self) -> None:
        """Cancel what was spawned and wait for its end."""
        self.idle.close()
        self._places.close()
        await super().stop()


def _noted(task: asyncio.Task[bool]) -> None:
    """What went wrong is among the problems, for whoever asks for the run."""
    if not task.cancelled():
        task.exception()
