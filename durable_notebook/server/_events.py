"""The stream of a run as a server sends it: numbered envelopes."""

from __future__ import annotations

from workflows.events import Event

from durable_notebook._model import EventView, Json, at
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.server._theirs import (
    EventEnvelopeWithMetadata,
    StoredEvent,
    StoredTick,
)


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
