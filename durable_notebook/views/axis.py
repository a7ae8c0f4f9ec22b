"""A time axis on which the time between two sessions takes little room.

A run that waited for its kernel overnight would otherwise be two dots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from durable_notebook._model import Attempt

# The share of the alive time that a downtime is drawn with.
_FOLDED = 0.06


@dataclass(frozen=True, slots=True)
class Bar:
    """Where an attempt stands on the axis, from 0 to 1."""

    left: float
    width: float


def bars(rows: Sequence[Attempt]) -> list[Bar | None]:
    """The place of each row; None for one whose times are unknown."""
    spans = [_span(row, rows) for row in rows]
    known = [span for span in spans if span is not None]
    if not known:
        return [None for _ in rows]
    gaps = _downtimes(rows)
    first = min(start for start, _ in known)
    last = max(end for _, end in known)
    away = sum((end - start for start, end in gaps), timedelta())
    alive = max((last - first - away).total_seconds(), 1e-6)
    fold = alive * _FOLDED

    def place(moment: datetime) -> float:
        seconds = (moment - first).total_seconds()
        for start, end in gaps:
            if moment >= end:
                seconds += fold - (end - start).total_seconds()
        return seconds

    whole = alive + fold * len(gaps)
    return [
        None
        if span is None
        else Bar(place(span[0]) / whole, (place(span[1]) - place(span[0])) / whole)
        for span in spans
    ]


def downtime_before(rows: Sequence[Attempt], session: int) -> timedelta | None:
    """How long nothing ran before a session began; None for the first."""
    before = [_end(r) for r in rows if r.session < session and r.started]
    after = [r.started for r in rows if r.session == session and r.started]
    if not before or not after:
        return None
    return max(min(after) - max(before), timedelta())


def is_on_new_code(rows: Sequence[Attempt], session: int) -> bool:
    """Whether a session ran another version of the workflow than the one before."""
    codes = {row.session: row.code for row in rows}
    before = [codes[number] for number in sorted(codes) if number < session]
    return bool(before) and codes.get(session, before[-1]) != before[-1]


def _end(row: Attempt) -> datetime:
    assert row.started is not None
    return row.finished or row.started


def _span(row: Attempt, rows: Sequence[Attempt]) -> tuple[datetime, datetime] | None:
    if row.started is None:
        return None
    if row.finished is not None:
        return row.started, row.finished
    # Unfinished: to the last moment its session is known to have lived.
    ends = [_end(r) for r in rows if r.session == row.session and r.started]
    return row.started, max([row.started, *ends])


def _downtimes(rows: Sequence[Attempt]) -> list[tuple[datetime, datetime]]:
    found = []
    for session in sorted({row.session for row in rows}):
        ends = [_end(r) for r in rows if r.session < session and r.started]
        starts = [r.started for r in rows if r.session == session and r.started]
        if ends and starts and min(starts) > max(ends):
            found.append((max(ends), min(starts)))
    return found
