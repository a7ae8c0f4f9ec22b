"""The store of a server: the journal, read in the server's words."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from workflows import Workflow
from workflows.context.serializers import BaseSerializer
from workflows.context.state_store import StateStore, StateStoreFacade
from workflows.events import StopEvent

from durable_notebook._model import RunInfo
from durable_notebook.errors import DurableNotebookError, UnknownRunError
from durable_notebook.logs import about
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.server._events import (
    RecordedEvents,
    numbered,
    plain_envelope,
    recorded_ticks,
)
from durable_notebook.server._handlers import Handlers
from durable_notebook.server._starts import Start, current_start
from durable_notebook.server._theirs import (
    AbstractWorkflowStore,
    EventEnvelopeWithMetadata,
    HandlerQuery,
    PersistentHandler,
    StoredEvent,
    StoredTick,
)

logger = logging.getLogger("durable_notebook")


class JournalStore(AbstractWorkflowStore):
    """Handlers, events, ticks and states as the journal has them.

    Nothing is written twice: the runtime has written it all by the time it is asked
    for. From any event loop.
    """

    def __init__(self, runtime: DBOSRuntime) -> None:
        super().__init__()
        self._runtime = runtime
        self._handlers = Handlers(runtime)

    def serve(self, workflow: Workflow) -> None:
        """Know a workflow that the server has on a route, which is its name."""
        self._handlers.served.append(workflow)

    def route(self, name: str) -> str:
        """What the server calls a workflow; its recorded name where it has it not."""
        return self._handlers.route(name)

    # -- handlers ----------------------------------------------------------------

    async def newest(self, most: int) -> list[tuple[str, RunInfo]]:
        """What the newest runs do, each with the id of its handler."""
        return await self._runtime.on_loop(self._handlers.listed(most))

    async def run_of(self, handler_id: str) -> str:
        """The run of a handler, or its newest one.

        Raises:
            UnknownRunError: There is no such handler.
        """
        row = await asyncio.to_thread(self._handlers.newest, handler_id)
        if row is None:
            raise UnknownRunError(handler_id)
        return row.run_id

    async def query(self, query: HandlerQuery) -> list[PersistentHandler]:
        """The handlers that match, newest first.

        Of a run that the caller is just starting, once it is on disk.

        Raises:
            DurableNotebookError: It could not be started.
        """
        start = current_start.get()
        return await self._runtime.on_loop(self._query(query, start))

    async def _query(
        self, query: HandlerQuery, start: Start | None
    ) -> list[PersistentHandler]:
        is_asked = start is not None and start.handler_id in (query.handler_id_in or ())
        if start is not None and is_asked and start.adapter is not None:
            await self._runtime.started(start.run_id, start.adapter)
        return await self._handlers.matching(query)

    async def update(self, handler: PersistentHandler) -> None:
        """Note that a handler is about to be run; what becomes of it is in the journal.

        Its run gets its id. If there is a run of that id, which has ended, the run is
        another one, and that is on disk when this returns.
        """
        if handler.run_id is not None:
            current_start.set(await self._runtime.on_loop(self._start(handler)))

    async def _start(self, handler: PersistentHandler) -> Start | None:
        store = self._runtime.store
        handler_id, offered = handler.handler_id, str(handler.run_id)
        if await asyncio.to_thread(store.run, offered) is not None:
            return None  # It has been started.
        newest = await asyncio.to_thread(self._handlers.newest, handler_id)
        if newest is None:
            return Start(handler_id, offered, handler_id)
        if not self._handlers.has_ended(newest):
            # Another request has just begun it: this one gets it, or is refused.
            return Start(handler_id, offered, newest.run_id)
        await asyncio.wrap_future(store.put_handler(handler_id, offered))
        return Start(handler_id, offered, offered)

    async def update_handler_status(self, run_id: str, **_: Any) -> None:
        """Do nothing: the status of a run is what its journal says."""

    async def delete(self, query: HandlerQuery) -> int:
        """Delete handlers with their runs, and everything the database has of those.

        Raises:
            LiveElsewhereError: Another live process executes one.
        """
        return await self._runtime.on_loop(self._delete(query))

    async def _delete(self, query: HandlerQuery) -> int:
        found = await self._handlers.matching(query)
        for handler in found:
            # The oldest first: if this is interrupted, what is left is still the
            # handler's newest.
            for run_id in reversed(self._handlers.runs(handler.handler_id)):
                await self._runtime.upkeep.delete(run_id)
        return len(found)

    # -- events ------------------------------------------------------------------

    async def append_event(self, run_id: str, event: EventEnvelopeWithMetadata) -> None:
        """Do nothing: an event is in the journal with the turn that published it."""

    async def query_events(
        self, run_id: str, after_sequence: int | None = None, limit: int | None = None
    ) -> list[StoredEvent]:
        """The recorded events behind a number, in order.

        Without a limit they are read from the database when one looks at them.
        """
        first = 0 if after_sequence is None else max(after_sequence + 1, 0)
        events = await asyncio.to_thread(RecordedEvents, self._runtime, run_id, first)
        if limit is not None:
            return await asyncio.to_thread(events.__getitem__, slice(limit))
        return cast("list[StoredEvent]", events) if events else []

    async def subscribe_events(
        self, run_id: str, after_sequence: int = -1
    ) -> AsyncIterator[StoredEvent]:
        """The events behind a number: recorded ones, then live ones as they come.

        Ends with the run. Also where it stands still, or cannot be read: whoever comes
        back with the number of the last event goes on behind it.
        """
        sequence = max(after_sequence, -1)
        # A client comes back with a number: it must be that of the event for good.
        stream = self._runtime.stream(
            run_id, sequence + 1, missing=plain_envelope, is_exact=True
        )
        async with aclosing(stream):
            while True:
                try:
                    event = await self._runtime.on_loop(anext(stream))
                except StopAsyncIteration:
                    return
                except DurableNotebookError as e:
                    # An error would leave the client waiting: the server drops it.
                    logger.warning("%s", e, extra=about(run_id))
                    return
                sequence += 1
                yield numbered(run_id, sequence, event, time.time())
                if isinstance(event, StopEvent):
                    return

    # -- ticks and state ---------------------------------------------------------

    async def append_tick(self, run_id: str, tick_data: dict[str, Any]) -> None:
        """Do nothing: a tick is in the journal before anything follows from it."""

    async def get_ticks(self, run_id: str) -> list[StoredTick]:
        """The recorded ticks, in order."""
        return await asyncio.to_thread(recorded_ticks, self._runtime, run_id)

    def create_state_store(
        self,
        run_id: str,
        state_type: type[Any] | None = None,  # noqa: ARG002
        serialized_state: dict[str, Any] | None = None,  # noqa: ARG002
        serializer: BaseSerializer | None = None,  # noqa: ARG002
        namespace: tuple[str, ...] = (),
    ) -> StateStore[Any]:
        """The store of a run: the live one, or what the run has left."""
        adapter = self._runtime.get_external_adapter(run_id)
        found = adapter.get_state_store(namespace)
        if found is None:
            raise NotImplementedError(f"A durable run has no store {namespace!r}.")
        return found

    def _build_state_store(
        self,
        run_id: str,
        namespace: tuple[str, ...],
        state_type: type[Any] | None,
        serializer: BaseSerializer | None,
    ) -> StateStoreFacade[Any]:
        raise NotImplementedError("States are in the journal: 'create_state_store'.")
