"""`DBOSRuntime`: workflows whose every turn is on disk before its effects.

The module is longer than others: it is one class, the library's interface and the
peer's, and each of its methods hands on to the part that does it.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Iterator,
)
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Self, TypeVar, Unpack

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
from workflows.runtime.types.ticks import TickAddEvent, WorkflowTick

from durable_notebook._config import Durability, Settings
from durable_notebook._model import Json
from durable_notebook.engine import Engine
from durable_notebook.errors import (
    NotLaunchedError,
    UnknownRunError,
    UnstorableValueError,
)
from durable_notebook.runtime._checks import check_ids_of, check_run_id
from durable_notebook.runtime._children import adopted
from durable_notebook.runtime._codec import Codec
from durable_notebook.runtime._drain import Drain
from durable_notebook.runtime._execution import Start
from durable_notebook.runtime._external import ExternalAdapter
from durable_notebook.runtime._internal import InternalAdapter
from durable_notebook.runtime._live import LiveRun
from durable_notebook.runtime._loops import LoopThread, on_loop, refuse_on_a_loop
from durable_notebook.runtime._options import Options, settings_of
from durable_notebook.runtime._outcome import Outcome
from durable_notebook.runtime._parts import Parts
from durable_notebook.runtime._published import Missing
from durable_notebook.runtime._redaction import Redaction
from durable_notebook.runtime._registry import Definition, Registry, current_run
from durable_notebook.runtime._restore import Restored, first_inputs
from durable_notebook.runtime._serializer import ClosedJsonSerializer
from durable_notebook.runtime._serving import Serving
from durable_notebook.runtime._upkeep import Upkeep
from durable_notebook.store import Store, open_store

T = TypeVar("T")


class DBOSRuntime(Serving, Runtime):
    """Run workflows durably: give it to a workflow as `runtime=`.

    A step whose turn is committed never runs again; `ctx.store`, the event stream,
    consumed messages and step results are in one commit. Launch it on the event loop
    on which its workflows run. Constructing it opens nothing.

    Args:
        settings: Everything at once; the keywords below are for the usual ones.
        database_url: `sqlite:///file` or `postgresql://user@host/database`. Left out,
            the database of the `DBOS(config=...)` the program has constructed.
        executor_id: Who owns the runs of this process; DBOS's own (`local`) if left
            out. One executor lives in one process at a time.
        durability: "full" if left out, or "normal" to trade the last turns at a power
            cut for speed. A crash of the process loses nothing in either.
        redact: Names of fields of events, results and `ctx.store` whose values are
            masked before they are written. In memory they stay; after a restart the
            run finds the mask. A message is in the mailbox as it was sent until the
            run has taken it. A pydantic `SecretStr` masks itself.
        default_serializer: For workflows that name none. The default resolves
            declared and already loaded classes only, and never unpickles.
        options: Those of `llama-agents-dbos`, under its names; see `Options`.

    Raises:
        ConfigError: An option that cannot work, or would have no effect. On which
            database it would have none is known at launch.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        database_url: str | None = None,
        executor_id: str | None = None,
        durability: Durability | None = None,
        redact: Collection[str] = (),
        default_serializer: BaseSerializer | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            default_serializer=default_serializer or ClosedJsonSerializer()
        )
        usual: dict[str, Any] = {
            "database_url": database_url,
            "executor_id": executor_id,
            "durability": durability,
            "redact": redact or None,
        }
        self._settings = settings_of(settings, usual | options)
        redaction = Redaction(self._settings.redact)
        self._parts: Parts | None = None
        self._thread: LoopThread | None = None
        self._registry = Registry(lambda wf: Codec(self.get_serializer(wf), redaction))

    # -- life --------------------------------------------------------------------

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
                    runs.undefined[run_id] = name
            enqueued = self.store.enqueued()
        except BaseException:
            await self.destroy()
            raise
        # Those that were executed first, then those that waited for a place.
        runs.recover_defined()
        runs.take_enqueued(enqueued)
        runs.spawn(self._parts.watch.watch())
        if self._parts.tenure is not None:
            runs.spawn(self._parts.tenure.watch())

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

    @property
    def upkeep(self) -> Upkeep:
        """Forks and deletes runs."""
        return self._opened.upkeep

    # -- what is open ------------------------------------------------------------

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
        return self._opened.runs.before(run_id)

    def undefined(self) -> dict[str, str]:
        """Run id to workflow name of the runs that wait for their workflow."""
        return dict(self._opened.runs.undefined)

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

    # -- workflows ---------------------------------------------------------------

    def track_workflow(self, workflow: Workflow) -> None:
        check_ids_of(workflow)
        self._registry.meet(workflow)
        if self._parts is None:
            super().track_workflow(workflow)
        else:
            # Runs of this name may wait for it; they begin once it is constructed.
            self.loop.call_soon_threadsafe(self.register, workflow)

    def register(self, workflow: Workflow) -> RegisteredWorkflow:
        return self.define(workflow).registered

    def define(self, workflow: Workflow, origin: str | None = None) -> Definition:
        """Make an instance today's definition of its name, on the runtime's loop.

        Runs that waited for the name go on: those of a launched runtime at once.
        """
        definition = self._registry.add(workflow, origin)
        if self._parts is not None:
            self._make_known(self._parts)
            self.loop.call_soon_threadsafe(self._parts.runs.recover_defined)
        return definition

    def _make_known(self, parts: Parts) -> None:
        """Have DBOS know every defined name: it executes runs by that."""
        for name in self._registry.names():
            parts.engine.register(name)

    def get_registered(self, workflow: Workflow) -> RegisteredWorkflow | None:
        definition = self._registry.of(workflow)
        return None if definition is None else definition.registered

    def definition(self, name: str) -> Definition | None:
        """Today's definition of a workflow name."""
        return self._registry.named(name)

    def event_classes(self, name: str, kinds: Iterable[str]) -> list[type[Event]]:
        """The event classes of these names, as far as this process has them.

        For a workflow of this name, whether it is defined here or not.
        """
        return self._registry.event_classes(name, kinds)

    def first_name(self, workflow: Workflow) -> str:
        """The name that a workflow was constructed with: a server gives it another."""
        return self._registry.first_name(workflow)

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
        start = None
        try:
            if start_event is not None:
                start = definition.codec.event(start_event)
            inputs = first_inputs(definition, start, init_state, serialized_state)
            json.dumps(inputs)
        except (TypeError, ValueError) as e:  # pydantic's errors are ValueErrors
            where = start_event and definition.codec.unstorable(start_event)
            raise UnstorableValueError(run_id, where or "its context", str(e)) from e
        run_id = adopted(run_id, definition.name, inputs, self.store)
        runs = self._opened.runs
        begin = Start(
            definition,
            start_event,
            contextvars.copy_context(),
            get_dispatcher().capture_propagation_context(),
        )
        started = runs.spawn_begin(self.loop, run_id, begin, inputs)
        return ExternalAdapter(self, run_id, started)

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

        Raises:
            UnknownRunError: There is no such run.
        """
        return await self._opened.runs.resume(run_id)

    def get_internal_adapter(self, workflow: Workflow) -> InternalRunAdapter:  # noqa: ARG002
        run = current_run.get()
        assert run is not None
        return InternalAdapter(run, self._opened.runs.idle)

    def get_external_adapter(self, run_id: str) -> ExternalRunAdapter:
        return ExternalAdapter(self, run_id)

    # -- messages, streams, results ----------------------------------------------

    async def until_executed(self, run_id: str) -> None:
        """Wait until this process executes a run, unless it is not about to."""
        await self._opened.access.until_executed(run_id)

    async def hold(self, run_id: str) -> LiveRun | None:
        """Have a run in memory until `holds` of it is counted down, to change it.

        None of a run that this process does not execute.
        """
        return await self._opened.access.hold(run_id)

    def restored(self, run_id: str) -> Restored:
        """Where a run stands now: what it would go on with.

        Raises:
            UnknownRunError: There is no such run.
            ReplayMismatchError: Its journal does not fit today's workflow.
        """
        return self._opened.access.restored(run_id)

    def outcome(self, run_id: str) -> Outcome | None:
        """How a run ended, or why it stands still; None if it has not.

        Raises:
            UnknownRunError: There is no such run.
        """
        return self._opened.access.recorded_outcome(run_id)

    async def send(self, run_id: str, event: Event, *, key: str | None = None) -> bool:
        """Send an event to a run; it is on disk when this returns.

        With a key it counts once: False says that one with the key was there.

        Raises:
            UnknownRunError, RunFinishedError: Nobody would ever read it.
        """
        return await self.post(run_id, TickAddEvent(event=event), key)

    async def post(
        self,
        run_id: str,
        tick: WorkflowTick,
        key: str | None = None,
        *,
        begun: Callable[[], Awaitable[None]] | None = None,
    ) -> bool:
        """Put a tick into a run's mailbox, as `send` does with an event.

        `begun` waits for a run that is only being started.
        """
        return await self._opened.access.post(run_id, tick, key, begun=begun)

    async def result(self, run_id: str) -> StopEvent:
        """Wait for the end of a run, wherever it is executed.

        Raises:
            UnknownRunError: There is no such run.
            Exception: The error with which the run ended, or why it cannot go on.
        """
        return await self._opened.access.result(run_id)

    def stream(
        self,
        run_id: str,
        after: int = 0,
        *,
        missing: Missing | None = None,
        is_exact: bool = False,
    ) -> AsyncGenerator[Any, None]:
        """A run's events from a number on: recorded ones first, then live ones.

        What `missing` makes of the tree of an event takes its place where its class is
        not defined; without it that is an error. Live ones come at once; with
        `is_exact` once they are on disk, which is seen to at once.
        """
        access = self._opened.access
        return access.stream(run_id, after, missing=missing, is_exact=is_exact)

    def read_events(
        self, run_id: str, trees: list[Json], missing: Missing | None = None
    ) -> Iterator[Any]:
        """The events of a run's entries, as `stream` would give them."""
        return self._opened.access.read_events(run_id, trees, missing)
