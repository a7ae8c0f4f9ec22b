"""What can be seen of a run, in a form that compares and that a person can read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from workflows.context.state_store import DictState
from workflows.events import DictLikeModel, StopEvent

from durable_notebook.testing._case import Case

# Measured by a clock: no two runs have the same.
_MEASURED = {"elapsed_seconds", "failed_at"}
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")

# A body queues, or begins, on whichever worker is free.
_BEGINS = re.compile(r"step_state=<StepState\.(PREPARING|RUNNING): .*$")


@dataclass(frozen=True, slots=True)
class Observed:
    """A run as its caller sees it; each value as text that names classes and fields.

    `internal` are the events of `expose_internal=True`. Where a life `is_interrupted`,
    bodies in flight begin again in the next, and announce that again.
    """

    result: str | None
    error: str | None
    stream: tuple[str, ...]
    internal: tuple[str, ...]
    store: str
    is_interrupted: bool = False


def text_of(value: object) -> str:
    """A value as text, with the class of everything that is not JSON."""
    if isinstance(value, BaseModel):
        return f"{_name(type(value))}({_listed(_fields(value), '{}={}')})"
    if isinstance(value, Mapping):
        inner = {text_of(k): v for k, v in value.items()}
        return "{" + _listed(inner, "{}: {}") + "}"
    if isinstance(value, (list, tuple)):
        text = ", ".join(map(text_of, value))
        return f"[{text}]" if isinstance(value, list) else f"({text},)"
    if isinstance(value, (set, frozenset)):
        return f"{type(value).__name__}({sorted(map(text_of, value))})"
    return _text_of_plain(value)


def _text_of_plain(value: object) -> str:
    if isinstance(value, BaseException):
        return f"{_name(type(value))}: {value}"
    if isinstance(value, datetime):  # There are several classes of the same zone.
        return f"{_name(type(value))}({value.isoformat()})"
    return _ADDRESS.sub("", repr(value))


def _fields(model: BaseModel) -> dict[str, Any]:
    fields = {} if isinstance(model, DictState) else dict(model.__dict__)
    if isinstance(model, DictLikeModel):
        fields |= dict(model.items())
    if isinstance(model, StopEvent):
        fields["result"] = model.result
    return {k: v for k, v in fields.items() if k not in _MEASURED}


def _listed(members: Mapping[str, Any], form: str) -> str:
    return ", ".join(form.format(k, text_of(v)) for k, v in sorted(members.items()))


def _name(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def differences(case: Case, expected: Observed, observed: Observed) -> list[str]:
    """Say in words where an observation is not what was expected; empty if nowhere."""
    if case.may_refuse and case.may_refuse in (observed.error or ""):
        return []
    found = [
        f"the {what} is {theirs}, expected was {ours}"
        for what, ours, theirs in (
            ("result", expected.result, observed.result),
            ("error", expected.error, observed.error),
            ("store", expected.store, observed.store),
        )
        if ours != theirs
    ]
    found += _of_events("stream", case, expected.stream, observed.stream)
    # Bodies side by side also queue, and announce themselves, in no defined order.
    if case.unordered or case.internal_varies:
        return found
    seen = observed.internal
    if observed.is_interrupted:
        seen = _without_repeats(expected.internal, seen)
    return found + _of_events("internal stream", case, expected.internal, seen)


def _without_repeats(
    expected: tuple[str, ...], observed: tuple[str, ...]
) -> tuple[str, ...]:
    """Leave out what says that a body begins which the expected one has begun already.

    Only that: whatever is missing, or is in another place, stays a difference.
    """
    known = {_BEGINS.sub("", text) for text in expected if _BEGINS.search(text)}
    wanted = iter((*expected, ""))
    awaited = next(wanted)
    left = []
    for text in observed:
        if text == awaited:
            awaited = next(wanted)
        elif _BEGINS.search(text) and _BEGINS.sub("", text) in known:
            continue
        left.append(text)
    return tuple(left)


def _of_events(
    what: str, case: Case, expected: tuple[str, ...], observed: tuple[str, ...]
) -> list[str]:
    wanted, seen = Counter(expected), Counter(observed)
    found = [f"the {what} lacks {each}" for each in (wanted - seen).elements()]
    found += [f"the {what} has besides {each}" for each in (seen - wanted).elements()]
    if not found and not case.unordered and expected != observed:
        found = [f"the {what} has another order: {observed}, expected was {expected}"]
    return found
