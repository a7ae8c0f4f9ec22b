"""The quick way of writing a tick writes what the library writes."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from enum import Enum, StrEnum
from functools import cached_property
from typing import Annotated, Any, Optional

import pytest
from pydantic import (
    ConfigDict,
    Field,
    PlainSerializer,
    computed_field,
    field_serializer,
    model_serializer,
)
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


class Level(StrEnum):
    LOW = "low"


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


class Every(Event):
    number: int = 1
    text: str = "\ud800"
    is_so: bool = True
    nothing: None = None
    either: int | str | None = None
    optional: Optional[str] = "b"  # noqa: UP045 - as many write it
    colour: Colour = Colour.RED
    level: Level = Level.LOW


class Measured(Event):
    value: float = 0.5


class Hidden(Plain):
    secret: str = Field(default="s", exclude=True)


class Aliased(Event):
    number: int = Field(default=1, serialization_alias="n", ge=0)


class Padded(Event):
    number: Annotated[int, PlainSerializer(lambda n: f"{n:03}")] = 7


class Doubled(Plain):
    @computed_field  # type: ignore[prop-decorator]
    @property
    def double(self) -> int:
        return 2 * self.number

    @cached_property
    def triple(self) -> int:
        return 3 * self.number


class Cached(Plain):
    @cached_property
    def triple(self) -> int:
        return 3 * self.number


class Whole(Plain):
    @model_serializer(mode="plain")
    def _whole(self) -> dict[str, Any]:
        return {"it": self.number}


class Dumped(Plain):
    def model_dump(self, **options: Any) -> dict[str, Any]:
        return super().model_dump(**options) | {"more": 1}


class ByName(Event):
    model_config = ConfigDict(use_enum_values=True, extra="allow")
    colour: Colour = Colour.RED


def with_a_cache() -> Cached:
    event = Cached(number=1)
    assert event.triple == 3
    return event


def with_other_values() -> Every:
    """Nobody checks what is assigned."""
    event = Every(number=1)
    event.number = Colour.RED  # type: ignore[assignment]
    event.colour = {"a": date(2026, 11, 5)}  # type: ignore[assignment]
    return event


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
    Every(),
    Every(either=2, extra=1),  # type: ignore[call-arg]
    with_a_cache(),
    StepStateChanged(
        name="s", step_state=StepState.RUNNING, worker_id="0", input_event_name="X"
    ),
]


# Of classes that say how they are written, and of others that are not always read back.
WRITTEN = [
    Every(extra=(1, 2)),  # type: ignore[call-arg]
    Every.model_construct(number=3),
    with_other_values(),
    Measured(value=math.nan),
    Hidden(number=1),
    Aliased(),
    Padded(),
    Doubled(number=1),
    Whole(number=1),
    Dumped(number=1),
    ByName(),
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


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize(
    "event", EVENTS + WRITTEN, ids=lambda event: type(event).__name__
)
def test_an_event_has_the_form_that_the_library_gives_it(event: Event) -> None:
    written = ClosedJsonSerializer().serialize_value(event)

    written.pop("typed", None)
    # As text: a number that is none equals nothing, and the order is that of a form.
    assert json.dumps(written) == json.dumps(by_the_library(event))


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
