"""The adapter that a control loop has of its run, on the inside."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from workflows.context.state_store import StateStore
from workflows.events import Event
from workflows.runtime.types.named_task import (
    NamedTask,
    PendingStart,
    PendingWorker,
    PullTask,
    WorkerTask,
    all_tasks,
    pick_highest_priority,
)
from workflows.runtime.types.plugin import (
    InternalRunAdapter,
    WaitForNextTaskResult,
    WaitResult,
    WaitResultTick,
    WaitResultTimeout,
)
from workflows.runtime.types.results import AddCollectedEvent, DeleteCollectedEvent
from workflows.runtime.types.step_id import StepId
from workflows.runtime.types.ticks import TickStepResult, WorkflowTick

from durable_notebook.runtime.live._idle import Idle
from durable_notebook.runtime.live._run import LiveRun

T = TypeVar("T")

# Passes of the event loop that a step body needs from its last statement to its
# result: sends are delivered, their tasks awaited, the worker's task ended.
_PASSES_TO_RETURN = 8

# A bound on how much completes together: what is reduced and not yet on disk is done
# again after a crash, and nothing begins meanwhile.
_MOST_IN_A_TURN = 64


class InternalAdapter(InternalRunAdapter):
    """Journals each turn before the step bodies that follow from it begin."""

    def __init__(self, run: LiveRun, idle: Idle) -> None:
        self._run = run
        self._idle = idle
        self._began: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()
        self._count = 0
        self._passed_over: asyncio.Task[Any] | None = None
        # Keys of bodies whose tasks wait for the commit of this turn.
        self._held: list[str] = []
        self._committed = asyncio.Event()
        # The next message waits for them too, unless it ends the run.
        self._let_in = asyncio.Event()
        # Steps that collect events. Of two bodies of one that are in flight together
        # the library does the second again, on what the first has collected.
        self._collecting: set[StepId] = set()

    @property
    def run_id(self) -> str:
        return self._run.run_id

    async def get_now(self) -> float:
        # The control loop stamps ticks with this before they are journalled.
        return self._run.now()

    async def write_to_event_stream(self, event: Event) -> None:
        self._run.publish(event)

    async def send_event(self, tick: WorkflowTick) -> None:
        self._run.send_inside(tick)

    async def wait_receive(self, timeout_seconds: float | None = None) -> WaitResult:
        try:
            tick = await asyncio.wait_for(self._run.inbox.take(), timeout_seconds)
        except TimeoutError:
            return WaitResultTimeout()
        return WaitResultTick(tick=tick)

    def get_state_store(
        self, namespace: tuple[str, ...] = ()
    ) -> StateStore[Any] | None:
        return None if namespace else self._run.state

    async def on_tick(self, tick: WorkflowTick) -> None:
        self._run.reduced(tick)
        if isinstance(tick, TickStepResult) and any(map(_is_collected, tick.result)):
            self._collecting.add(tick.step_id)

    async def wait_for_next_task(
        self,
        running: list[NamedTask],
        pending: list[PendingStart],
        timeout: float | None = None,  # noqa: ASYNC109 - the library's
    ) -> WaitForNextTaskResult:
        collects = self._hold(pending)
        if not self._held and all(_is_waiting_pull(named) for named in running):
            self._run.note_rest(timeout)
        # What completes together is committed together: with a result at hand, or a
        # message and nothing to start, the turn goes on.
        is_open = not collects and self._run.turn_length < _MOST_IN_A_TURN
        goes_on = is_open and any(named.task.done() for named in running)
        pulls = is_open and not (goes_on or self._held) and self._run.inbox.has_more
        started: list[NamedTask] = []
        try:
            if not (goes_on or pulls):
                await self._commit()
            # The library wants a task of each, so bodies of a turn that goes on are
            # held in theirs. So is the next message: what it means to a body that
            # repeats is known once that has begun.
            started = [self._start(p, is_held=bool(self._held)) for p in pending]
            named = sorted(running + started, key=self._rank)
            if pulls:
                await asyncio.sleep(0)
                if not any(each.task.done() for each in named):
                    await self._commit()
            await self._let_return(named if collects else [])
            completed = await self._next(named, timeout)
        except BaseException:
            # The control loop does not know these yet, and would let them run on.
            for p in () if started else pending:
                p.coro.close()
            for each in started:
                each.task.cancel()
            raise
        return WaitForNextTaskResult(completed, started)

    def _hold(self, pending: list[PendingStart]) -> bool:
        """Note which bodies begin with the commit; whether one of them collects.

        That one begins at once, so that the next has what it collected.
        """
        workers = [p for p in pending if isinstance(p, PendingWorker)]
        self._held += [worker.key for worker in workers]
        return any(worker.step_id in self._collecting for worker in workers)

    async def _commit(self) -> None:
        """Put the turn on disk, then let the bodies begin that waited for it.

        Those of a run that leaves wait for another process to begin them, those of one
        that is paused for somebody who takes it up; if that is a cancellation, nobody.
        """
        is_over = self._is_over()
        if self._held and (self._run.begins_nothing or is_over):
            await self._run.commit([])
            if is_over:
                self._let_in.set()
            return
        await self._run.commit(self._held)
        self._held, self._run.held_back = [], False
        for event in (self._committed, self._let_in):
            event.set()
        self._committed, self._let_in = asyncio.Event(), asyncio.Event()

    def _is_over(self) -> bool:
        """Whether what was held back is for nobody to begin: it has been cancelled."""
        return self._run.held_back and self._run.inbox.is_cancelled

    def _start(self, pending: PendingStart, is_held: bool) -> NamedTask:
        if is_held:
            is_body = isinstance(pending, PendingWorker)
            event = self._committed if is_body else self._let_in
            task = asyncio.create_task(_after(event, pending.coro))
            # One that is cancelled before it begins would never be awaited.
            task.add_done_callback(lambda _: pending.coro.close())
        else:
            task = asyncio.create_task(pending.coro)
        self._count += 1
        self._began[task] = self._count
        return pending.start(task)

    def _rank(self, named: NamedTask) -> tuple[bool, bool, int]:
        """Of bodies that have ended together, the one that began first comes first.

        The library keeps them in a set, so their order would be another at each run.
        One that collects comes before those whose events it may have to collect.
        """
        is_pull = isinstance(named, PullTask)
        return is_pull, not self._collects(named), self._began.get(named.task, 0)

    def _collects(self, named: NamedTask) -> bool:
        return isinstance(named, WorkerTask) and named.step_id in self._collecting

    async def _let_return(self, named: list[NamedTask]) -> None:
        """Give bodies that collect, which mostly wait for nothing, time to return."""
        bodies = [n.task for n in named if self._collects(n)]
        for _ in range(_PASSES_TO_RETURN if bodies else 0):
            if any(task.done() for task in bodies):
                return
            await asyncio.sleep(0)

    async def _next(
        self, named: list[NamedTask], timeout_s: float | None
    ) -> asyncio.Task[Any] | None:
        if self._run.rest_until is not None:
            self._idle.rest(self._run)
        done = await self._at_once(named)
        if not done:
            done = await self._first(set(all_tasks(named)), timeout_s)
        self._idle.move(self._run)
        completed = pick_highest_priority(named, done)
        pulled = next(n.task for n in named if isinstance(n, PullTask))
        if not pulled.done():
            return completed
        result = await _result_of(self._sender_of(pulled), named)
        if result is not None:
            return result
        # Any other tick waits for one result at most: a run of quick steps would
        # never hear that it is cancelled.
        if completed is pulled or self._passed_over is pulled:
            return pulled
        self._passed_over = pulled
        return completed

    async def _at_once(self, named: list[NamedTask]) -> set[asyncio.Task[Any]]:
        """The only body in flight, if it waits for nothing.

        It has returned after one pass of the event loop, and to be told of it takes two
        more. A message leaves them to the body; of several bodies the order would tell.
        """
        bodies = [n.task for n in named if isinstance(n, WorkerTask)]
        if len(bodies) != 1:
            return set()
        await asyncio.sleep(0)
        return {bodies[0]} if bodies[0].done() else set()

    async def _first(
        self, tasks: set[asyncio.Task[Any]], timeout_s: float | None
    ) -> set[asyncio.Task[Any]]:
        """What is done first; nothing if the time is over or a pause is taken back."""
        waits: set[asyncio.Task[Any]] = set()
        if self._held and not self._is_over():
            waits.add(asyncio.create_task(self._run.until_taken_up()))
        try:
            done, _ = await asyncio.wait(
                tasks | waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in waits:
                task.cancel()
        return done - waits

    def _sender_of(self, pulled: asyncio.Task[Any]) -> str | None:
        """The body in flight that sent a tick, if one did."""
        if pulled.cancelled() or pulled.exception() is not None:
            return None
        emission = getattr(pulled.result(), "emission", None)
        if emission is None or self._run.flight.find(emission.invocation_id) is None:
            return None
        sender: str = emission.invocation_id
        return sender


def _is_collected(result: object) -> bool:
    return isinstance(result, (AddCollectedEvent, DeleteCollectedEvent))


def _is_waiting_pull(named: NamedTask) -> bool:
    return isinstance(named, PullTask) and not named.task.done()


async def _after(event: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    await event.wait()
    return await work


async def _result_of(
    sender: str | None, named: list[NamedTask]
) -> asyncio.Task[Any] | None:
    """The result of a body that has returned: it comes before what the body sent.

    Otherwise the receivers of its last sends begin while it counts as in flight, and
    a crash at that moment would run it again although it was done.
    """
    workers = [n.task for n in named if isinstance(n, WorkerTask)]
    for _ in range(0 if sender is None else _PASSES_TO_RETURN):
        await asyncio.sleep(0)
        for task in workers:
            if _invocation_of(task) == sender:
                return task
    return None


def _invocation_of(task: asyncio.Task[Any]) -> str | None:
    """Whose result the task of a body has; None while it has none."""
    if not task.done() or task.cancelled() or task.exception() is not None:
        return None
    invocation: str | None = task.result().invocation_id
    return invocation
