"""Messages to runs as the mailbox keeps them, made without the classes of events."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from durable_notebook._model import EventView, Json, Prompt
from durable_notebook._schema import (
    DEEPEST,
    has_secret,
    is_deeper,
    problems,
    read_fields,
)
from durable_notebook.errors import InvalidFieldsError, UncheckedAnswerError

UNCHECKED = "unchecked"
"""Marks a message whose sender did not have its class.

The process that executes the run has it, and may refuse what does not fit: then the
message is taken out, and what it answered is open again. A message without the mark
was checked when it was sent. It is kept until it can be read, whatever it takes.
"""

SECRET = "secret"  # noqa: S105 - the name of a mark
"""Marks a message that holds what an entry masks: it is emptied once it is taken."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way: the event in it, its JSON form, and who sends it."""

    event: EventView
    text: str
    by: str | None = None


def cancellation() -> str:
    """The message that asks a run to end."""
    return json.dumps({"type": "cancel_run"})


def answer_message(
    prompt: Prompt, texts: Mapping[str, str], by: str | None = None
) -> Message:
    """An answer to a question, of fields as a person types them.

    They are checked against what the question recorded of the classes that answer it.

    Raises:
        UncheckedAnswerError: It recorded nothing.
        InvalidFieldsError: They fit none of these classes.
    """
    return _checked(prompt, lambda schema: read_fields(texts, schema), by)


def values_message(prompt: Prompt, fields: Mapping[str, Json], by: str) -> Message:
    """The same of fields that have their values already."""
    deep = [name for name, value in fields.items() if is_deeper(value, DEEPEST)]
    if deep:
        wrong = dict.fromkeys(deep, f"it is nested more than {DEEPEST} times")
        raise InvalidFieldsError(prompt.answer_name, wrong, list(fields))
    return _checked(prompt, lambda _: dict(fields), by)


def _checked(
    prompt: Prompt, read: Callable[[Json], dict[str, Json]], by: str | None
) -> Message:
    refused: InvalidFieldsError | None = None
    for name, schema in zip(prompt.expects, prompt.schemas, strict=True):
        if schema is None:
            continue
        fields = {**read(schema), **prompt.requirements}
        wrong, known = problems(fields, schema), list(schema.get("properties", {}))
        if not wrong:
            marks: dict[str, Json] = {UNCHECKED: True}
            marks |= {SECRET: True} if has_secret(schema) else {}
            message = _event_message(name, fields, marks, is_loose=not known)
            return replace(message, by=by)
        short = name.rpartition(".")[2]
        refused = refused or InvalidFieldsError(short, wrong, known)
    raise refused or UncheckedAnswerError(prompt.run_id, prompt.answer_name)


def _event_message(
    name: str, fields: dict[str, Json], marks: dict[str, Json], *, is_loose: bool
) -> Message:
    """A message with an event of a class that is not here.

    `is_loose` says that the class declares no fields: the event keeps all it is given.
    """
    event = {
        "__is_pydantic": True,
        "value": {"_data": fields} if is_loose and fields else fields,
        "qualified_name": name,
    }
    tree = {"type": "add_event", "event": event, **marks}
    shown = dict.fromkeys(fields, "**********") if SECRET in marks else fields
    view = EventView(name.rpartition(".")[2], shown)
    return Message(view, json.dumps(tree, ensure_ascii=True))
