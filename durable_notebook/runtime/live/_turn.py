"""A turn: what a run has done since its last entry, and the entry that tells of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows.events import Event
from workflows.runtime.types.ticks import (
    TickAddEvent,
    TickStepResult,
    WorkflowTick,
)

from durable_notebook._model import Json
from durable_notebook.errors import UnstorableValueError
from durable_notebook.journal import _progress
from durable_notebook.journal._entry import Entry
from durable_notebook.runtime.codec._exceptions import said
from durable_notebook.runtime.codec._outcome import Outcome
from durable_notebook.runtime.live._output import Output
from durable_notebook.runtime.state._inbox import Inbox
from durable_notebook.runtime.state._stream import Stream

if TYPE_CHECKING:
    from durable_notebook.runtime.recovery._registry import Definition
    from durable_notebook.runtime.recovery._restore import Restored


class Turn:
    """Gathers what is reduced, printed and published, until an entry takes it."""

    def __init__(
        self,
        run_id: str,
        *,
        session: int,
        definition: Definition,
        restored: Restored,
        inbox: Inbox,
    ) -> None:
        self.ticks: list[WorkflowTick] = []
        """What was reduced since the last entry."""
        self.is_store_due = False
        """Somebody waits until what he changed in the store is on disk."""
        self.name = ""
        """What DBOS's tools call the entry that was made last."""
        self.stream = Stream(restored.events)
        self.output = Output()
        self._run_id = run_id
        self._session = session
        self._codec = definition.codec
        self._state = restored.store
        self._flight = restored.flight
        self._prompts = restored.prompts
        self._inbox = inbox
        self._interrupted = restored.interrupted
        self._steps = restored.steps
        self._progress = restored.progress
        digest = definition.code.digest
        self._code = digest if digest != restored.code else ""
        self._bodies: dict[str, list[float]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether an entry would tell of nothing."""
        return not (self.ticks or self.is_store_due or self.stream.has_unrecorded)

    def reduced(self, tick: WorkflowTick) -> None:
        """Note a tick that the control loop has just reduced."""
        self.ticks.append(tick)
        if isinstance(tick, TickStepResult):
            body = self._flight.end(tick.invocation_id)
            if body is not None:
                self.output.ended(body)
            if body is not None and body.finished_at is not None:
                times = [body.started_at, body.finished_at, body.attempt]
                self._bodies[tick.invocation_id or ""] = times
        elif isinstance(tick, TickAddEvent):
            self._flight.reduced(tick)
        self._prompts.reduced(tick)
        # Last: it asks who takes what is kept.
        self._inbox.reduced(tick)

    def entry(
        self,
        starts: list[str],
        outcome: Outcome | None,
        *,
        position: int,
        at: float,
        rest: float | None,
    ) -> Entry | None:
        """The entry of all that was gathered, which begins anew; None if it is empty.

        Raises:
            UnstorableValueError: Something in it is not JSON. The run cannot go on.
        """
        if self.is_empty and not (starts or outcome):
            return None
        # In the middle of a turn only what somebody waits for: a body that is executed
        # again must read the store as it was when it began, if that can be.
        has_ended = any(isinstance(tick, TickStepResult) for tick in self.ticks)
        is_whole = bool(starts or has_ended or outcome or self.is_store_due)
        if is_whole:
            self._flight.store()
        self.is_store_due = False
        ticks, self.ticks = self.ticks, []
        bodies, self._bodies = self._bodies, {}
        interrupted, self._interrupted = self._interrupted, []
        self._steps += len(bodies)
        code, self._code = self._code, ""
        self.name = _name_of(ticks)
        stream = [self._storable(e) for e in self.stream.unrecorded()]
        if self.stream.progress is not None:
            self._progress = _progress.short(stream, self._progress)
        return Entry(
            session=self._session,
            at=at,
            code=code,
            position=position,
            ticks=[self._storable(tick) for tick in ticks],
            store=self._store_changes() if is_whole else [],
            stream=stream,
            cursor=self._inbox.cursor,
            steps=self._steps,
            events=self.stream.count,
            bodies=bodies,
            starts=starts,
            flight=self._flight.tree(),
            interrupted=interrupted,
            prompts=self._prompts.tree(),
            rest=rest,
            progress=self._progress if outcome is None else [],
            output=self.output.take(),
            end=None if outcome is None else outcome.tree(self._codec),
        )

    def _storable(self, value: WorkflowTick | Event) -> Json:
        try:
            if isinstance(value, Event):
                return self._codec.event(value)
            return self._codec.tick(value)
        except Exception as e:
            where = self._codec.unstorable(value) or self.name
            raise UnstorableValueError(self._run_id, where, said(e)) from e

    def _store_changes(self) -> list[Json]:
        try:
            changes = self._state.changes(is_in_use=bool(self._flight.running()))
            return self._codec.redaction.patch(changes)
        except (TypeError, ValueError) as e:
            where, kind = self._state.unstorable()
            problem = f"a {kind} is not JSON"
            raise UnstorableValueError(self._run_id, where, problem) from e


def _name_of(ticks: list[WorkflowTick]) -> str:
    """What DBOS's tools call the turn: its steps, else the event it began with."""
    steps = [str(t.step_id) for t in ticks if isinstance(t, TickStepResult)]
    if steps:
        return ", ".join(dict.fromkeys(steps))
    events = [type(t.event).__name__ for t in ticks if isinstance(t, TickAddEvent)]
    return events[0] if events else (ticks[0].type if ticks else "stream")
