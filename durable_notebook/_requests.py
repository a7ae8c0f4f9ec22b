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

from durable_notebook._messages import Message
from durable_notebook._model import EventView, Prompt
from durable_notebook._schema import read_fields, schema_of
from durable_notebook.errors import (
    InvalidFieldsError,
    NotAWorkflowError,
    UncheckedAnswerError,
)
from durable_notebook.runtime import DBOSRuntime, plain_codec


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
    problems = {}
    if known:
        problems = {n: "there is no such field" for n in fields if n not in known}
    try:
        event = kind(**fields)
    except ValidationError as e:
        for error in e.errors():
            where = ".".join(str(part) for part in error["loc"]) or kind.__name__
            problems.setdefault(where, error["msg"].lower())
        raise InvalidFieldsError(kind.__name__, problems, known) from e
    if problems:
        raise InvalidFieldsError(kind.__name__, problems, known)
    return event


def answer_message(
    prompt: Prompt,
    texts: Mapping[str, str],
    find: Callable[[str], type[Event] | None],
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
            event = make_event(kind, {**fields, **prompt.requirements})
        except InvalidFieldsError as e:
            refused = refused or e
        else:
            return _message(event)
    raise refused or UncheckedAnswerError(prompt.run_id, prompt.answer_name)


def _message(event: Event) -> Message:
    tree = plain_codec().tick(TickAddEvent(event=event))
    view = EventView.of(tree["event"])
    assert view is not None
    return Message(view, json.dumps(tree))


def blank_start(workflow: Workflow) -> StartEvent:
    """A start event for attaching to a run that has its own."""
    return workflow.start_event_class.model_construct()


def is_class_named(value: object, name: str) -> bool:
    """Whether a value is the workflow class whose runs are recorded under a name."""
    if not (isinstance(value, type) and issubclass(value, Workflow)):
        return False
    return f"{value.__module__}.{value.__qualname__}" == name
