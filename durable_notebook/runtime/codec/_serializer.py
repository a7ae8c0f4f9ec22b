"""Values as JSON that come back as they were, of declared or loaded classes only.

JSON has neither tuples nor sets, times, bytes, or keys that are no text. The library
turns them into something else or refuses them; here they are written with a mark.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from inspect import getattr_static
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from workflows.context.serializers import JsonSerializer
from workflows.events import DictLikeModel, Event, StopEvent

from durable_notebook._model import Json
from durable_notebook.runtime.codec._by_name import made_by_name

_MARK = "__is"
_TYPED = "typed"

# How each type is written, and made again. A subclass is not its base: an enumeration
# of text, or a named tuple, would come back as something else.
_WRITE: dict[type[Any], Callable[[Any], Json]] = {
    tuple: list,
    set: list,
    frozenset: list,
    datetime: datetime.isoformat,
    date: date.isoformat,
    bytes: lambda value: base64.b64encode(value).decode("ascii"),
    Decimal: str,
}
_READ: dict[str, Callable[[Any], Any]] = {
    "dict": dict,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "bytes": base64.b64decode,
    "Decimal": Decimal,
}


@dataclass(frozen=True, slots=True)
class Whole:
    """A value that is written at once, whatever in it has changed."""

    value: Any


def has_odd_keys(value: object) -> bool:
    """Whether there is a dictionary in a value that JSON would change the keys of."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value) or _MARK in value:
            return True
        return any(map(has_odd_keys, value.values()))
    return isinstance(value, (list, tuple)) and any(map(has_odd_keys, value))


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

    def serialize_value(self, value: Any) -> Any:
        kind = type(value)
        if kind is Whole:
            return self.serialize_value(value.value)
        if kind in _WRITE:
            written = _WRITE[kind](value)
            return {_MARK: kind.__name__, "value": super().serialize_value(written)}
        if kind is dict and (_MARK in value or not all(type(k) is str for k in value)):
            pairs = [[self.serialize_value(k), v] for k, v in value.items()]
            return {_MARK: "dict", "value": super().serialize_value(pairs)}
        if isinstance(value, Event):
            return self._event(value)
        return super().serialize_value(value)

    def _event(self, event: Event) -> Json:
        shape = _shape(type(event))
        if shape.is_component:
            tree = super().serialize_value(event)
        else:
            # As the library has it, without asking each event what its class knows,
            # and also where the event has a value that is called `class_name`.
            tree = {
                "__is_pydantic": True,
                "value": shape.form(event),
                "qualified_name": shape.name,
            }
        typed = self._typed(event, shape)
        return tree | typed if typed else tree

    def deserialize_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            return super().deserialize_value(data)
        if _MARK in data:
            return self._marked(data[_MARK], super().deserialize_value(data["value"]))
        try:
            value = super().deserialize_value(data)
        except ValidationError as e:
            if not data.get("__is_pydantic"):
                raise
            # Written by names, which a field with an alias does not take.
            kind = self.resolve_class(data["qualified_name"])
            with self.validation_context():
                value = made_by_name(kind, data["value"], e)
        if isinstance(value, DictLikeModel) and data.get("__is_pydantic"):
            self._retype(value, data.get(_TYPED, {}))
        return value

    def _marked(self, mark: str, value: Any) -> Any:
        try:
            return _READ[mark](value)
        except (KeyError, TypeError) as e:
            raise ValueError(f"{mark!r} is not how a value is written here") from e

    def _typed(self, event: Event, shape: _Shape) -> dict[str, Json]:
        """What the form of an event needs besides, for its loose values to come back.

        Declared fields come back by their declaration; what is in others, or in a
        result, pydantic writes without its type, and a stop event's not at all.
        """
        loose = _loose(event, shape)
        if not loose:
            return {}
        # Most values are plain, and so is what is written of them.
        written = {k: self.serialize_value(v) for k, v in loose.items() if not plain(v)}
        if isinstance(event, StopEvent):
            written |= {k: v for k, v in event.items() if plain(v)}
        return {_TYPED: written} if written else {}

    def _retype(self, model: DictLikeModel, typed: dict[str, Json]) -> None:
        for name, tree in typed.items():
            value = self.deserialize_value(tree)
            if name == "result" and isinstance(model, StopEvent):
                model._result = value
            else:
                setattr(model, name, value)


def plain(value: object) -> bool:
    """Whether a value is JSON already."""
    if isinstance(value, dict):
        keys_are_text = all(type(key) is str for key in value) and _MARK not in value
        return keys_are_text and all(map(plain, value.values()))
    if isinstance(value, list):
        return all(map(plain, value))
    return value is None or type(value) in (str, int, float, bool)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is the same of every event of a class.

    `loose` are the fields of which no declaration tells the type, `enums` those that
    are one of a set of names. If it `is_flat`, its form is its fields as they stand.
    """

    name: str
    is_component: bool
    loose: tuple[str, ...]
    has_own_result: bool
    fields: frozenset[str]
    enums: tuple[str, ...]
    is_flat: bool

    @classmethod
    def of(cls, kind: type[Event]) -> _Shape:
        fields = kind.model_fields
        return cls(
            name=f"{kind.__module__}.{kind.__name__}",
            is_component=hasattr(kind, "class_name") and hasattr(kind, "from_dict"),
            loose=tuple(name for name, f in fields.items() if f.annotation is Any),
            has_own_result=issubclass(kind, StopEvent) and "result" not in fields,
            fields=frozenset(fields),
            enums=tuple(name for name, f in fields.items() if _is_enum(f.annotation)),
            is_flat=_is_flat(kind),
        )

    def form(self, event: Event) -> dict[str, Json]:
        """An event as pydantic writes it; that takes several times as long."""
        if self.is_flat and not _dynamic(event):
            form = dict(event.__dict__)
            if form.keys() == self.fields:
                for name in self.enums:
                    if isinstance(form[name], Enum):
                        form[name] = form[name].value
                # A declaration does not keep anybody from assigning something else.
                if _PLAIN.issuperset(map(type, form.values())):
                    return form
        return event.model_dump(mode="json")


# No floats: pydantic has its own way with those that are no number.
_PLAIN = frozenset((str, int, bool, NoneType))


def _is_flat(kind: type[Event]) -> bool:
    """Whether a class declares plain fields only, and nothing of how to write them."""
    own, usual = kind.__pydantic_decorators__, Event.__pydantic_decorators__
    is_usual = (
        all(getattr_static(kind, n) is getattr_static(Event, n) for n in _WRITERS)
        and kind.model_config == Event.model_config
        and own.model_serializers.keys() == usual.model_serializers.keys()
        and not (own.field_serializers or own.computed_fields)
    )
    return is_usual and all(map(_is_plain_field, kind.model_fields.values()))


# By these a class can say how its events are written.
_WRITERS = ("model_dump", "custom_model_dump", "__get_pydantic_core_schema__")


def _is_plain_field(field: FieldInfo) -> bool:
    # Whether there is another way to write it, or to leave it out.
    has_own = field.metadata or field.exclude or getattr(field, "exclude_if", None)
    return not has_own and _is_plain_type(field.annotation)


def _is_plain_type(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, UnionType):
        return all(map(_is_plain_type, get_args(annotation)))
    return annotation in _PLAIN or _is_enum(annotation)


def _is_enum(annotation: Any) -> bool:
    is_enum = isinstance(annotation, type) and issubclass(annotation, Enum)
    return is_enum and not hasattr(annotation, "__get_pydantic_core_schema__")


# Looking through the fields of a model takes longer than writing a small one.
_shapes: WeakKeyDictionary[type[Event], _Shape] = WeakKeyDictionary()


def _shape(kind: type[Event]) -> _Shape:
    found = _shapes.get(kind)
    if found is None:
        found = _Shape.of(kind)
        if kind.__pydantic_complete__:  # Its fields are what they will be.
            _shapes[kind] = found
    return found


def _dynamic(event: Event) -> dict[str, Any]:
    """The values that an event was given under names its class does not declare."""
    # Asking the event for `_data` takes longer than all the rest of its form.
    found: dict[str, Any] = (event.__pydantic_private__ or {}).get("_data", {})
    return found


def _loose(event: Event, shape: _Shape) -> Mapping[str, Any]:
    """The values of an event that no declaration tells the type of."""
    dynamic = _dynamic(event)
    if not (dynamic or shape.loose or shape.has_own_result):
        return dynamic
    found = dict(dynamic)
    found |= {name: event.__dict__[name] for name in shape.loose}
    if shape.has_own_result:
        found["result"] = cast("Any", event)._result
    return found
