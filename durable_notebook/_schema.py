"""What fields an event takes, as data, so that they can be checked without its class.

A question records this of the events that answer it. It is pydantic's JSON schema
without what a check does not need; whatever it cannot express is left to the class.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from durable_notebook._model import Json

# A question stands in every entry while it is open.
_LONGEST = 4_000

_NOT_NEEDED = ("title", "default", "examples")

# Making one takes a millisecond, and a question may be asked at every turn.
_made: WeakKeyDictionary[type[BaseModel], Json] = WeakKeyDictionary()


def schema_of(kind: type[BaseModel]) -> Json:
    """The fields of a class; None if it has too many, or some that JSON has not."""
    if kind not in _made:
        try:
            found = _plain(kind.model_json_schema(by_alias=False))
        except (PydanticInvalidForJsonSchema, PydanticUserError):
            found = None
        if len(json.dumps(found)) > _LONGEST:
            found = None
        _made[kind] = found
    return _made[kind]


def _plain(node: Json) -> Json:
    """A schema without titles, and without defaults, which may be secret."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {}
    for name, value in node.items():
        if name in ("properties", "$defs"):
            found[name] = {key: _plain(inner) for key, inner in value.items()}
        elif name in ("enum", "const"):
            found[name] = value
        elif name not in _NOT_NEEDED:
            found[name] = _plain(value)
    return found


# -- reading what a person types ------------------------------------------------------


def read_fields(texts: Mapping[str, str], schema: Json) -> dict[str, Json]:
    """The values of fields as a person types them.

    Each is JSON if it can be read as that, else text. A field that takes text and
    nothing else has what was typed.
    """
    return {
        name: _read(text, _field(schema, name), schema) for name, text in texts.items()
    }


def _read(text: str, node: Json, schema: Json) -> Json:
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)
    except ValueError:
        return text
    if not isinstance(value, str) and problem(value, node, schema) is not None:
        return text if problem(text, node, schema) is None else value
    return value


def _field(schema: Json, name: str) -> Json:
    return schema.get("properties", {}).get(name, {})


def is_deeper(value: object, most: int) -> bool:
    """Whether lists and objects are nested more than so many times."""
    level = [value]
    for _ in range(most + 1):
        inner = [
            each.values() if isinstance(each, dict) else each
            for each in level
            if isinstance(each, dict | list | tuple)
        ]
        level = [value for values in inner for value in values]
        if not level:
            return False
    return True


# -- checking --------------------------------------------------------------------------


def problems(fields: Mapping[str, Json], schema: Json) -> dict[str, str]:
    """What is wrong about each field; empty if they fit as far as can be told."""
    known = schema.get("properties", {})
    found = {}
    for name, value in fields.items():
        if known and name not in known:
            found[name] = "there is no such field"
            continue
        wrong = problem(value, known.get(name, {}), schema)
        if wrong is not None:
            found[name] = wrong
    for name in schema.get("required", []):
        if name not in fields:
            found[name] = "field required"
    return found


def problem(value: Json, node: Json, schema: Json) -> str | None:
    """What is wrong about a value, in a few words; None if it fits."""
    node = _resolved(node, schema)
    choices = node.get("anyOf") or node.get("oneOf")
    if choices:
        found = [problem(value, choice, schema) for choice in choices]
        return None if None in found else found[0]
    if "const" in node or "enum" in node:
        allowed = node.get("enum", [node.get("const")])
        listed = ", ".join(json.dumps(each, ensure_ascii=False) for each in allowed)
        return None if value in allowed else f"it is none of {listed}"
    kind = node.get("type")
    if kind not in _KINDS:
        return None
    is_one, name = _KINDS[kind]
    if not is_one(value):
        return f"it is not {name}"
    return _bounds(value, node) or _inside(value, node, schema)


def _resolved(node: Json, schema: Json) -> Json:
    reference = node.get("$ref", "")
    if not reference:
        return node
    return schema.get("$defs", {}).get(reference.rpartition("/")[2], {})


def _bounds(value: Json, node: Json) -> str | None:
    for name, (is_within, words) in _BOUNDS.items():
        if name in node and not is_within(value, node[name]):
            return f"it is {words} {node[name]}"
    return None


def _inside(value: Json, node: Json, schema: Json) -> str | None:
    inner: dict[str, str | None] = {}
    if isinstance(value, list) and isinstance(node.get("items"), dict):
        items = node["items"]
        inner = {str(n): problem(v, items, schema) for n, v in enumerate(value)}
    elif isinstance(value, dict) and "properties" in node:
        known = {k: v for k, v in value.items() if k in node["properties"]}
        inner = dict(problems(known, {"$defs": schema.get("$defs", {}), **node}))
    return next((f"{name}: {wrong}" for name, wrong in inner.items() if wrong), None)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "string": (lambda v: isinstance(v, str), "text"),
    "integer": (lambda v: _is_number(v) and v == int(v), "a whole number"),
    "number": (_is_number, "a number"),
    "boolean": (lambda v: isinstance(v, bool), "true or false"),
    "null": (lambda v: v is None, "null"),
    "array": (lambda v: isinstance(v, list), "a list"),
    "object": (lambda v: isinstance(v, dict), "an object"),
}

_BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (lambda v, bound: v >= bound, "less than"),
    "exclusiveMinimum": (lambda v, bound: v > bound, "not more than"),
    "maximum": (lambda v, bound: v <= bound, "more than"),
    "exclusiveMaximum": (lambda v, bound: v < bound, "not less than"),
    "minLength": (lambda v, bound: len(v) >= bound, "shorter than"),
    "maxLength": (lambda v, bound: len(v) <= bound, "longer than"),
    "minItems": (lambda v, bound: len(v) >= bound, "shorter than"),
    "maxItems": (lambda v, bound: len(v) <= bound, "longer than"),
}


# -- saying ----------------------------------------------------------------------------


def usage(schema: Json) -> dict[str, str]:
    """Each field that must be given, and what it takes in a word: `approved: true`."""
    required = schema.get("required", [])
    return {name: _example(_field(schema, name), schema) for name in required}


def _example(node: Json, schema: Json) -> str:
    node = _resolved(node, schema)
    if "enum" in node:
        return str(node["enum"][0])
    if "const" in node:
        return str(node["const"])
    if "anyOf" in node:
        return _example(node["anyOf"][0], schema)
    return _EXAMPLES.get(node.get("type", ""), "...")


_EXAMPLES = {"boolean": "true", "integer": "1", "number": "1.5", "array": "[]"}
