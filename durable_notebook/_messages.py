"""Messages to runs as the mailbox keeps them, made without the classes of events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from durable_notebook._model import EventView, Json, Prompt
from durable_notebook._schema import problems, read_fields
from durable_notebook.errors import InvalidFieldsError, UncheckedAnswerError

UNCHECKED = "unchecked"
"""Marks a message whose sender did not have its class.

The process that executes the run has it, and may refuse what does not fit: then the
message is taken out, and what it answered is open again. A message without the mark
was checked when it was sent. It is kept until it can be read, whatever it takes.
"""


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way: the event in it, and its JSON form."""

    event: EventView
    text: str


def cancellation() -> str:
    """The message that asks a run to end."""
    return json.dumps({"type": "cancel_run"})


def answer_message(prompt: Prompt, texts: Mapping[str, str]) -> Message:
    """An answer to a question, of fields as a person types them.

    They are checked against what the question recorded of the classes that answer it.

    Raises:
        UncheckedAnswerError: It recorded nothing.
        InvalidFieldsError: They fit none of these classes.
    """
    refused: InvalidFieldsError | None = None
    for name, schema in zip(prompt.expects, prompt.schemas, strict=True):
        if schema is None:
            continue
        fields = {**read_fields(texts, schema), **prompt.requirements}
        wrong, known = problems(fields, schema), list(schema.get("properties", {}))
        if not wrong:
            return _event_message(name, fields, is_loose=not known)
        short = name.rpartition(".")[2]
        refused = refused or InvalidFieldsError(short, wrong, known)
    raise refused or UncheckedAnswerError(prompt.run_id, prompt.answer_name)


def _event_message(name: str, fields: dict[str, Json], *, is_loose: bool) -> Message:
    """A message with an event of a class that is not here.

    `is_loose` says that the class declares no fields: the event keeps all it is given.
    """
    event = {
        "__is_pydantic": True,
        "value": {"_data": fields} if is_loose and fields else fields,
        "qualified_name": name,
    }
    tree = {"type": "add_event", "event": event, UNCHECKED: True}
    view = EventView(name.rpartition(".")[2], fields)
    return Message(view, json.dumps(tree, ensure_ascii=True))
