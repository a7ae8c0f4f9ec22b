"""The client: start, list, read, answer and cancel runs, from any thread or loop.

What a magic does, a script does with this.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Generator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from workflows import Workflow
from workflows.events import Event, StartEvent, StopEvent
from workflows.runtime.types.ticks import TickCancelRun

from durable_notebook._graph import Graph, graph_of_code, graph_of_workflow
from durable_notebook._model import (
    Attempt,
    EventView,
    Prompt,
    RunInfo,
    RunStatus,
)
from durable_notebook.client._answering import Answering
from durable_notebook.client._glance import as_executed, glance
from durable_notebook.client._listing import Listing
from durable_notebook.client._requests import (
    adopt,
    blank_start,
    instantiate,
    make_event,
)
from durable_notebook.doctor._finding import Examined
from durable_notebook.doctor._inside import examined
from durable_notebook.errors import UnknownRunError
from durable_notebook.journal._reading import InMemory, RunReading
from durable_notebook.operations._describe import (
    Outside,
    describe,
    seen_by,
)
from durable_notebook.operations._following import Following
from durable_notebook.operations._retention import known
from durable_notebook.runtime import DBOSRuntime, check_run_id
from durable_notebook.runtime.recovery._restore import recorded_code

T = TypeVar("T")


class Run:
    """One run: awaitable from any event loop, whoever executes it.

    `await run` gives the workflow's result, as awaiting the library's handler does.
    """

    def __init__(self, client: Client, run_id: str) -> None:
        self._client = client
        self.run_id = run_id

    @property
    def client(self) -> Client:
        """Through which the run is read and messaged."""
        return self._client

    def __repr__(self) -> str:
        return glance(self._open_runtime, self.run_id)

    @property
    def _open_runtime(self) -> DBOSRuntime | None:
        return self._client.runtime

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.result().__await__()

    async def result(self) -> Any:
        """Wait for the result.

        Raises:
            Exception: The error with which the run ended, or why it cannot go on.
        """
        event = await self.client.on_loop(self.client.runtime.result(self.run_id))
        return event.result if type(event) is StopEvent else event

    async def events(self, after: int = 0) -> AsyncGenerator[Event, None]:
        """Give the published events from a number on, up to the run's end.

        The first has the number 0. Each is on disk before it is given, which is seen
        to at once, so its number means the same event after any crash: whoever has
        seen `n` events goes on with `after=n`. `handler.stream_events()` gives events
        a moment earlier, while a crash can still give their numbers to others.
        """
        stream = self.client.runtime.stream(self.run_id, after, is_exact=True)
        while True:
            try:
                yield await self.client.on_loop(anext(stream))
            except StopAsyncIteration:
                return

    async def info(self) -> RunInfo:
        """Read what the run is doing, and its size."""
        read = self.client.read_info(self.run_id, is_measured=True)
        return await self.client.on_loop(read)

    async def journal(self) -> list[Attempt]:
        """Read the run's timeline."""
        return await self.client.on_loop(self.client.read_journal(self.run_id))

    async def output(self) -> str:
        """Read what the steps of the run have printed in notebooks.

        The newest 64 Ki characters. What a step printed is on disk with its result,
        up to 16 Ki characters of it; of a step that a crash interrupted it is gone.
        Outside a notebook steps print to where the program does, and nothing is kept.
        """
        reading = await self.client.on_loop(self.client.read_run(self.run_id))
        return reading.output().text

    async def send(self, event: Event, *, key: str | None = None) -> bool:
        """Send an event to the run; it is on disk when this returns.

        With a key it counts once: False says that one with the key was there.

        Raises:
            UnknownRunError, RunFinishedError: Nobody would ever read it.
        """
        send = self.client.runtime.send(self.run_id, event, key=key)
        return await self.client.on_loop(send)

    async def answer(
        self, prompt: Prompt | None = None, /, **fields: Any
    ) -> Event | EventView:
        """Answer a question of the run, by default the oldest. See `Client.answer`."""
        return await self.client.answer(self.run_id, fields, prompt=prompt)

    async def pause(self) -> None:
        """Have the run begin no further step. See `Client.pause`."""
        await self.client.pause(self.run_id)

    async def go_on(self) -> None:
        """Go on with the run if it is paused. See `Client.go_on`."""
        await self.client.go_on(self.run_id)

    async def cancel(self) -> None:
        """Ask the run to end as cancelled; the request is on disk when this returns."""
        post = self.client.runtime.post(self.run_id, TickCancelRun())
        await self.client.on_loop(post)


class Client(Answering):
    """Every operation on the runs of one journal."""

    # -- start -------------------------------------------------------------------

    async def start(
        self,
        workflow: Workflow | type[Workflow],
        *,
        run_id: str | None = None,
        origin: str | None = None,
        **fields: Any,
    ) -> Run:
        """Start a run, or attach to the one that has the id.

        A class is instantiated without a timeout: a durable run may wait for a
        person for days. `fields` are those of its start event. The run is on disk
        when this returns.

        Raises:
            NotAWorkflowError, InvalidRunIdError, InvalidFieldsError,
            RunIdTakenError: The request cannot be carried out.
            OtherArgumentsError: The run with this id was begun with other fields.
        """
        wanted = f"run-{secrets.token_hex(3)}" if run_id is None else run_id
        check_run_id(wanted)
        return await self.on_loop(self._start(workflow, wanted, origin, fields))

    async def _start(
        self,
        workflow: Workflow | type[Workflow],
        run_id: str,
        origin: str | None,
        fields: dict[str, Any],
    ) -> Run:
        instance = instantiate(workflow)
        if self.runtime.get_registered(instance) is None:
            adopt(instance, self.runtime)
            self.runtime.define(instance, origin)
        is_known = self.runtime.store.run(run_id) is not None
        event = None
        if fields or not is_known:  # A known run has its own arguments.
            event = make_event(instance.start_event_class, fields)
        start = event if isinstance(event, StartEvent) else blank_start(instance)
        handler = instance.run(run_id=run_id, start_event=start)
        # Nobody awaits the handler: the task that it waits in for the run's end would
        # be all that a released run costs.
        handler._result_task.add_done_callback(_seen)
        handler._result_task.cancel()
        await self.runtime.started(run_id, handler._external_adapter)
        return Run(self, run_id)

    # -- read --------------------------------------------------------------------

    def run(self, run_id: str) -> Run:
        """The run with this id. Nothing is read yet."""
        return Run(self, run_id)

    async def runs(self, limit: int | None = None) -> list[RunInfo]:
        """List the runs of this journal, newest first."""
        return await self.on_loop(self._runs(limit))

    def listing(self) -> Listing:
        """The runs, for who looks at them again and again. Nothing is read yet."""
        return Listing(self.runtime)

    async def _runs(self, limit: int | None) -> list[RunInfo]:
        if limit is None:
            return await self.listing().look()
        store = self.runtime.store
        rows = await asyncio.to_thread(store.runs, limit)
        sizes = await asyncio.to_thread(store.sizes, [row.run_id for row in rows])
        seen = seen_by(self.runtime)
        before = self.runtime.before
        return [
            as_executed(
                self.runtime,
                describe(store, row, sizes.get(row.run_id), seen, before=before),
            )
            for row in rows
        ]

    async def diagnose(self, run_id: str | None = None) -> list[Examined]:
        """Why a run does not move, or each that has not ended, newest first.

        Read off the journal, and off what this process knows: it says what is known,
        and changes nothing.

        Raises:
            UnknownRunError: There is no such run.
            StorageError: The database cannot be read.
        """
        return await self.on_loop(asyncio.to_thread(self._examined, run_id))

    def _examined(self, run_id: str | None) -> list[Examined]:
        store = self.runtime.store
        if run_id is not None:
            rows = [known(store, run_id)]
        else:
            rows = [row for row in store.runs() if row.is_unfinished]
        outside = Outside(store)
        return [examined(self.runtime, row, outside) for row in rows]

    async def read_journal(self, run_id: str) -> list[Attempt]:
        """A run's timeline. On the runtime's loop."""
        return list((await self.read_run(run_id)).attempts())

    async def read_run(self, run_id: str) -> RunReading:
        """What a run is doing, its timeline and output. On the runtime's loop."""
        return await self.follow(run_id).read()

    def follow(self, run_id: str) -> Following:
        """Read a run again and again; each entry is looked at once."""
        return Following(self._look, self.runtime.store, run_id)

    async def _look(self, run_id: str) -> RunReading:
        """A reading without entries."""
        live = self.runtime.live(run_id)
        in_memory = None
        if live is not None:  # First: what it hands over meanwhile is read from disk.
            in_memory = InMemory(
                live.position,
                self.runtime.session,
                tuple(live.output.live()),
                live.stream.progress,
            )
        info = await self.read_info(run_id)
        is_live = info.status in (RunStatus.RUNNING, RunStatus.WAITING)
        if info.status is RunStatus.PAUSED:  # Bodies may be in flight yet.
            is_live = self._executes(info)
        is_ours = self.runtime.is_executor(info.executor_id or "")
        session = self.runtime.session if is_ours else None
        return RunReading(info, (), is_live, in_memory, session)

    def _executes(self, info: RunInfo) -> bool:
        """Whether a live process has, or may have, a run in its memory."""
        executor_id = info.executor_id or ""
        if self.runtime.is_executor(executor_id):
            return self.runtime.live(info.run_id) is not None
        return self.runtime.is_executor_alive(executor_id)

    async def source(self, row: Attempt) -> str:
        """The source of the step that made a row, as it was then.

        Empty where there was none to be had. On the runtime's loop.
        """
        code = await asyncio.to_thread(recorded_code, self.runtime.store, row.code)
        return "" if code is None else code.sources.get(row.step, "")

    async def graph(self, info: RunInfo, rows: Sequence[Attempt]) -> Graph:
        """The graph of a run's workflow, as it was when the run last ran.

        Without nodes where nothing is on record and no class is defined. On the
        runtime's loop.
        """
        store, digest = self.runtime.store, rows[-1].code if rows else ""
        recorded = await asyncio.to_thread(recorded_code, store, digest)
        definition = self.runtime.definition(info.workflow)
        if definition is not None and (
            recorded is None or recorded.graph == definition.code.graph
        ):
            # The class says more than what is recorded of it.
            return graph_of_workflow(definition.workflow)
        name = info.workflow.rpartition(".")[2]
        if recorded is None:
            return Graph(name, (), ())
        return graph_of_code(name, recorded.graph)

    # -- upkeep ------------------------------------------------------------------

    async def pause(self, run_id: str) -> None:
        """Have a run begin no further step; on disk when this returns.

        Steps in flight go on to their results, which are kept. What is sent to the run
        is kept, and heard when it goes on. It stays paused over restarts, whoever
        executes it, until `go_on` or `runtime.resume`; a live process elsewhere hears
        of it in a moment. A paused run stays paused.

        Raises:
            UnknownRunError, RunFinishedError: There is nothing to pause.
        """
        await self.on_loop(self.runtime.pause(run_id))

    async def go_on(self, run_id: str) -> bool:
        """Go on with a run that is paused; on disk when this returns.

        Whoever executes it takes it up, this process or another. Its open waits have
        their whole timeout again. False if it was not paused.

        Raises:
            UnknownRunError: There is no such run.
        """
        if self.runtime.store.run(run_id) is None:
            raise UnknownRunError(run_id)
        return await self.on_loop(self.runtime.go_on(run_id))

    async def cancel(self, run_id: str) -> None:
        """Ask a run to end as cancelled; the request is on disk when this returns.

        Raises:
            UnknownRunError, RunFinishedError: There is nothing to cancel.
        """
        await self.run(run_id).cancel()

    async def fork(
        self, run_id: str, position: int | None = None, new_run_id: str | None = None
    ) -> Run:
        """Begin a new run from a position of another; on disk when this returns.

        The new run has the entries before the position, with the store, the stream
        and the open questions of that moment, and goes on from there; messages that
        the other run had not consumed by then are its own. A wait that is open there
        has its whole timeout again, counted from when the new run goes on. Without a
        position all is kept, and of a run that has ended only its last turn is done
        again.

        Raises:
            UnknownRunError, InvalidPositionError, InvalidRunIdError,
            RunIdTakenError: The request cannot be carried out.
        """
        fork = self.runtime.upkeep.fork(run_id, position, new_run_id)
        return Run(self, await self.on_loop(fork))

    async def rewind(self, run_id: str, position: int | None = None) -> Run:
        """Have a run that has ended go on again from a position; on disk on return.

        It keeps its id and the entries before the position. What is behind it is gone,
        with the messages that were consumed there, so the run asks again; its events
        get their numbers anew. Without a position only its last turn is done again:
        a run that failed tries that step once more. `fork` leaves the run as it is.

        Raises:
            UnknownRunError, InvalidPositionError: The request cannot be carried out.
            UnfinishedRunError: The run has not ended.
        """
        await self.on_loop(self.runtime.upkeep.rewind(run_id, position))
        return Run(self, run_id)

    async def reassign(
        self, from_executor: str, to_executor: str, run_ids: Sequence[str] = ()
    ) -> list[str]:
        """Give the unfinished runs of a dead executor to another; on disk on return.

        All of them, or these with the runs that their step bodies have begun, in one
        commit. A live process that is the other executor goes on with them in a
        moment, a later one when it is launched. An execution from before that wakes up
        stops before its next effect. Gives the ids of those that were given.

        Raises:
            ReassignmentError: The first executor is alive, or has no such runs.
            UnknownRunError: There is no run with one of these ids.
        """
        upkeep = self.runtime.upkeep
        given = upkeep.reassign(from_executor, to_executor, run_ids)
        return await self.on_loop(given)

    async def delete(self, run_id: str) -> None:
        """Delete a run, with everything that the database has of it.

        Runs that its step bodies have begun are deleted with it. One that this process
        executes is stopped: whoever awaits it is told that there is no such run.

        Raises:
            UnknownRunError: There is no such run.
            LiveElsewhereError: Another live process executes it.
        """
        await self.on_loop(self.runtime.upkeep.delete(run_id))

    async def trim(
        self, older_than: timedelta | None = None, keep: int | None = None
    ) -> list[str]:
        """Delete finished runs, and give the ids of those that are gone.

        A run goes if it ended longer ago than `older_than`, or if `keep` others ended
        after it. Runs that have not ended are never touched; those that step bodies
        began are not counted, and go with the run of that body.

        Raises:
            ConfigError: Neither was given.
        """
        return await self.on_loop(self.runtime.upkeep.trim(older_than, keep))


def _seen(task: asyncio.Task[Any]) -> None:
    """Errors of a run are raised where the run is awaited, not at its handler's end."""
    if not task.cancelled():
        task.exception()
