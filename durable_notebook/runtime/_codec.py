"""Between live objects and JSON: events, ticks, exceptions.

Reading is closed: a name in the journal resolves to a class that the workflow
declares, or that a loaded module already has. Nothing is imported for it.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from workflows.context.serializers import BaseSerializer, JsonSerializer
from workflows.events import Event, StopEvent, UnreconstructedException
from workflows.runtime.types.results import AddWaiter
from workflows.runtime.types.ticks import (
    TickStepResult,
    WorkflowTick,
    WorkflowTickAdapter,
)

from durable_notebook._model import Json
from durable_notebook.runtime._redaction import Redaction


class ClosedJsonSerializer(JsonSerializer):
    """JSON whose class names resolve to declared or already loaded classes only."""

    def __init__(self, allowed_types: Iterable[type[Any] | str] = ()) -> None:
        super().__init__(allowed_types=allowed_types)

    def with_types(self, *classes: type[Any]) -> ClosedJsonSerializer:
        known = self._registered_types.values()
        return ClosedJsonSerializer(tuple(dict.fromkeys((*known, *classes))))

    def resolve_class(self, qualified_name: str) -> type[Any]:
        try:
            return super().resolve_class(qualified_name)
        except ValueError:
            module, _, name = qualified_name.rpartition(".")
            found = getattr(sys.modules.get(module), name, None)
            # Models and exceptions only: making one of those is reading data.
            if isinstance(found, type) and issubclass(found, (BaseModel, Exception)):
                return found
            raise


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
        event = self.serializer.deserialize_value(tree)
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
        events: list[Any] = [value] if isinstance(value, Event) else []
        events += [r.result for r in getattr(value, "result", []) if _has_event(r)]
        events += [getattr(value, "event", None)]
        for event in filter(None, events):
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
        tree = tick.model_dump(mode="json")
        if isinstance(tick, TickStepResult):
            for result, written in zip(tick.result, tree["result"], strict=True):
                # The library leaves the requirements of a wait out. Without them,
                # any answer of the type would end it when the tick is reduced again.
                if isinstance(result, AddWaiter) and result.requirements:
                    plain = self.serializer.serialize_value(result.requirements)
                    written["requirements"] = plain
        tree = {k: v for k, v in tree.items() if v is not None and v not in ([], {})}
        return self.redaction.tree(tree)

    def read_tick(self, tree: Json) -> WorkflowTick:
        """The tick of a tree."""
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
        kind = type(error)
        name = f"{kind.__module__}.{kind.__qualname__}"
        tree: dict[str, Json] = {"type": name, "message": str(error)}
        if error.args != (str(error),) and all(type(a) in _PLAIN for a in error.args):
            tree["args"] = list(error.args)
        return tree

    def read_exception(self, tree: dict[str, Json]) -> Exception:
        """The exception of a tree: of its own type wherever that can be made."""
        name, message = tree["type"], tree["message"]
        # The class is the user's, and so is what it may raise.
        with contextlib.suppress(Exception):
            module, _, attribute = name.rpartition(".")
            kind = (
                getattr(sys.modules["builtins"], attribute)
                if module == "builtins"
                else self.serializer.resolve_class(name)
            )
            if isinstance(kind, type) and issubclass(kind, Exception):
                return _remade(kind, message, tree.get("args"))
        return UnreconstructedException(message, original_type=name)


def _has_event(result: Any) -> bool:
    return isinstance(getattr(result, "result", None), Event)


_PLAIN = (str, int, float, bool, type(None))


def _remade(kind: type[Exception], message: str, args: list[Json] | None) -> Exception:
    """An error of this class that says what it said when it was raised."""
    # Not through its constructor: many take something else than their args, and put
    # the message together from it a second time.
    error = kind.__new__(kind)
    for found in (message,) if args is None else tuple(args), (message,):
        error.args = found
        if str(error) == message:
            return error
    raise ValueError(message)


def qualified_name(kind: type[Any]) -> str:
    """The name under which a class stands in the journal."""
    return f"{kind.__module__}.{kind.__qualname__}"
