"""Cases of what comes out of a run: its stream and its result."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Any

from pydantic import BaseModel, Field, PrivateAttr
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook.testing._case import Case, Interruptible, made_from


class Colour(Enum):
    """An enumeration in an event."""

    RED = "red"


class Point(BaseModel):
    """A model in an event."""

    x: int
    y: int = 0


class Rich(Event):
    """An event with fields of many types."""

    at: datetime
    colour: Colour
    points: list[Point]
    by_number: dict[int, Point] = Field(default_factory=dict)
    pair: tuple[int, str] = (1, "one")
    names: set[str] = Field(default_factory=set)
    raw: bytes = b"raw"
    anything: Any = None
    _hidden: int = PrivateAttr(default=3)


class Said(Event):
    """One line of the stream."""

    text: str


class Report(StopEvent):
    """A stop event with fields."""

    total: int
    best: Point
    notes: list[str] = Field(default_factory=list)


class Given(StartEvent):
    """A start event with fields."""

    topic: str
    points: list[Point] = Field(default_factory=list)


class Talking(Interruptible):
    """Writes to the stream from several steps."""

    @step
    async def first(self, ctx: Context, ev: StartEvent) -> Said:
        for number in range(3):
            ctx.write_event_to_stream(Said(text=f"first {number}"))
        ctx.write_event_to_stream(None)
        return Said(text="to the second")

    @step
    async def second(self, ctx: Context, ev: Said) -> StopEvent:
        ctx.write_event_to_stream(Said(text="second 0"))
        await self.passing()
        ctx.write_event_to_stream(Said(text="second 1"))
        ctx.write_event_to_stream(ev)
        return StopEvent(result="spoken")


class Reporting(Interruptible):
    """Ends with a stop event of its own class."""

    @step
    async def start(self, ev: Given) -> Rich:
        return Rich(
            at=datetime(2026, 1, 2, tzinfo=UTC),
            colour=Colour.RED,
            points=[*ev.points, Point(x=1)],
            by_number={4: Point(x=4)},
            names={"a"},
        )

    @step
    async def end(self, ctx: Context, ev: Rich) -> Report:
        await self.passing()
        ctx.write_event_to_stream(ev)
        return Report(total=len(ev.points), best=ev.points[0], notes=[ev.pair[1]])


class Open(Event):
    """An event whose fields are made up where it is made."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)


class Loose(Interruptible):
    """Events and values without declared fields."""

    @step
    async def start(self, ev: StartEvent) -> Open:
        return Open(number=1, words=["a"], inner={"deep": {"x": None}})

    @step
    async def end(self, ctx: Context, ev: Open) -> StopEvent:
        await self.passing()
        ctx.write_event_to_stream(ev)
        return StopEvent(result={"number": ev.number, "inner": ev["inner"]})


class Carrying(Interruptible):
    """A model in a field that says nothing of its type."""

    @step
    async def start(self, ev: StartEvent) -> Open:
        return Open(payload=Point(x=3))

    @step
    async def end(self, ev: Open) -> StopEvent:
        await self.passing()
        return StopEvent(result=type(ev.payload).__name__)


class Ending(Interruptible):
    """Ends with a value."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        await self.passing()
        return StopEvent(result=_RESULTS[ev.kind])


_RESULTS: dict[str, Any] = {
    "nothing": None,
    "zero": 0,
    "text": "äöü \U0001f600",
    "lists": [1, [2.5, None], {"a": True}],
    "a model": Point(x=1, y=2),
    "models": {"points": [Point(x=1)]},
    "an event": Said(text="result"),
    "a tuple": (1, 2),
    "int keys": {1: "one"},
}


class Extra(Interruptible):
    """A stop event with undeclared fields."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        await self.passing()
        return StopEvent(result=1, extra="more")


CASES = (
    Case("the stream", made_from(Talking)),
    Case(
        "start and stop events with fields",
        made_from(Reporting),
        start={"topic": "x", "points": [Point(x=9)]},
    ),
    Case(
        "a start event that is passed in",
        made_from(Reporting),
        start={"start_event": Given(topic="y")},
    ),
    Case("a start event that lacks a field", made_from(Reporting), interrupt=None),
    Case("events without declared fields", made_from(Loose)),
    Case("a model in an undeclared field", made_from(Carrying)),
    *(
        Case(f"a result that is {kind}", made_from(Ending), start={"kind": kind})
        for kind in _RESULTS
    ),
    Case("a stop event with undeclared fields", made_from(Extra)),
)
