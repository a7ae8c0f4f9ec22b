"""The quick way of writing a tick writes what the library writes."""

from __future__ import annotations

import json
from datetime import date, datetime
from enum import Enum
from typing import Any

import pytest
from pydantic import field_serializer
from workflows.context.serializers import JsonSerializer
from workflows.events import Event, StartEvent, StepState, StepStateChanged, StopEvent
from workflows.runtime.types.results import (
    AddCollectedEvent,
    AddWaiter,
    DeleteCollectedEvent,
    EmissionKey,
    SentEvent,
    StepWorkerFailed,
    StepWorkerResult,
)
from workflows.runtime.types.step_id import StepId
from workflows.runtime.types.ticks import (
    TickAddEvent,
    TickCancelRun,
    TickStepResult,
    TickTimeout,
    WorkflowTick,
)

from durable_notebook.runtime.codec._codec import Codec
from durable_notebook.runtime.codec._serializer import ClosedJsonSerializer
from durable_notebook.runtime.codec._ticks import plain_tick


class Colour(Enum):
    RED = "red"


class Plain(Event):
    number: int
    text: str = ""


class Rich(Event):
    when: date
    colour: Colour
    inner: Plain
    loose: Any = None


class Spelt(Event):
    number: int

    @field_serializer("number")
    def _padded(self, number: int) -> str:
        return f"{number:03}"


class Result(StopEvent):
    total: int


EVENTS = [
    Plain(number=1),
    Plain(number=2, text="\ud800 & <b>"),
    Plain(number=3, extra={"a": [1, (2, 3)]}, more=None),  # type: ignore[call-arg]
    Rich(when=date(2026, 11, 5), colour=Colour.RED, inner=Plain(number=4)),
    Rich(
        when=date(2026, 11, 5),
        colour=Colour.RED,
        inner=Plain(number=5, extra=6),  # type: ignore[call-arg]
        loose={1: datetime(2026, 11, 5, 12)},
    ),
    Spelt(number=7),
    StartEvent(topic="bees"),  # type: ignore[call-arg]
    StopEvent(result={"a": {1, 2}}),
    Result(total=8),
    StepStateChanged(
        name="s", step_state=StepState.RUNNING, worker_id="0", input_event_name="X"
    ),
]


def result(*results: Any, **more: Any) -> TickStepResult:
    fields = {
        "step_id": StepId.root("s"),
        "worker_id": 0,
        "event": EVENTS[0],
        "result": list(results),
    }
    return TickStepResult(**fields | more)


def ticks() -> list[WorkflowTick]:
    at = 1795391802.8115
    waiter = AddWaiter(
        waiter_id="w", event_type=Plain, requirements={"number": 1}, has_requirements=1
    )
    failed = StepWorkerFailed(exception=ValueError("no"), failed_at=at)
    found: list[WorkflowTick] = [
        TickCancelRun(),
        TickTimeout(timeout=3.0),
        result(),
        result(StepWorkerResult(result=None)),
        result(waiter),
        result(failed, stamped_at=at),
        result(DeleteCollectedEvent(event_id="e")),
        result(
            StepWorkerResult(result=EVENTS[1], fanned_out=True),
            StepWorkerResult(result=EVENTS[2], fanned_out=True),
            step_id=StepId(("outer",), "s"),
            worker_id=3,
            invocation_namespace=("outer",),
        ),
        result(sends=[SentEvent(index=0, event=EVENTS[0], step_id=StepId.root("t"))]),
        TickAddEvent(event=EVENTS[0], attempts=0, first_attempt_at=0.0),
        TickAddEvent(event=EVENTS[0], step_id=StepId.root("s"), scope_path=("a", "b")),
        TickAddEvent(
            event=EVENTS[0],
            last_exception=ValueError("no"),
            recovery_counts={"s": 1},
            bound_events={"other": EVENTS[3]},
            work_item_id="w",
        ),
        TickAddEvent(event=EVENTS[0], origin_namespace=("outer",)),
    ]
    for event in EVENTS:
        collected = AddCollectedEvent(event_id="e", event=event)
        returned = StepWorkerResult(result=event)
        found += [
            result(collected, returned, event=event, invocation_id="i", stamped_at=at),
            TickAddEvent(event=event, emission=EmissionKey("i", 0), stamped_at=at),
        ]
    return found


def by_the_library(event: Event) -> Any:
    """The form of an event as the library gives it, without what ours adds."""
    return JsonSerializer().serialize_value(event)


@pytest.mark.parametrize("tick", ticks(), ids=lambda tick: type(tick).__name__)
def test_a_tick_has_the_form_that_the_library_gives_it(tick: WorkflowTick) -> None:
    codec = Codec(ClosedJsonSerializer())

    tree = codec.tick(tick)

    assert tree == codec.tick_by_the_library(tick)
    assert codec.tick(codec.read_tick(json.loads(json.dumps(tree)))) == tree


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_has_the_form_that_the_library_gives_it(event: Event) -> None:
    written = ClosedJsonSerializer().serialize_value(event)

    written.pop("typed", None)
    assert written == by_the_library(event)


def test_a_value_of_an_event_may_be_called_class_name() -> None:
    """The library writes such an event as something that it cannot read."""
    codec = Codec(ClosedJsonSerializer())
    event = Plain(number=1, class_name="bees")  # type: ignore[call-arg]
    failed = TickAddEvent(event=event, last_exception=ValueError("no"))

    for tick in (TickAddEvent(event=event), failed):
        read = codec.read_tick(json.loads(json.dumps(codec.tick(tick))))
        assert read.event == event
        assert read.event["class_name"] == "bees"


def test_what_a_run_mostly_consists_of_is_written_the_quick_way() -> None:
    """Or it would be slow, and nothing else would tell."""
    write = ClosedJsonSerializer().serialize_value
    returned = StepWorkerResult(result=EVENTS[0])

    assert plain_tick(result(returned, invocation_id="i"), write) is not None
    assert plain_tick(TickAddEvent(event=EVENTS[0]), write) is not None
