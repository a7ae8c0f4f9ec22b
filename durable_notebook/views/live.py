"""What a live timeline is sent: rows, the axis and the details of one row, as JSON.

Times are milliseconds since the epoch. Everything is bounded, however large the values
of a run are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from textwrap import dedent
from typing import Any

from durable_notebook._model import (
    Attempt,
    AttemptStatus,
    EventView,
    Json,
    RunInfo,
    glimpse,
    short,
)
from durable_notebook.views import states, words
from durable_notebook.views.axis import axis, downtime_before, is_on_new_code
from durable_notebook.views.table import harmless

_OPEN = (AttemptStatus.RUNNING, AttemptStatus.WAITING)
_MOST_MEMBERS = 40
_MOST_EVENTS = 10


def row(found: Attempt, newest: int, signs: Mapping[int, datetime]) -> list[Json]:
    """An execution: step, state, what else, begin, end, attempt, session, position.

    One that goes on has no end; an interrupted one ends with the last sign of life of
    its session.
    """
    end = None
    if found.status not in _OPEN and found.started is not None:
        end = _ms(found.finished or signs.get(found.session, found.started))
    return [
        harmless(short(found.step)),
        states.state(found, newest),
        states.also(found, newest),
        None if found.started is None else _ms(found.started),
        end,
        found.attempt,
        found.session,
        found.position,
    ]


def scale(rows: Sequence[Attempt]) -> dict[str, Json]:
    """The axis: its knots and folds, and how each session began."""
    found = axis(rows)
    if found is None:
        return {"knots": [], "folds": [], "end": 0, "sessions": {}}
    return {
        "knots": [[_ms(moment), place] for moment, place in found.knots],
        "folds": [
            [_ms(start), _ms(end), words.duration(end - start)]
            for start, end in found.folds
        ],
        "end": _ms(found.end),
        "sessions": {
            session: _began(rows, session)
            for session in sorted({found.session for found in rows})[1:]
        },
    }


def _began(rows: Sequence[Attempt], session: int) -> str:
    away = words.duration(downtime_before(rows, session))
    said = f"session {session} began {away} later"
    return said + " · changed code" if is_on_new_code(rows, session) else said


def run(info: RunInfo) -> dict[str, Json]:
    """The run, as the head of a view shows it."""
    return {
        "run_id": harmless(short(info.run_id)),
        "workflow": harmless(short(words.short_name(info.workflow))),
        "status": str(info.status),
        "steps": words.plural(info.steps, "completed step"),
        "said": harmless(short(words.summary(info))),
        "is_final": info.status.is_final,
    }


def details(found: Attempt, newest: int, source: str) -> dict[str, Json]:
    """All there is to see of one execution."""
    return {
        "meaning": states.MEANINGS[states.state(found, newest)],
        "facts": _facts(found),
        "received": _event(found.received),
        "returned": [_event(view) for view in found.returned[:_MOST_EVENTS]],
        "more": max(len(found.returned) - _MOST_EVENTS, 0),
        "changes": [_change(tree) for tree in found.store[:_MOST_MEMBERS]],
        "more_changes": max(len(found.store) - _MOST_MEMBERS, 0),
        "error": _block(found.error or "", 4_000),
        "source": _block(dedent(short(source, 12_000)), 12_000),
        "code": harmless(found.code[:8]),
    }


def _facts(found: Attempt) -> list[list[str]]:
    facts = []
    if found.started is not None:
        local = found.started.astimezone()
        facts.append(["began", f"{local:%Y-%m-%d %H:%M:%S}.{local:%f}"[:23]])
    if found.started is not None and found.finished is not None:
        facts.append(["took", words.duration(found.finished - found.started)])
    facts += [["attempt", str(found.attempt)], ["session", str(found.session)]]
    if found.position is not None:
        facts.append(["position", str(found.position)])
    return facts


def _event(view: EventView | None) -> Json:
    if view is None:
        return None
    fields: list[list[Any]] = [
        [harmless(short(name, 60)), harmless(glimpse(value, 300))]
        for name, value in islice(view.fields.items(), _MOST_MEMBERS)
    ]
    more = len(view.fields) - len(fields)
    return {"name": harmless(short(view.name)), "fields": fields, "more": max(more, 0)}


def _change(tree: Json) -> list[str]:
    name = harmless(short(words.place(tree), 80))
    if tree["op"] == "remove":
        return [name, "removed"]
    return [name, harmless(glimpse(tree["value"], 300))]


def _block(content: str, limit: int) -> str:
    """Lines of text, each with nothing in it that turns it round."""
    lines = short(content, limit).expandtabs(4).split("\n")
    return "\n".join(map(_kept, lines))


def _kept(line: str) -> str:
    indent = len(line) - len(line.lstrip(" "))
    return " " * indent + harmless(line[indent:].rstrip())


def _ms(moment: datetime) -> float:
    return round(moment.timestamp() * 1000, 1)
