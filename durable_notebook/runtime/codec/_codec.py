"""Between live objects and JSON: events and ticks.

Reading is closed (`_serializer`): nothing is imported for a name in the journal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import to_jsonable_python
from workflows.context.serializers import BaseSerializer, JsonSerializer
from workflows.events import Event, StopEvent
from workflows.runtime.types.results import AddWaiter
from workflows.runtime.types.ticks import (
    TickAddEvent,
    TickStepResult,
    WorkflowTick,
    WorkflowTickAdapter,
)

from durable_notebook._model import Json
from durable_notebook.runtime.codec._exceptions import remade, written
from durable_notebook.runtime.codec._redaction import Redaction
from durable_notebook.runtime.codec._serializer import ClosedJsonSerializer
from durable_notebook.runtime.codec._ticks import plain_tick


class Codec:
    """Writes and reads what a run's journal entries hold."""

    def __init__(
        self, serializer: BaseSerializer, redaction: Redaction | None = None
    ) -> None:
        self.redaction = redaction or Redaction()
        # A serializer that is not JSON cannot write a journal that tools can read.
        self.serializer = (
            serializer
            if isinstance(serializer, JsonSerializer)
            else ClosedJsonSerializer()
        )

    def event(self, event: Event) -> Json:
        """An event as a tree that names its class."""
        return self.redaction.tree(self.serializer.serialize_value(event))

    def read_event(self, tree: Json) -> Event:
        """The event of a tree.

        Raises:
            ValueError: The tree names no known event class, or does not fit it.
        """
        event = self.serializer.deserialize_value(self._with_errors(tree))
        if not isinstance(event, Event):
            raise ValueError(f"{type(event).__name__} is not an event")
        return event

    def undefined(self, tree: Json) -> str | None:
        """The first class that a tree names and this process does not have."""
        name: Json = tree.get("qualified_name") if isinstance(tree, dict) else None
        if isinstance(name, str):
            try:
                self.serializer.resolve_class(name)
            except ValueError:
                return name
        if not isinstance(tree, (dict, list)):
            return None
        inner = tree.values() if isinstance(tree, dict) else tree
        return next(filter(None, map(self.undefined, inner)), None)

    def unstorable(self, value: Event | WorkflowTick) -> str | None:
        """Name the event of a tick, and its field, that JSON cannot hold."""
        events = [value] if isinstance(value, Event) else _held_by(value)
        for event in events:
            result = {"result": event.result} if isinstance(event, StopEvent) else {}
            for name, field in {**dict(event.__dict__), **event, **result}.items():
                try:
                    json.dumps(self.serializer.serialize_value({name: field}))
                    to_jsonable_python(field)
                except Exception:
                    return f"{type(event).__name__}.{name}"
        return None

    def tick(self, tick: WorkflowTick) -> Json:
        """A tick as a tree, without the members that are empty."""
        tree = None
        if isinstance(self.serializer, ClosedJsonSerializer):
            tree = plain_tick(tick, self.serializer.serialize_value)
        if tree is None:
            tree = self.tick_by_the_library(tick)
        return self.redaction.tree(tree)

    def tick_by_the_library(self, tick: WorkflowTick) -> dict[str, Json]:
        """The same, by pydantic: slower, and for every tick."""
        tree = tick.model_dump(mode="json")
        if isinstance(self.serializer, ClosedJsonSerializer):
            for event, form in _events_of(tick, tree):
                form.clear()
                form.update(self.serializer.serialize_value(event))
        if isinstance(tick, TickStepResult):
            for result, written in zip(tick.result, tree["result"], strict=True):
                # The library leaves the requirements of a wait out. Without them,
                # any answer of the type would end it when the tick is reduced again.
                if isinstance(result, AddWaiter) and result.requirements:
                    plain = self.serializer.serialize_value(result.requirements)
                    written["requirements"] = plain
        return {k: v for k, v in tree.items() if v is not None and v not in ([], {})}

    def read_tick(self, tree: Json) -> WorkflowTick:
        """The tick of a tree."""
        tree = self._with_errors(tree)
        if tree["type"] == "step_result":
            results = [self._with_requirements(r) for r in tree.get("result", [])]
            tree = {**tree, "result": results}
        with self.serializer.validation_context():
            return WorkflowTickAdapter.validate_python(tree)

    def _with_requirements(self, result: dict[str, Json]) -> dict[str, Json]:
        if not result.get("requirements"):
            return result
        read = self.serializer.deserialize_value(result["requirements"])
        return {**result, "requirements": read}

    def exception(self, error: BaseException) -> dict[str, Json]:
        """An exception as its type's name and its message."""
        return written(error)

    def read_exception(self, tree: dict[str, Json]) -> Exception:
        """The exception of a tree: of its own type wherever that can be made."""
        return remade(tree, self.serializer.resolve_class)

    def _with_errors(self, tree: Json) -> Json:
        """A tree with the errors in it made again.

        The library makes them through their constructors. Many of those take something
        else than a message, or put the message together from it a second time.
        """
        if isinstance(tree, list):
            return [self._with_errors(each) for each in tree]
        if not isinstance(tree, dict):
            return tree
        found = {name: self._with_errors(each) for name, each in tree.items()}
        for name in _ERROR_FIELDS & tree.keys():
            if isinstance(tree[name], dict) and tree[name].keys() == _ERROR_KEYS:
                error = {"type": tree[name]["exception_type"]}
                error["message"] = tree[name]["exception_message"]
                found[name] = self.read_exception(error)
        return found


def plain_codec(redact: Iterable[str] = ()) -> Codec:
    """One that knows no workflow: it writes any event, and reads those loaded."""
    return Codec(ClosedJsonSerializer(), Redaction(redact))


# Where the library's ticks, and what is in them, have an event.
_HOLDERS = ("event", "result", "waiter_event")

# Where the library's ticks and events have errors, and how it writes them.
_ERROR_FIELDS = {"exception", "last_exception"}
_ERROR_KEYS = {"exception_type", "exception_message"}


def _events_of(tick: WorkflowTick, tree: Json) -> Iterator[tuple[Event, Json]]:
    """The events of a tick, each with its tree."""
    yield from _events_in(tick, tree)
    if isinstance(tick, TickAddEvent):
        for name, bound in (tick.bound_events or {}).items():
            yield bound, tree["bound_events"][name]
        payload = tick.collection_release_payload
        if payload is not None:
            forms = tree["collection_release_payload"]["events"]
            yield from zip(payload.events, forms, strict=True)
    if isinstance(tick, TickStepResult):
        items, forms = [*tick.result, *tick.sends], [*tree["result"], *tree["sends"]]
        for item, form in zip(items, forms, strict=True):
            yield from _events_in(item, form)


def _events_in(item: Any, tree: Json) -> Iterator[tuple[Event, Json]]:
    for name in _HOLDERS:
        event = getattr(item, name, None)
        if isinstance(event, Event):
            yield event, tree[name]


def _held_by(tick: WorkflowTick) -> list[Event]:
    """The events that a tick was made of, has brought or has sent."""
    items: list[Any] = [tick]
    if isinstance(tick, TickStepResult):
        items += [*tick.result, *tick.sends]
    held = [getattr(i, name, None) for i in items for name in _HOLDERS]
    return [event for event in held if isinstance(event, Event)]


def qualified_name(kind: type[Any]) -> str:
    """The name under which a class stands in the journal."""
    return f"{kind.__module__}.{kind.__qualname__}"
