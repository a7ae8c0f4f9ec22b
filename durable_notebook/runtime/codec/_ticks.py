"""The JSON form of the ticks that nearly all of a run consists of, field by field.

The library's own way, through pydantic, takes three times as long and writes the same.
Whatever is not plain is left to it: waits, failures, releases, namespaces.
"""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType
from typing import Any

from workflows.events import Event
from workflows.runtime.types.results import (
    AddCollectedEvent,
    DeleteCollectedEvent,
    EmissionKey,
    StepWorkerResult,
)
from workflows.runtime.types.step_id import StepId
from workflows.runtime.types.ticks import TickAddEvent, TickStepResult, WorkflowTick

from durable_notebook._model import Json

Write = Callable[[Event], Json]

_TICKS = (TickAddEvent, TickStepResult)
_RESULTS = (StepWorkerResult, AddCollectedEvent, DeleteCollectedEvent)
_SCALARS = frozenset((str, int, float, bool))
# Where they are empty.
_LEFT_OUT = frozenset((NoneType, list, dict, tuple))


class _NotPlainError(Exception):
    pass


def plain_tick(tick: WorkflowTick, write: Write) -> dict[str, Json] | None:
    """A tick as a tree without the members that are empty; None if it is not plain.

    `write` gives the form of an event.
    """
    if type(tick) not in _TICKS:
        return None
    try:
        return {
            name: _form(value, write)
            for name, value in tick.__dict__.items()
            if value or type(value) not in _LEFT_OUT
        }
    except _NotPlainError:
        return None


def _form(value: Any, write: Write) -> Json:
    kind = type(value)
    if kind in _SCALARS or value is None:
        return value
    if isinstance(value, Event):
        return write(value)
    if kind is StepId:
        return str(value)
    if kind is EmissionKey:
        return dict(vars(value))
    if kind is list:
        return [_form(item, write) for item in value]
    if kind in _RESULTS:
        return {name: _form(member, write) for name, member in vars(value).items()}
    raise _NotPlainError
