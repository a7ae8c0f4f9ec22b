"""The questions of a run that wait for a person.

A step asks by returning an `InputRequiredEvent`, or by `ctx.wait_for_event`. Both
become a prompt: what was asked, which events answer it, and since when it waits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from workflows.events import Event, HumanResponseEvent, InputRequiredEvent
from workflows.runtime.types.results import AddWaiter
from workflows.runtime.types.ticks import (
    TickAddEvent,
    TickStepResult,
    TickWaiterTimeout,
    WorkflowTick,
)

from durable_notebook._model import Json
from durable_notebook._schema import schema_of
from durable_notebook.journal._entry import now
from durable_notebook.runtime.codec._codec import Codec, qualified_name


@dataclass(slots=True)
class _Open:
    number: int
    asked: Json
    expects: list[str]
    requirements: dict[str, Json]
    at: float
    waiter: str | None
    schemas: list[Json] = field(default_factory=list)
    timeout_s: float | None = None

    def tree(self) -> dict[str, Json]:
        timeout = {} if self.timeout_s is None else {"timeout_s": self.timeout_s}
        return timeout | {
            "number": self.number,
            "asked": self.asked,
            "expects": self.expects,
            "requirements": self.requirements,
            "at": self.at,
            "waiter": self.waiter,
            "schemas": self.schemas,
        }


class Prompts:
    """The open questions of one run, in the order in which they were asked."""

    def __init__(
        self, codec: Codec, answers: list[type[Event]], recorded: list[Json], asked: int
    ) -> None:
        self._codec = codec
        self._answers = answers
        self._open = [_Open(**tree) for tree in recorded]
        self._next = asked
        # Events that a waiter publishes: the waiter is the prompt, not the event.
        self._of_waiters: set[int] = set()
        # What bodies in flight have asked through the stream, by their invocation.
        self._said: dict[str, Json] = {}

    def tree(self) -> list[Json]:
        """All that is open, as JSON."""
        return [prompt.tree() for prompt in self._open]

    def published(self, event: Event, invocation_id: str | None, is_new: bool) -> None:
        """Note an event of the stream: it may ask a question.

        `is_new` is False if a body repeats what a crash did not undo.
        """
        if id(event) in self._of_waiters:
            self._of_waiters.discard(id(event))
        elif isinstance(event, InputRequiredEvent):
            asked = self._codec.event(event)
            if invocation_id is not None:
                self._said[invocation_id] = asked
            # Without a step that takes an answer, the body is about to wait for it.
            if is_new and (self._answers or invocation_id is None):
                self._ask(asked, self._answers, {}, None)

    def reduced(self, tick: WorkflowTick) -> None:
        """Note a tick: it may begin a wait, answer a question, or end one."""
        if isinstance(tick, TickStepResult):
            said = self._said.pop(tick.invocation_id or "", None)
            for result in tick.result:
                if isinstance(result, AddWaiter):
                    self._wait(result, said)
        elif isinstance(tick, TickAddEvent):
            self._answer(tick)
        elif isinstance(tick, TickWaiterTimeout):
            self._open = [p for p in self._open if p.waiter != tick.waiter_id]

    def clear(self) -> None:
        """Forget all: the run has ended."""
        self._open.clear()

    def _ask(
        self,
        asked: Json,
        kinds: list[type[Event]],
        requirements: dict[str, Json],
        waiter: str | None,
        timeout_s: float | None = None,
    ) -> None:
        self._open.append(
            _Open(
                number=self._next,
                asked=asked,
                expects=[qualified_name(kind) for kind in kinds],
                requirements=requirements,
                at=now(),
                waiter=waiter,
                schemas=[schema_of(kind) for kind in kinds],
                timeout_s=timeout_s,
            )
        )
        self._next += 1

    def _wait(self, waiter: AddWaiter[Any], said: Json) -> None:
        if any(p.waiter == waiter.waiter_id for p in self._open):
            return
        asked = said
        if waiter.waiter_event is not None:
            asked = self._codec.event(waiter.waiter_event)
            self._of_waiters.add(id(waiter.waiter_event))
        elif said is not None:
            # One question, asked in two statements.
            same = [p for p in self._open if p.waiter is None and p.asked == said]
            self._open = [p for p in self._open if p not in same[-1:]]
        requirements = _plain(waiter.requirements)
        kinds = [waiter.event_type]
        self._ask(asked, kinds, requirements, waiter.waiter_id, waiter.timeout)

    def waits_for(self, event: Event) -> bool:
        """Whether a body waits for this event."""
        return bool(self._matched(event))

    def _matched(self, event: Event) -> list[_Open]:
        kinds = {qualified_name(kind) for kind in type(event).__mro__}
        return [
            p
            for p in self._open
            if p.waiter is not None
            and kinds.intersection(p.expects)
            and all(getattr(event, k, None) == v for k, v in p.requirements.items())
        ]

    def _answer(self, tick: TickAddEvent) -> None:
        if not self._open:
            return
        event = tick.event
        matched = self._matched(event)
        # A tick with a work item repeats a suspended step when its run is resumed.
        from_outside = tick.emission is None and tick.work_item_id is None
        if not matched and from_outside and isinstance(event, HumanResponseEvent):
            matched = [p for p in self._open if p.waiter is None][:1]
        self._open = [p for p in self._open if p not in matched]


def _plain(requirements: dict[str, Any]) -> dict[str, Json]:
    """The requirements that JSON can hold: the others cannot be shown in a form."""
    found = {}
    for name, value in requirements.items():
        try:
            found[name] = json.loads(json.dumps(value))
        except (TypeError, ValueError):
            continue
    return found
