"""What a caller hands in, checked: workflows to run and fields to make events of.

Every mistake is one plain sentence that says what to do.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from workflows import Workflow
from workflows.events import Event, StartEvent
from workflows.runtime.types.ticks import TickAddEvent

from durable_notebook._model import EventView, Json, Prompt
from durable_notebook._schema import (
    DEEPEST,
    is_deeper,
    path_of,
    read_fields,
    schema_of,
)
from durable_notebook._schema import problems as unfit
from durable_notebook.errors import (
    InvalidFieldsError,
    NotAWorkflowError,
    UncheckedAnswerError,
)
from durable_notebook.operations._messages import Message
from durable_notebook.runtime import DBOSRuntime, message_tree, plain_codec
from durable_notebook.runtime.codec._by_name import made_by_name


def instantiate(workflow: object) -> Workflow:
    """The instance itself, or one of the class, without a timeout if it takes one.

    Raises:
        NotAWorkflowError: It is neither, or its constructor needs arguments.
    """
    if isinstance(workflow, Workflow):
        return workflow
    if not (isinstance(workflow, type) and issubclass(workflow, Workflow)):
        name = getattr(workflow, "__name__", repr(workflow)[:60])
        raise NotAWorkflowError(name, f"a {type(workflow).__name__}")
    parameters = inspect.signature(workflow).parameters
    takes_timeout = "timeout" in parameters or any(
        p.kind is p.VAR_KEYWORD for p in parameters.values()
    )
    try:
        return workflow(timeout=None) if takes_timeout else workflow()
    except TypeError as e:
        kind = f"a class that needs arguments ({e}), so make the instance yourself"
        raise NotAWorkflowError(workflow.__name__, kind) from e


def adopt(workflow: Workflow, runtime: DBOSRuntime) -> None:
    """Put an instance on this runtime, also one that has run on another before."""
    if workflow.runtime is not runtime:
        workflow._runtime_locked = False
        workflow._switch_runtime(runtime)


def make_event(kind: type[Event], fields: dict[str, Any]) -> Event:
    """Make an event of fields, with one plain sentence if they do not fit.

    Raises:
        InvalidFieldsError: With what is wrong about each field.
    """
    known = list(kind.model_fields)
    problems = {n: wrong for n, v in fields.items() if (wrong := _odd(n, v, known))}
    try:
        # A field that is called `self` would be taken for another argument.
        event = _made(kind, {n: v for n, v in fields.items() if n not in problems})
    except ValidationError as e:
        for error in e.errors():
            where = path_of(error["loc"]) or kind.__name__
            problems.setdefault(where, _said(error["msg"]))
        raise InvalidFieldsError(kind.__name__, problems, known) from e
    if problems:
        raise InvalidFieldsError(kind.__name__, problems, known)
    return event


def _made(kind: type[Event], fields: dict[str, Any]) -> Event:
    try:
        return kind(**fields)
    except ValidationError as e:
        return made_by_name(kind, fields, e)


def _odd(name: str, value: object, known: list[str]) -> str | None:
    """Why no event can have this field, whatever it takes."""
    if known and name not in known:
        return "there is no such field"
    if name == "self" or name.startswith("_"):
        return "no field has such a name"
    if is_deeper(value, DEEPEST):
        return f"it is nested more than {DEEPEST} times"
    return None


def make_answer(kind: type[Event], fields: dict[str, Any], prompt: Prompt) -> Event:
    """Make an event that answers a question, and that its journal can hold.

    Raises:
        InvalidFieldsError: With what is wrong about each field.
    """
    event = make_event(kind, {**fields, **prompt.requirements})
    codec = plain_codec()
    try:
        json.dumps(codec.tick(TickAddEvent(event=event)))
    except (TypeError, ValueError):  # pydantic's errors are ValueErrors
        where = codec.unstorable(event) or kind.__name__
    else:
        return event
    problems = {where.rpartition(".")[2]: "it has a value that JSON cannot hold"}
    raise InvalidFieldsError(kind.__name__, problems, list(kind.model_fields))


def _said(message: str) -> str:
    """What pydantic says, as the end of a sentence; what a validator says, as is."""
    own = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return own if own != message else message[:1].lower() + message[1:]


def answer_problems(
    prompt: Prompt, fields: dict[str, Json], kinds: list[type[Event]]
) -> dict[str, str]:
    """What is wrong about an answer, by the path of the value: see `_schema.problems`.

    By the classes that answer it where they are here, else by what it recorded.
    """
    whole = {**fields, **prompt.requirements}
    found = [unfit(whole, schema) for schema in prompt.schemas if schema is not None]
    if kinds:
        found = [_refusal(kind, fields, prompt) for kind in kinds]
    return {} if {} in found or not found else found[0]


def _refusal(
    kind: type[Event], fields: dict[str, Json], prompt: Prompt
) -> dict[str, str]:
    try:
        make_answer(kind, fields, prompt)
    except InvalidFieldsError as e:
        return dict(e.problems)
    return {}


def answer_message(
    prompt: Prompt,
    texts: Mapping[str, str],
    find: Callable[[str], type[Event] | None],
    by: str | None = None,
) -> Message:
    """An answer to a question, of fields as a person types them, checked by its class.

    `find` gives the class of a name.

    Raises:
        UncheckedAnswerError: None of the classes that answer it is here.
        InvalidFieldsError: The fields fit none of them.
    """
    refused: InvalidFieldsError | None = None
    for kind in filter(None, map(find, prompt.expects)):
        fields = read_fields(texts, schema_of(kind) or {})
        try:
            event = make_answer(kind, fields, prompt)
        except InvalidFieldsError as e:
            refused = refused or e
        else:
            return _message(event, by)
    raise refused or UncheckedAnswerError(prompt.run_id, prompt.answer_name)


def _message(event: Event, by: str | None) -> Message:
    codec = plain_codec()
    tree = message_tree(codec, TickAddEvent(event=event))
    # What is shown of it has no secrets.
    view = EventView.of(codec.event(event))
    assert view is not None
    return Message(view, json.dumps(tree), by)


def blank_start(workflow: Workflow) -> StartEvent:
    """A start event for attaching to a run that has its own."""
    return workflow.start_event_class.model_construct()


def is_class_named(value: object, name: str) -> bool:
    """Whether a value is the workflow class whose runs are recorded under a name."""
    if not (isinstance(value, type) and issubclass(value, Workflow)):
        return False
    return f"{value.__module__}.{value.__qualname__}" == name
