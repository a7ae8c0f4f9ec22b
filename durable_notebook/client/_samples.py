"""A start event, made up: what a request to run a workflow may look like."""

from __future__ import annotations

from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError
from workflows import Workflow
from workflows.events import HumanResponseEvent, InputRequiredEvent

from durable_notebook._model import Json
from durable_notebook.client._requests import make_event
from durable_notebook.errors import InvalidFieldsError

_OF_FORMAT = {
    "date": "2030-01-31",
    "date-time": "2030-01-31T12:00:00",
    "time": "12:00:00",
    "email": "ada@example.org",
    "uri": "https://example.org",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def sample_start(workflow: Workflow) -> dict[str, Json] | None:
    """A start event as a request has it, with what it must have; None if unknown."""
    kind = workflow.start_event_class
    try:
        schema = kind.model_json_schema()
        fields = _object(schema, schema)
        make_event(kind, fields)
    except (
        InvalidFieldsError,
        KeyError,
        PydanticInvalidForJsonSchema,
        PydanticUserError,
    ):
        return None
    # A field of that name would be taken for an envelope's.
    return {"type": kind.__name__, "value": fields} if "value" in fields else fields


def asks(workflow: Workflow) -> bool:
    """Whether runs of a workflow may wait for somebody, as far as it shows."""
    people = (InputRequiredEvent, HumanResponseEvent)
    if any(issubclass(kind, people) for kind in workflow.events):
        return True
    steps = workflow._get_steps().values()
    codes = [getattr(step, "__code__", None) for step in steps]
    return any(code and "wait_for_event" in code.co_names for code in codes)


def _object(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Json]:
    properties = node.get("properties", {})
    required = node.get("required", ())
    return {name: _sample(properties[name], schema) for name in required}


def _sample(node: dict[str, Any], schema: dict[str, Any]) -> Json:
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    for given in ("examples", "enum"):
        if node.get(given):
            return node[given][0]
    if "const" in node:
        return node["const"]
    for several in ("anyOf", "oneOf", "allOf"):
        if node.get(several):
            return _sample(node[several][0], schema)
    return _of_type(node, schema)


def _of_type(node: dict[str, Any], schema: dict[str, Any]) -> Json:
    kind = node.get("type")
    if kind in ("integer", "number"):
        return _number(node)
    if kind == "string":
        text: str = _OF_FORMAT.get(node.get("format", ""), "text")
        return text.ljust(node.get("minLength", 0), ".")[: node.get("maxLength")]
    if kind == "array":
        return [_sample(node["items"], schema) for _ in range(node.get("minItems", 0))]
    if kind == "object":
        return _object(node, schema)
    return kind == "boolean" or "text"


def _number(node: dict[str, Any]) -> Json:
    lowest = node.get("minimum", node.get("exclusiveMinimum", 0) + 1)
    return min(lowest, node.get("maximum", lowest))
