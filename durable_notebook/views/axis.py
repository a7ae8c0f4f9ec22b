"""A time axis on which the time between two sessions takes little room.

A run that waited for its kernel overnight would otherwise be two dots.
"""

from __future__ import annotations

from bisect import bisect_right
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


@dataclass(frozen=True, slots=True)
class Axis:
    """Where a moment stands, as knots between which time runs evenly.

    A knot is a moment and its place, in seconds of the run's life; between `folds`
    nothing ran. Behind the last knot a second takes a second. Whoever draws, here or in
    a browser, places by these knots.
    """

    knots: tuple[tuple[datetime, float], ...]
    folds: tuple[tuple[datetime, datetime], ...]
    end: datetime

    def place(self, moment: datetime) -> float:
        """Where a moment stands."""
        i = bisect_right(self.knots, moment, key=lambda knot: knot[0])
        if i in (0, len(self.knots)):
            known, place = self.knots[max(i - 1, 0)]
            return place + (moment - known).total_seconds()
        (before, left), (after, right) = self.knots[i - 1], self.knots[i]
        return left + (right - left) * ((moment - before) / (after - before))


def axis(rows: Sequence[Attempt]) -> Axis | None:
    """The axis of some rows; None if no time is known."""
    lives = _lives(rows)
    if not lives:
        return None
    folds = _folds(lives)
    first = min(start for start, _ in lives)
    last = max(end for _, end in lives)
    away = sum((end - start for start, end in folds), timedelta())
    fold = max((last - first - away).total_seconds(), 1e-6) * _FOLDED
    knots = [(first, 0.0)]
    for start, end in folds:
        place = knots[-1][1] + (start - knots[-1][0]).total_seconds()
        knots += [(start, place), (end, place + fold)]
    return Axis(tuple(knots), tuple(folds), last)


def bars(rows: Sequence[Attempt]) -> list[Bar | None]:
    """The place of each row; None for one whose times are unknown."""
    found = axis(rows)
    if found is None:
        return [None for _ in rows]
    whole = found.place(found.end) or 1e-6
    ends = last_signs(rows)
    places: list[Bar | None] = []
    for row in rows:
        if row.started is None:
            places.append(None)
            continue
        left = found.place(row.started)
        right = found.place(row.finished or ends[row.session])
        places.append(Bar(left / whole, (right - left) / whole))
    return places


def last_signs(rows: Sequence[Attempt]) -> dict[int, datetime]:
    """When each session is last known to have lived: so long went what it left."""
    found: dict[int, datetime] = {}
    for row in rows:
        if row.started is not None:
            end = row.finished or row.started
            found[row.session] = max(found.get(row.session, end), end)
    return found


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


def _lives(rows: Sequence[Attempt]) -> list[tuple[datetime, datetime]]:
    """From when to when each session is known to have lived, in their order."""
    starts: dict[int, datetime] = {}
    for row in rows:
        if row.started is not None:
            starts[row.session] = min(starts.get(row.session, row.started), row.started)
    ends = last_signs(rows)
    return [(starts[session], ends[session]) for session in sorted(starts)]


def _folds(
    lives: Sequence[tuple[datetime, datetime]],
) -> list[tuple[datetime, datetime]]:
    found = []
    last = lives[0][1]
    for start, end in lives[1:]:
        if start > last:
            found.append((last, start))
        last = max(last, end)
    return found
