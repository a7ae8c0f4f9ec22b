"""`DBOSRuntime`: workflows whose every turn is on disk before its effects."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import logging
from collections.abc import AsyncGenerator, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from llama_index_instrumentation import get_dispatcher
from workflows import Workflow
from workflows.context.serializers import BaseSerializer
from workflows.events import Event, StartEvent, StopEvent
from workflows.runtime.types.internal_state import BrokerState
from workflows.runtime.types.plugin import (
    ExternalRunAdapter,
    InternalRunAdapter,
    RegisteredWorkflow,
    Runtime,
)
from workflows.runtime.types.ticks import WorkflowTick

from durable_notebook._config import Durability, Settings, sqlite_path
from durable_notebook._entry import Entry
from durable_notebook._model import Json
from durable_notebook.engine import (
    Claim,
    Engine,
    ExecutorLock,
    LeavePending,
    choose_executor,
    new_owner,
)
from durable_notebook.errors import (
    LostOwnershipError,
    NotLaunchedError,
    ReplayMismatchError,
    RunFinishedError,
    RunIdTakenError,
    StorageError,
    UnknownRunError,
    UnstorableValueError,
)
from durable_notebook.runtime._checks import check_run_id
from durable_notebook.runtime._codec import ClosedJsonSerializer, Codec
from durable_notebook.runtime._external import ExternalAdapter
from durable_notebook.runtime._flight import current_invocation
from durable_notebook.runtime._internal import InternalAdapter
from durable_notebook.runtime._live import LiveRun, Outcome
from durable_notebook.runtime._registry import Definition, Registry, current_run
from durable_notebook.runtime._restore import first_inputs, restore
from durable_notebook.store import Store, open_store

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
class _Start:
    """A run begun in this process: what DBOS's row cannot carry to its execution."""

    definition: Definition
    context: contextvars.Context
    tags: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Open:
    """The parts of a launched runtime."""

    engine: Engine
    store: Store
    lock: ExecutorLock
    journal: Path
    session: int
    loop: asyncio.AbstractEventLoop


class DBOSRuntime(Runtime):
    """Run workflows durably: give it to a workflow as `runtime=`.

    A step whose turn is committed never runs again; `ctx.store`, the event stream,
    consumed messages and step results are in one commit. Launch it on the event loop
    on which its workflows run. Constructing it opens nothing.

    Args:
        settings: Everything at once; the keywords below are for the usual ones.
        database_url: `sqlite:///file`. Left out, the database of the
            `DBOS(config=...)` the program has constructed.
        executor_id: Who owns the runs of this process; DBOS's own (`local`) if left
            out. One executor lives in one process at a time.
        durability: "full", or "normal" to trade the last turns at a power cut for
            speed. A crash of the process loses nothing in either.
        default_serializer: For workflows that name none. The default resolves
            declared and already loaded classes only, and never unpickles.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        database_url: str | None = None,
        executor_id: str | None = None,
        durability: Durability = "full",
        default_serializer: BaseSerializer | None = None,
    ) -> None:
        super().__init__(
            default_serializer=default_serializer or ClosedJsonSerializer()
        )
        self._settings = settings or Settings(
            database_url=database_url, executor_id=executor_id, durability=durability
        )
        self._parts: _Open | None = None
        self._registry = Registry(lambda wf: Codec(self.get_serializer(wf)))
        self._live: dict[str, LiveRun] = {}
        self._starts: dict[str, _Start] = {}
        self._problems: dict[str, Exception] = {}
        self._unclaimed: dict[str, str] = {}
        self._claimed: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    # -- life --------------------------------------------------------------------

    async def launch(self) -> None:
        """Open the journal and go on with this executor's unfinished runs.

        A run whose workflow is not constructed yet goes on as soon as it is. The
        tables exist and the workflows are registered when this returns.

        Raises:
            ConfigError: No database, two databases, or DBOS launched already.
            ExecutorInUseError: Another live process is this executor.
            StorageError: The database cannot be opened.
        """
        if self._parts is not None:
            return
        self._parts = self._open(asyncio.get_running_loop())
        self._changed = asyncio.Event()
        await super().launch()
        self._unclaimed = self.store.unfinished(self.executor_id)
        self._spawn(self._watch())
        self._recover_defined()

    def _open(self, loop: asyncio.AbstractEventLoop) -> _Open:
        engine = Engine(self._settings, self._execute)
        url, executor_id = engine.locate()
        journal = sqlite_path(url)
        store = open_store(url, self._settings)
        lock: ExecutorLock | None = None
        try:
            if executor_id is None and self._settings.notebook is not None:
                lock = choose_executor(store, journal, self._settings.notebook)
            else:
                lock = ExecutorLock.take(journal, executor_id or "local")
            session = store.begin_session(lock.executor_id)
            engine.launch(url, lock.executor_id, store)
        except BaseException:
            engine.close()
            if lock is not None:
                lock.release()
            store.close()
            raise
        return _Open(engine, store, lock, journal, session, loop)

    async def destroy(self) -> None:
        """Stop at once. Unfinished runs stay resumable; a launch goes on with them."""
        parts = self._parts
        if parts is None:
            return
        await super().destroy()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.abandon()

    def abandon(self) -> None:
        """Drop everything in memory as a kill would, from any thread.

        Nothing is written and no task is told: the event loop must not run again.
        """
        parts, self._parts = self._parts, None
        self._launched = False
        if parts is not None:
            parts.store.close()
            parts.engine.close()
            parts.lock.release()
        self._live.clear()

    async def __aenter__(self) -> Self:
        await self.launch()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.destroy()

    # -- what is open ------------------------------------------------------------

    @property
    def _opened(self) -> _Open:
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
        return self._opened.session

    def live(self, run_id: str) -> LiveRun | None:
        """The run, if this process is executing it."""
        return self._live.get(run_id)

    def problem(self, run_id: str) -> Exception | None:
        """Why this process does not execute an unfinished run of its own."""
        return self._problems.get(run_id)

    def undefined(self) -> dict[str, str]:
        """Run id to workflow name of the runs that wait for their workflow."""
        return dict(self._unclaimed)

    def origin(self, run_id: str) -> str | None:
        """The variable that held the workflow where the run was started, if one did."""
        row = self.store.run(run_id)
        if row is None:
            raise UnknownRunError(run_id)
        origin = row.input.get("origin")
        return None if origin is None else str(origin)

    def is_executor_alive(self, executor_id: str) -> bool:
        """Whether a live process is this executor."""
        if executor_id == self.executor_id:
            return True
        return ExecutorLock.is_held(self._opened.journal, executor_id)

    # -- workflows ---------------------------------------------------------------

    def track_workflow(self, workflow: Workflow) -> None:
        if self._parts is None:
            super().track_workflow(workflow)
        else:
            # Runs of this name may wait for it; they begin once it is constructed.
            self.loop.call_soon_threadsafe(self.register, workflow)

    def register(self, workflow: Workflow) -> RegisteredWorkflow:
        return self.define(workflow).registered

    def define(self, workflow: Workflow, origin: str | None = None) -> Definition:
        """Make an instance today's definition of its name, on the runtime's loop.

        Runs that waited for the name go on.
        """
        definition = self._registry.add(workflow, origin)
        self._opened.engine.register(definition.name)
        self.loop.call_soon(self._recover_defined)
        return definition

    def get_registered(self, workflow: Workflow) -> RegisteredWorkflow | None:
        definition = self._registry.of(workflow)
        return None if definition is None else definition.registered

    def definition(self, name: str) -> Definition | None:
        """Today's definition of a workflow name."""
        return self._registry.named(name)

    # -- runs --------------------------------------------------------------------

    def run_workflow(
        self,
        run_id: str,
        workflow: Workflow,
        init_state: BrokerState,
        start_event: StartEvent | None = None,
        serialized_state: dict[str, Any] | None = None,
        serializer: BaseSerializer | None = None,  # noqa: ARG002
    ) -> ExternalRunAdapter:
        check_run_id(run_id)
        definition = self._registry.of(workflow) or self.define(workflow)
        start = None if start_event is None else definition.codec.event(start_event)
        inputs = first_inputs(definition, start, init_state, serialized_state)
        begin = _Start(
            definition,
            contextvars.copy_context(),
            get_dispatcher().capture_propagation_context(),
        )
        return ExternalAdapter(
            self, run_id, self._spawn(self._begin(run_id, begin, inputs))
        )

    async def _begin(self, run_id: str, start: _Start, inputs: dict[str, Json]) -> None:
        """Start a run, or attach to the one that has its id."""
        name = start.definition.name
        row = self.store.run(run_id)
        if row is not None and row.workflow != name:
            raise RunIdTakenError(run_id, row.workflow, name)
        if row is not None:
            await self.resume(run_id)
        elif run_id not in self._claimed:
            self._claimed.add(run_id)
            self._starts[run_id] = start
            try:
                await self._opened.engine.start(run_id, name, inputs)
            except BaseException:
                self._claimed.discard(run_id)
                raise

    async def started(self, run_id: str, adapter: ExternalRunAdapter) -> None:
        """Wait until a run begun by `run_workflow` is on disk, or attached to.

        Raises:
            RunIdTakenError, StorageError: It could not be begun.
        """
        assert isinstance(adapter, ExternalAdapter)
        assert adapter.run_id == run_id
        await adapter.started()

    async def resume(self, run_id: str) -> bool:
        """Go on with an unfinished run of this executor that is not running.

        False where there is nothing to do here: the run is live or has ended,
        belongs to another executor, or waits for its workflow to be defined.
        """
        row = self.store.run(run_id)
        if row is None:
            raise UnknownRunError(run_id)
        is_defined = self._registry.named(row.workflow) is not None
        if not is_defined or row.dbos_status != "PENDING":
            return False
        return await self._recover(run_id)

    async def _recover(self, run_id: str) -> bool:
        if run_id in self._claimed:
            return False
        self._claimed.add(run_id)
        self._unclaimed.pop(run_id, None)
        self._problems.pop(run_id, None)
        owner = new_owner()
        claim = self.store.claim(run_id, self.executor_id, owner)
        if await asyncio.wrap_future(claim):
            await self._opened.engine.go_on(run_id, owner)
            return True
        self._claimed.discard(run_id)
        return False

    def _recover_defined(self) -> None:
        for run_id, workflow in list(self._unclaimed.items()):
            if self._registry.named(workflow) is not None:
                del self._unclaimed[run_id]
                self._spawn(self._recover(run_id))

    # -- execution ---------------------------------------------------------------

    async def _execute(self, claim: Claim) -> Json:
        """Bring a run to its end; DBOS records what this returns or raises."""
        start = self._starts.pop(claim.run_id, None)
        definition = start.definition if start else self._registry.named(claim.workflow)
        if definition is None:
            self._unclaimed[claim.run_id] = claim.workflow
            self._claimed.discard(claim.run_id)
            raise LeavePending
        run: LiveRun | None = None
        try:
            entries = await asyncio.to_thread(self.store.entries, claim.run_id)
            restored = restore(claim.run_id, definition, claim.inputs, entries)
            run = self._live[claim.run_id] = LiveRun(
                claim.run_id,
                owner=claim.owner,
                session=self.session,
                journal=self.store,
                codec=definition.codec,
                restored=restored,
            )
            run.recorded_by(asyncio.current_task())
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
        finally:
            self._live.pop(claim.run_id, None)
            self._claimed.discard(claim.run_id)
        run.end(outcome)
        self._wake()
        if outcome.error is not None:
            raise outcome.error
        assert outcome.result is not None
        return definition.codec.event(outcome.result)

    async def _drive(
        self,
        run: LiveRun,
        definition: Definition,
        claim: Claim,
        start: _Start | None,
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
            start_event = definition.codec.read_event(claim.inputs["start"])
        run.fetch_mail()
        function = definition.registered.workflow_run_fn
        async with definition.limit or contextlib.nullcontext():
            return await function(state, start_event, tags)  # type: ignore[arg-type]

    def _leave(self, run_id: str, run: LiveRun | None, problem: Exception) -> None:
        self._problems[run_id] = problem
        if run is not None:
            run.end(Outcome(error=problem))
        self._wake()
        logger.warning("%s", problem)

    def get_internal_adapter(self, workflow: Workflow) -> InternalRunAdapter:  # noqa: ARG002
        run = current_run.get()
        assert run is not None
        return InternalAdapter(run)

    def get_external_adapter(self, run_id: str) -> ExternalRunAdapter:
        return ExternalAdapter(self, run_id)

    # -- messages, streams, results ----------------------------------------------

    async def post(
        self, run_id: str, tick: WorkflowTick, key: str | None = None
    ) -> bool:
        """Put a tick into a run's mailbox; on disk when this returns.

        False if a message with this key was there: it counts once.

        Raises:
            UnknownRunError, RunFinishedError: Nobody would ever read it.
        """
        entry = self._last_entry(run_id)
        if entry is not None and entry.end is not None:
            raise RunFinishedError(run_id, entry.end["status"])
        text = json.dumps(Codec(self._default_serializer).tick(tick))
        sequence = await asyncio.wrap_future(self.store.post(run_id, text, key))
        run = self._live.get(run_id)
        if run is not None:
            run.fetch_mail()
        return sequence is not None

    async def result(self, run_id: str) -> StopEvent:
        """Wait for the end of a run, wherever it is executed.

        Raises:
            UnknownRunError: There is no such run.
            Exception: The error with which the run ended, or why it cannot go on.
        """
        while True:
            run = self._live.get(run_id)
            if run is not None:
                await run.recorded()
                outcome = run.outcome
            else:
                outcome = self._recorded_outcome(run_id)
            if outcome is not None:
                if outcome.error is not None:
                    raise outcome.error
                assert outcome.result is not None
                return outcome.result
            await self._until_changed()

    async def stream(self, run_id: str, after: int = 0) -> AsyncGenerator[Event, None]:
        """A run's events from a number on: recorded ones first, then live ones."""
        while True:
            run = self._live.get(run_id)
            if run is not None:
                async for event in run.stream.read(after):
                    after += 1
                    yield event
                if run.outcome is not None:
                    return
            else:
                codec, entries = self._codec(run_id), self.store.entries(run_id)
                trees = [tree for r in entries for tree in r.entry.stream]
                for tree in trees[after:]:
                    after += 1
                    yield codec.read_event(tree)
                if self._recorded_outcome(run_id) is not None:
                    return
            await self._until_changed()

    def _recorded_outcome(self, run_id: str) -> Outcome | None:
        entry = self._last_entry(run_id)
        if entry is not None and entry.end is not None:
            return Outcome.read(entry.end, self._codec(run_id))
        problem = self._problems.get(run_id)
        return None if problem is None else Outcome(error=problem)

    def _last_entry(self, run_id: str) -> Entry | None:
        row = self.store.run(run_id)
        if row is None:
            raise UnknownRunError(run_id)
        return None if row.last_entry is None else Entry.decode(row.last_entry)

    def _codec(self, run_id: str) -> Codec:
        row = self.store.run(run_id)
        definition = None if row is None else self._registry.named(row.workflow)
        return definition.codec if definition else Codec(self._default_serializer)

    # -- waking ------------------------------------------------------------------

    async def _watch(self) -> None:
        """Fetch what other processes put into the mailboxes of live runs."""
        newest = 0
        while True:
            await asyncio.sleep(self._settings.mailbox_poll_s)
            try:
                if self._live and self.store.changed_outside():
                    seen, newest = newest, self.store.newest_mail()
                    for run in list(self._live.values()) if newest != seen else ():
                        run.fetch_mail()
            except StorageError as e:
                logger.warning("%s", e)

    async def _until_changed(self) -> None:
        """Wait until a run of this process begins or ends, or others may have."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), self._settings.mailbox_poll_s)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
