"""The runs this process executes: begin, claim, go on, bring to an end."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from workflows.events import Event, StopEvent
from workflows.runtime.types.internal_state import BrokerState

from durable_notebook._model import Json
from durable_notebook.engine import Claim, Engine, LeavePending, new_owner
from durable_notebook.errors import (
    DamagedJournalError,
    LostOwnershipError,
    ReplayMismatchError,
    RunIdTakenError,
    StorageError,
    UnknownRunError,
    UnstorableValueError,
)
from durable_notebook.runtime._flight import current_invocation
from durable_notebook.runtime._live import LiveRun
from durable_notebook.runtime._outcome import Outcome
from durable_notebook.runtime._registry import Definition, Registry, current_run
from durable_notebook.runtime._restore import restore
from durable_notebook.store import Store

T = TypeVar("T")

logger = logging.getLogger("durable_notebook")

# What stops a run without ending it: it is resumable once the cause is gone.
_RESUMABLE = (
    StorageError,
    LostOwnershipError,
    ReplayMismatchError,
    UnstorableValueError,
)


@dataclass(frozen=True, slots=True)
class Start:
    """A run begun in this process: what DBOS's row cannot carry to its execution."""

    definition: Definition
    context: contextvars.Context
    tags: dict[str, Any]


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
        executor_id: str,
        session: int,
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
        self._executor_id = executor_id
        self._session = session
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
        if row is not None and row.workflow != name:
            raise RunIdTakenError(run_id, row.workflow, name)
        if row is not None:
            await self.resume(run_id)
        elif run_id not in self._claimed:
            self._claimed.add(run_id)
            self._starts[run_id] = start
            is_new = False
            try:
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
        if not is_defined or row.dbos_status != "PENDING":
            return False
        return await self._recover(run_id)

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
            claim = self._store.claim(run_id, self._executor_id, owner)
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

    def recover_defined(self) -> None:
        """Go on with the runs whose workflow, or whose message's class, is defined."""
        for run in self.live.values():
            run.inbox.fetch()
        for run_id, workflow in list(self.undefined.items()):
            if self._registry.named(workflow) is not None:
                del self.undefined[run_id]
                self.spawn(self._recover(run_id))

    # -- execute -------------------------------------------------------------------

    async def execute(self, claim: Claim) -> Json:
        """Bring a run to its end; DBOS records what this returns or raises."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._executed(task, claim.run_id))
        start = self._starts.pop(claim.run_id, None)
        definition = start.definition if start else self._registry.named(claim.workflow)
        if definition is None:
            self.undefined[claim.run_id] = claim.workflow
            raise LeavePending
        run: LiveRun | None = None
        try:
            entries = await asyncio.to_thread(self._store.entries, claim.run_id)
            restored = restore(claim.run_id, definition, claim.inputs, entries)
            run = self.live[claim.run_id] = LiveRun(
                claim.run_id,
                owner=claim.owner,
                session=self._session,
                journal=self._store,
                codec=definition.codec,
                restored=restored,
            )
            run.recorded_by(task)
            self._wake()
            if restored.end is not None:
                outcome = Outcome.read(restored.end, definition.codec)
            else:
                outcome = await self._drive(
                    run, definition, claim, start, restored.state
                )
        except _RESUMABLE as e:
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
        self._wake()
        if outcome.error is not None:
            raise outcome.error
        assert outcome.result is not None
        return definition.codec.event(outcome.result)

    def _executed(self, task: asyncio.Task[Any], run_id: str) -> None:
        """DBOS has recorded the outcome, or will not: the run is nobody's here."""
        self._tasks.discard(task)
        self._claimed.discard(run_id)
        self._wake()

    async def _drive(
        self,
        run: LiveRun,
        definition: Definition,
        claim: Claim,
        start: Start | None,
        state: BrokerState,
    ) -> Outcome:
        # Outside DBOS's own context: what a step body calls of DBOS is its own
        # affair and takes no position of this journal.
        context = start.context if start else contextvars.Context()
        tags = start.tags if start else {}
        work = self._control_loop(run, definition, claim, tags, state)
        try:
            result = await asyncio.create_task(work, context=context)
        except _RESUMABLE:
            raise
        except Exception as e:
            outcome = Outcome(error=e)
        else:
            outcome = Outcome(result=result)
        await run.finish(outcome)
        return outcome

    async def _control_loop(
        self,
        run: LiveRun,
        definition: Definition,
        claim: Claim,
        tags: dict[str, Any],
        state: BrokerState,
    ) -> StopEvent:
        current_run.set(run)
        current_invocation.set(None)
        start_event: Event | None = None
        if run.resumed_from == 0 and claim.inputs.get("start") is not None:
            try:
                start_event = definition.codec.read_event(claim.inputs["start"])
            except ValueError as e:
                raise ReplayMismatchError(run.run_id, 0, str(e)) from e
        run.open()
        function = definition.registered.workflow_run_fn
        async with definition.limit or contextlib.nullcontext():
            return await function(state, start_event, tags)  # type: ignore[arg-type]

    def _leave(self, run_id: str, run: LiveRun | None, problem: Exception) -> None:
        self.problems[run_id] = problem
        if run is not None:
            run.end(Outcome(error=problem))
        self._wake()
        logger.warning("%s", problem)

    # -- tasks and waking ----------------------------------------------------------

    async def until_changed(self, timeout_s: float) -> None:
        """Wait until a run of this process begins or ends, or others may have."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_s)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do something beside, until `stop`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """Cancel what was spawned and wait for its end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
