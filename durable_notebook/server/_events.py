"""The stream of a run as a server sends it: numbered envelopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from workflows.events import Event

from durable_notebook._model import EventView, Json, at
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.server._theirs import (
    EventEnvelopeWithMetadata,
    StoredEvent,
    StoredTick,
)


class RecordedEvents(Sequence[StoredEvent]):
    """The events on disk from a number on, read when one looks at them.

    For each reader a server asks for all events of a run, up to three times, and looks
    at whether there are any and at the last: that must not read a long journal.
    """

    def __init__(self, runtime: DBOSRuntime, run_id: str, first: int) -> None:
        last = runtime.store.last_entry(run_id)
        self._runtime = runtime
        self._run_id = run_id
        self._first = first
        self._position = -1 if last is None else last.position
        self._end = 0 if last is None else last.entry.events
        self._loaded: list[StoredEvent] | None = None

    def __len__(self) -> int:
        return max(0, self._end - self._first)

    @overload
    def __getitem__(self, index: int) -> StoredEvent: ...
    @overload
    def __getitem__(self, index: slice) -> list[StoredEvent]: ...
    def __getitem__(self, index: int | slice) -> StoredEvent | list[StoredEvent]:
        if index == -1 and self._loaded is None and len(self) > 0:
            return self._newest()
        return self._all()[index]

    def _all(self) -> list[StoredEvent]:
        if self._loaded is None:
            found = recorded_events(self._runtime, self._run_id, self._first)
            self._loaded = found[: len(self)]  # There may be more by now.
        return self._loaded

    def _newest(self) -> StoredEvent:
        """The last event, out of the last entry that has one."""
        span = 1
        while True:
            behind = max(-1, self._position - span)
            entries = self._runtime.store.entries(self._run_id, after=behind)
            for recorded in reversed(entries):
                entry = recorded.entry
                if recorded.position <= self._position and entry.stream:
                    trees = entry.stream[-1:]
                    read = self._runtime.read_events
                    (event,) = read(self._run_id, trees, plain_envelope)
                    return numbered(self._run_id, self._end - 1, event, entry.at)
            if behind < 0:
                return self._all()[-1]
            span *= 8


def recorded_events(runtime: DBOSRuntime, run_id: str, after: int) -> list[StoredEvent]:
    """The events on disk from a number on. In a thread: it may be much to read."""
    trees: list[Json] = []
    times: list[float] = []
    for recorded in runtime.store.entries(run_id):
        entry = recorded.entry
        first = entry.events - len(entry.stream)
        new = entry.stream[max(after - first, 0) :]
        trees += new
        times += [entry.at] * len(new)
    events = runtime.read_events(run_id, trees, plain_envelope)
    return [
        numbered(run_id, after + n, event, time_s)
        for n, (event, time_s) in enumerate(zip(events, times, strict=True))
    ]


def recorded_ticks(runtime: DBOSRuntime, run_id: str) -> list[StoredTick]:
    """The ticks on disk, as the journal has them. In a thread."""
    found = [
        (tree, recorded.entry.at)
        for recorded in runtime.store.entries(run_id)
        for tree in recorded.entry.ticks
    ]
    return [
        StoredTick(run_id=run_id, sequence=n, timestamp=at(time_s), tick_data=tree)
        for n, (tree, time_s) in enumerate(found)
    ]


def numbered(
    run_id: str, sequence: int, event: Event | EventEnvelopeWithMetadata, time_s: float
) -> StoredEvent:
    """An event in its place in the stream; a run's first has the number 0."""
    return StoredEvent(
        run_id=run_id,
        sequence=sequence,
        timestamp=at(time_s),
        event=event
        if isinstance(event, EventEnvelopeWithMetadata)
        else EventEnvelopeWithMetadata.from_event(event),
    )


def plain_envelope(tree: Json) -> EventEnvelopeWithMetadata:
    """What a client gets of an event whose class is not defined here: its data."""
    view = EventView.of(tree) or EventView("Event")
    name = tree.get("qualified_name") if isinstance(tree, dict) else None
    return EventEnvelopeWithMetadata(
        value=view.fields, qualified_name=name, type=view.name, types=None
    )
