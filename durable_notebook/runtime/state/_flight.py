"""Step bodies in flight, and what each has already made durable.

Bodies that run side by side share the live store and stream, so an entry carries
what a body has done before it is finished. If the process dies, its re-execution
must not do that part again: its first n store edits and stream events are dropped,
and so are the sends the control loop had already taken.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from workflows.events import Event
from workflows.runtime.types.results import RetryAttempt, SentEvent, StepWorkerState
from workflows.runtime.types.ticks import TickAddEvent

from durable_notebook._model import Json
from durable_notebook.journal._entry import now

T = TypeVar("T")

current_invocation: ContextVar[Invocation | None] = ContextVar(
    "durable_notebook_invocation", default=None
)


@dataclass(slots=True)
class Carried:
    """What interrupted executions of one piece of work left behind.

    `bodies` are their invocation ids.
    """

    tries: int = 0
    edits: int = 0
    events: int = 0
    sends: frozenset[int] = frozenset()
    bodies: tuple[str, ...] = ()

    @classmethod
    def read(cls, tree: list[Json]) -> Carried:
        """Read what `Invocation.tree` wrote."""
        tries, edits, events, sends, *bodies = tree
        return cls(tries, edits, events, frozenset(sends), tuple(bodies))

    def tree(self) -> list[Json]:
        """This as JSON."""
        sends = sorted(self.sends)
        return [self.tries, self.edits, self.events, sends, *self.bodies]


@dataclass(slots=True)
class Invocation:
    """One execution of a step body."""

    id: str
    key: str
    step: str
    event: Event
    attempt: int
    carried: Carried
    started_at: float
    finished_at: float | None = None
    edits: int = 0
    stored: int = 0
    events: int = 0
    taken: set[int] = field(default_factory=set)
    adopted: set[str] = field(default_factory=set)
    is_reduced: bool = False

    @property
    def is_repeating(self) -> bool:
        """Whether its next store edit is one that an earlier execution has stored."""
        return self.edits < self.carried.edits

    def makes_edit(self) -> bool:
        """Count a store edit; False if an earlier execution's is already stored."""
        self.edits += 1
        return self.edits > self.carried.edits

    def makes_event(self) -> bool:
        """Count a stream event; False if an earlier execution's is already stored."""
        self.events += 1
        return self.events > self.carried.events

    def number_of(self, index: int) -> int | None:
        """Renumber a send as if those already taken had never been made.

        None for one that was. The control loop tells repeated sends by their index,
        but it does not know the executions before this one.
        """
        if index in self.carried.sends:
            return None
        return index - sum(1 for n in self.carried.sends if n < index)

    def took(self, number: int) -> None:
        """Note that the control loop reduced the send with this (new) number."""
        index = number
        for n in sorted(self.carried.sends):
            if n <= index:
                index += 1
        self.taken.add(index)

    def tree(self) -> list[Json] | None:
        """What a re-execution must not repeat, as JSON; None if that is nothing."""
        now = Carried(
            tries=self.carried.tries,
            edits=max(self.stored, self.carried.edits),
            events=max(self.events, self.carried.events),
            sends=self.carried.sends | self.taken,
            bodies=self.carried.bodies,
        )
        return None if now == Carried() else now.tree()


def work_key(step: str, work_item_id: str | None, retry_number: int) -> str:
    """Name a piece of work: the same for an execution and its re-execution."""
    return f"{step}|{work_item_id or ''}|{retry_number}"


class Flight:
    """The step bodies of one run that have begun and whose result is not reduced."""

    def __init__(self, carried: dict[str, list[Carried]], repeats: int = 0) -> None:
        self._carried = carried
        # Re-executions about to begin: all of them do in the first turn of a session.
        self._awaited = repeats
        self._invocations: dict[str, Invocation] = {}
        self._expected = 0

    def expect(self, count: int) -> None:
        """Note that so many bodies begin once what names them is on disk."""
        self._expected = count

    @property
    def count(self) -> int:
        """How many bodies are in flight, or begin in a moment."""
        return len(self._invocations) + self._expected

    def begin(
        self, step: str, event: Event, state: StepWorkerState, retry: RetryAttempt
    ) -> Invocation:
        """Note that a body begins, and give it what its predecessors left."""
        self._expected = max(0, self._expected - 1)
        key = work_key(step, state.work_item_id, retry.retry_number)
        waiting = self._carried.get(key)
        carried = waiting.pop(0) if waiting else Carried()
        if carried.tries and self._awaited:
            self._awaited -= 1
        invocation = Invocation(
            id=state.invocation_id or key,
            key=key,
            step=step,
            event=event,
            attempt=carried.tries + retry.retry_number + 1,
            carried=carried,
            started_at=now(),
        )
        self._invocations[invocation.id] = invocation
        return invocation

    def end(self, invocation_id: str | None) -> Invocation | None:
        """Take out a body whose result was reduced."""
        self._awaited = 0
        return self._invocations.pop(invocation_id or "", None)

    def find(self, invocation_id: str) -> Invocation | None:
        """A body in flight."""
        return self._invocations.get(invocation_id)

    def is_repeating(self) -> bool:
        """Whether a body that a crash has interrupted runs again, or is about to."""
        if self._awaited:
            return True
        return any(i.carried.tries for i in self._invocations.values())

    def running(self) -> list[Invocation]:
        """The bodies in flight, in the order in which they began."""
        return list(self._invocations.values())

    def store(self) -> None:
        """Note that the store goes to disk as it is, with what these bodies made."""
        for invocation in self._invocations.values():
            invocation.stored = invocation.edits

    def tree(self) -> dict[str, list[Json]]:
        """What a process that takes over must know, as JSON, by work key."""
        found: dict[str, list[Json]] = {}
        for invocation in self._invocations.values():
            tree = invocation.tree()
            if tree is not None:
                found.setdefault(invocation.key, []).append(tree)
        for key, waiting in self._carried.items():
            trees = [c.tree() for c in waiting if c != Carried()]
            if trees:
                found.setdefault(key, []).extend(trees)
        return found

    # -- sends -------------------------------------------------------------------

    def outgoing(self, tick: TickAddEvent) -> TickAddEvent | None:
        """The tick of a body's send as the control loop may see it; None if it has."""
        invocation = self._sender(tick)
        if invocation is None or not invocation.carried.sends:
            return tick
        assert tick.emission is not None
        number = invocation.number_of(tick.emission.index)
        if number is None:
            return None
        key = type(tick.emission)(tick.emission.invocation_id, number)
        return tick.model_copy(update={"emission": key})

    def reduced(self, tick: TickAddEvent) -> None:
        """Note that a body's send was reduced, and so will be in the next entry."""
        invocation = self._sender(tick)
        if invocation is not None:
            assert tick.emission is not None
            invocation.took(tick.emission.index)

    def _sender(self, tick: TickAddEvent) -> Invocation | None:
        if tick.emission is None:
            return None
        return self.find(tick.emission.invocation_id)


def renumbered(output: list[T], invocation: Invocation) -> list[T]:
    """A body's output with its sends numbered as `Flight.outgoing` did."""
    if not invocation.carried.sends:
        return output
    kept: list[T] = []
    for item in output:
        if isinstance(item, SentEvent):
            number = invocation.number_of(item.index)
            if number is not None:
                kept.append(item.model_copy(update={"index": number}))
        else:
            kept.append(item)
    return kept
