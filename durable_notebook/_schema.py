"""What fields an event takes, as data, so that they can be checked without its class.

A question records this of the events that answer it. It is pydantic's JSON schema
without what a check does not need; whatever it cannot express is left to the class.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaWarningKind

from durable_notebook._model import Json

# A question stands in every entry while it is open.
_LONGEST = 4_000

# A form is made when somebody looks at it, and is not kept.
_LONGEST_FORM = 200_000

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


def form_schema(kind: type[BaseModel]) -> Json:
    """The fields of a class for a form: with titles and defaults, none of them secret.

    A field that JSON has not is one of any value. None if there is no end to it.
    """
    try:
        found = kind.model_json_schema(by_alias=False, schema_generator=_Lenient)
    except PydanticUserError:
        return None
    found = _without_secrets(found)
    return found if len(json.dumps(found, default=str)) <= _LONGEST_FORM else None


class _Lenient(GenerateJsonSchema):
    """Leaves out what it cannot say, silently."""

    ignored_warning_kinds: ClassVar[set[JsonSchemaWarningKind]] = {  # type: ignore[misc]
        "skipped-choice",
        "non-serializable-default",
    }

    def decimal_schema(self, schema: Json) -> Json:  # noqa: ARG002
        # As text it stays exact.
        return {"type": "string", "format": "decimal"}

    def datetime_schema(self, schema: Json) -> Json:
        zone = schema.get("tz_constraint")
        of_zone = {"zone": zone} if zone in ("aware", "naive") else {}
        return super().datetime_schema(schema) | of_zone

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Json:  # noqa: ARG002
        return {}


def _without_secrets(node: Json) -> Json:
    if isinstance(node, list):
        return [_without_secrets(item) for item in node]
    if not isinstance(node, dict):
        return node
    is_secret = "default" in node and has_secret(node)
    return {
        name: value if name in ("default", "enum", "const") else _without_secrets(value)
        for name, value in node.items()
        if not (is_secret and name == "default")
    }


def has_secret(node: Json) -> bool:
    """Whether a schema has a field that is masked."""
    if isinstance(node, dict):
        is_one = node.get("format") == "password" and node.get("type") == "string"
        return is_one or any(map(has_secret, node.values()))
    return isinstance(node, list) and any(map(has_secret, node))


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


DEEPEST = 100
"""How often values may be nested: deeper ones might not be readable on a resume."""


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
    """What is wrong, by the path of the value; empty if they fit as far as can be told.

    A path is written as in Python: `lines[1].qty`.
    """
    known = schema.get("properties", {})
    found = {n: "there is no such field" for n in fields if known and n not in known}
    inner = {n: v for n, v in fields.items() if n not in found}
    return found | _of_members(inner, schema, schema, "")


def path_of(location: Iterable[str | int]) -> str:
    """The path of a value, out of where pydantic found it."""
    parts = [f"[{p}]" if isinstance(p, int) else f".{p}" for p in location]
    return "".join(parts).removeprefix(".")


def problem(value: Json, node: Json, schema: Json) -> str | None:
    """What is wrong about a value, in a few words; None if it fits."""
    return next(iter(_problems(value, node, schema, "").values()), None)


def _problems(value: Json, node: Json, schema: Json, where: str) -> dict[str, str]:
    node = _resolved(node, schema)
    choices = node.get("anyOf") or node.get("oneOf")
    if choices:
        return _of_choices(value, choices, schema, where)
    if "const" in node or "enum" in node:
        allowed = node.get("enum", [node.get("const")])
        listed = ", ".join(json.dumps(each, ensure_ascii=False) for each in allowed)
        return {} if value in allowed else {where: f"it is none of {listed}"}
    kind = node.get("type")
    if kind not in _KINDS:
        return {}
    is_one, name = _KINDS[kind]
    if not is_one(value):
        return {where: f"it is not {name}"}
    wrong = _bounds(value, node)
    return _inside(value, node, schema, where) if wrong is None else {where: wrong}


def _of_choices(
    value: Json, choices: list[Json], schema: Json, where: str
) -> dict[str, str]:
    found = [_problems(value, choice, schema, where) for choice in choices]
    # What is wrong deeper inside is of the choice that was most likely meant.
    deeper = [each for each in found if where not in each]
    return {} if {} in found else (deeper or found)[0]


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


def _inside(value: Json, node: Json, schema: Json, where: str) -> dict[str, str]:
    if isinstance(value, list):
        kinds = node.get("prefixItems", [])
        rest = node.get("items")
        kinds = [*kinds, *[rest if isinstance(rest, dict) else {}] * len(value)]
        inner = [
            _problems(each, kind, schema, f"{where}[{n}]")
            for n, (each, kind) in enumerate(zip(value, kinds, strict=False))
        ]
    elif isinstance(value, dict):
        inner = [_of_members(value, node, schema, where)]
    else:
        inner = []
    return {path: wrong for found in inner for path, wrong in found.items()}


def _of_members(
    value: Mapping[str, Json], node: Json, schema: Json, where: str
) -> dict[str, str]:
    known, rest = node.get("properties", {}), node.get("additionalProperties")
    rest = rest if isinstance(rest, dict) else {}
    found: dict[str, str] = {}
    for name, each in value.items():
        path = f"{where}.{name}" if where else name
        found |= _problems(each, known.get(name, rest), schema, path)
    for name in node.get("required", []):
        if name not in value:
            found[f"{where}.{name}" if where else name] = "field required"
    return found


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
