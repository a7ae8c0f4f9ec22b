"""The execution of one run by this process, from its claim to its outcome."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from dataclasses import dataclass
from typing import Any

from llama_index_instrumentation import get_dispatcher
from workflows.events import Event, StopEvent

from durable_notebook.engine import Claim
from durable_notebook.errors import (
    LostOwnershipError,
    ReplayMismatchError,
    StorageError,
    UnstorableValueError,
)
from durable_notebook.logs import about
from durable_notebook.runtime.codec._exceptions import said
from durable_notebook.runtime.codec._outcome import Outcome
from durable_notebook.runtime.live._released import Released
from durable_notebook.runtime.live._run import LiveRun
from durable_notebook.runtime.live._tracing import life_of
from durable_notebook.runtime.recovery._registry import Definition, current_run
from durable_notebook.runtime.recovery._restore import Restored, reduce_journal, restore
from durable_notebook.runtime.recovery._snapshots import Snapshots
from durable_notebook.runtime.state._flight import current_invocation
from durable_notebook.runtime.state._meter import Meter
from durable_notebook.store import Store

logger = logging.getLogger("durable_notebook")

# What stops a run without ending it: it is resumable once the cause is gone.
RESUMABLE = (
    StorageError,
    LostOwnershipError,
    ReplayMismatchError,
    UnstorableValueError,
)


@dataclass(frozen=True, slots=True)
class Start:
    """A run begun in this process: what DBOS's row cannot carry to its execution."""

    definition: Definition
    event: Event | None
    context: contextvars.Context
    tags: dict[str, Any]


@dataclass(slots=True)
class Session:
    """One life of an executor, as its executions share it.

    `number` is what entries call it; the `meter` counts what it does, once somebody
    has asked.
    """

    store: Store
    number: int
    executor_id: str
    snapshot_every: int
    meter: Meter | None = None


class Execution:
    """Restores a claimed run, drives it, and puts how it ended on disk."""

    def __init__(
        self,
        session: Session,
        claim: Claim,
        definition: Definition,
        start: Start | None,
        released: Released | None,
    ) -> None:
        self._session = session
        self._claim = claim
        self._definition = definition
        self._start = start
        self._released = released
        self._restored: Restored
        self._run: LiveRun

    async def open(self) -> LiveRun:
        """Bring the run back to the end of its journal.

        Raises:
            ReplayMismatchError, DamagedJournalError, StorageError: See `restore`.
        """
        claim, store = self._claim, self._session.store
        self._restored = await asyncio.to_thread(
            restore, store, claim.run_id, self._definition, claim.inputs
        )
        await self._take_back_mail()
        self._run = LiveRun(
            claim,
            session=self._session.number,
            journal=store,
            definition=self._definition,
            restored=self._restored,
            snapshots=self._snapshots(),
        )
        self._run.meter = self._session.meter
        if not (self._start or self._released or self._restored.end):
            self._say_that_it_goes_on()
        return self._run

    def _say_that_it_goes_on(self) -> None:
        run, session = self._run, self._session
        logger.info(
            "Run %r goes on from position %d, executed by %r in session %d.",
            run.run_id,
            run.resumed_from,
            session.executor_id,
            session.number,
            extra=about(
                run.run_id,
                workflow=run.workflow,
                executor_id=session.executor_id,
                session=session.number,
                position=run.resumed_from,
            ),
        )

    async def _take_back_mail(self) -> None:
        """Forget what was consumed by entries that are gone: the run was rewound.

        Whoever rewinds a run to before a question wants it asked again.
        """
        store, cursor = self._session.store, self._restored.cursor
        if self._restored.consumed > cursor:
            claim = self._claim
            taken_back = store.take_back_mail(claim.run_id, claim.owner, cursor)
            await asyncio.wrap_future(taken_back)

    def _snapshots(self) -> Snapshots:
        claim, store = self._claim, self._session.store
        journal = (store, claim.run_id, self._definition, claim.inputs)
        return Snapshots(
            store,
            claim.run_id,
            owner=claim.owner,
            every=self._session.snapshot_every,
            newest=self._restored.snapshot,
            reduce=lambda: reduce_journal(*journal)[0],
        )

    async def carry_out(self) -> Outcome:
        """Bring the run to its end; how it ended is on disk when this returns.

        Raises:
            RESUMABLE: It stands still, and can go on when the cause is gone.
        """
        if self._restored.end is not None:
            return Outcome.read(self._restored.end, self._definition.codec)
        # Outside DBOS's own context: what a step body calls of DBOS is its own
        # affair and takes no position of this journal.
        context = self._start.context if self._start else contextvars.Context()
        spans = life_of(self._run, self._session, self._claim.inputs, context)
        if spans is None:
            return await self._drive(context)
        self._run.spans = spans
        with spans:
            outcome = await self._drive(context)
            spans.ends(outcome)
        return outcome

    async def _drive(self, context: contextvars.Context) -> Outcome:
        work = self._control_loop()
        try:
            result = await self._run.drive(asyncio.create_task(work, context=context))
        except RESUMABLE:
            raise
        except Exception as e:
            outcome = Outcome(error=e)
        else:
            outcome = Outcome(result=result)
        await self._run.finish(outcome)
        return outcome

    async def _control_loop(self) -> StopEvent:
        run, start = self._run, self._start
        current_run.set(run)
        current_invocation.set(None)
        start_event = self._start_event()
        if self._released and self._definition.workflow._timeout is not None:
            self._released.catch_up(self._restored, run)
        await run.open()
        tags = start.tags if start else {}
        if run.spans is not None:  # What the library makes of spans is below ours.
            tags = get_dispatcher().capture_propagation_context()
        function = self._definition.registered.workflow_run_fn
        return await function(
            self._restored.state,
            start_event,  # type: ignore[arg-type]
            tags,
        )

    def _start_event(self) -> Event | None:
        """What the run begins with, if it has not begun."""
        if self._start is not None:
            return self._start.event
        tree = self._claim.inputs.get("start")
        if self._run.resumed_from > 0 or tree is None:
            return None
        try:
            return self._definition.codec.read_event(tree)
        except ValueError as e:
            raise ReplayMismatchError(self._run.run_id, 0, said(e)) from e
