"""The timeline of a run as a picture, for the saved notebook."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from durable_notebook._model import Attempt, RunInfo
from durable_notebook.views import html, states, svg, words
from durable_notebook.views import text as terminal
from durable_notebook.views.axis import (
    Axis,
    axis,
    downtime_before,
    is_on_new_code,
    last_signs,
)

MOST_DRAWN = 60
"""Rows of a picture: more are a table."""

# It is in a notebook twice, and has a table below it.
_MOST_MARKUP, _ROOM_BELOW = 28_000, 20_000

_MOST_LINES = 60
_ROW = 22
_HEAD = 24
# Where the columns begin: step, state, time; and where the duration ends.
_STATE, _TIME, _TIME_END, _WIDTH = 190, 356, 810, 880


def twin(info: RunInfo, rows: Sequence[Attempt]) -> tuple[str, str]:
    """What stays in the notebook: as HTML, and as text."""
    plain = terminal.journal(info, rows[-_MOST_LINES:])
    if len(rows) > _MOST_LINES:
        plain += f"\n({len(rows) - _MOST_LINES} earlier rows are in %durable_journal)"
    drawn = picture(info, rows) if 0 < len(rows) <= MOST_DRAWN else ""
    if not 0 < len(drawn) <= _MOST_MARKUP:
        return html.journal(info, rows), plain
    table = html.journal(info, rows, _ROOM_BELOW)
    # The table is for whoever cannot see the picture, and for a host that drops it.
    folded = f"<details><summary>The same as a table</summary>{table}</details>"
    head = html.head(info, words.plural(info.steps, "completed step"))
    shown = svg.shown(drawn, f"Timeline of run {info.run_id}")
    return f"{head}{shown}{folded}", plain


def picture(info: RunInfo, rows: Sequence[Attempt]) -> str:
    """A row an execution, and a line where the process died."""
    scale = axis(rows)
    cuts = sum(a.session != b.session for a, b in pairwise(rows))
    height = _HEAD + (len(rows) + cuts) * _ROW + 4
    name = f"Timeline of run {svg.clean(info.run_id, 80)}: "
    newest = states.newest_session(rows)
    counts = states.tally(rows, newest)
    name += ", ".join(f"{count} {states.LABELS[s]}" for s, count in counts.items())
    root = svg.drawing(_WIDTH, height, name)
    _ticks(root, scale, height)
    signs = last_signs(rows)
    y, session = float(_HEAD), rows[0].session
    for row in rows:
        if row.session != session:
            session = row.session
            _cut(root, y, session, rows)
            y += _ROW
        _row(root, row, y, newest)
        if scale is not None and row.started is not None:
            _bar(
                root,
                row,
                y,
                newest,
                scale,
                scale.place(row.finished or signs[row.session]),
            )
        y += _ROW
    return svg.written(root)


def _x(scale: Axis, place: float) -> float:
    whole = scale.place(scale.end) or 1e-6
    return _TIME + place / whole * (_TIME_END - _TIME)


def _ticks(root: svg.Element, scale: Axis | None, height: float) -> None:
    if scale is None:
        return
    whole = scale.place(scale.end) or 1e-6
    for start, end in scale.folds:
        left, right = _x(scale, scale.place(start)), _x(scale, scale.place(end))
        svg.add(
            root,
            "rect",
            x=left,
            y=_HEAD - 4.0,
            width=right - left,
            height=height - _HEAD,
            fill=svg.COLOURS["interrupted"],
            fill_opacity=0.13,
        )
    for second in _seconds(whole):
        x = _x(scale, second)
        svg.add(
            root,
            "line",
            x1=x,
            x2=x,
            y1=_HEAD - 4.0,
            y2=height - 2,
            stroke="currentColor",
            stroke_opacity=0.13,
        )
        svg.text(
            root,
            words.seconds(second),
            x,
            _HEAD - 9.0,
            80,
            text_anchor="middle" if second else "start",
            font_size=10,
            fill_opacity=0.7,
        )


def _seconds(whole: float) -> list[float]:
    """Round places on an axis of this length, some four of them."""
    rough = whole / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough * 0.8)
    return [step * i for i in range(int(whole / step) + 1)]


def _cut(root: svg.Element, y: float, session: int, rows: Sequence[Attempt]) -> None:
    colour = svg.COLOURS["interrupted"]
    svg.add(
        root,
        "line",
        x1=0,
        x2=_WIDTH,
        y1=y + 1,
        y2=y + 1,
        stroke=colour,
        stroke_width=1.5,
        stroke_dasharray="5 4",
    )
    away = words.duration(downtime_before(rows, session))
    said = f"the process ended here · session {session} began {away} later"
    if is_on_new_code(rows, session):
        said += " · with changed code"
    svg.text(root, said, 0, y + 15, _WIDTH, font_size=11, fill=colour)


def _row(root: svg.Element, row: Attempt, y: float, newest: int) -> None:
    state = states.state(row, newest)
    base = y + 15
    svg.text(root, row.step, 0, base, _STATE - 12, font_weight="bold")
    svg.add(root, "circle", cx=_STATE + 4, cy=y + 11, r=4, fill=svg.COLOURS[state])
    label = states.LABELS[state]
    also = states.also(row, newest)
    svg.text(
        root,
        f"{label} · {also}" if also else label,
        _STATE + 14,
        base,
        _TIME - _STATE - 22,
        font_size=11,
    )
    took = row.finished - row.started if row.started and row.finished else None
    svg.text(
        root,
        words.duration(took) or "–",
        _WIDTH,
        base,
        _WIDTH - _TIME_END,
        text_anchor="end",
        fill_opacity=0.8,
    )


def _bar(
    root: svg.Element, row: Attempt, y: float, newest: int, scale: Axis, end: float
) -> None:
    assert row.started is not None
    state = states.state(row, newest)
    left = min(_x(scale, scale.place(row.started)), _TIME_END - 3.0)
    width = max(_x(scale, end) - left, 3.0)
    is_broken = state == "interrupted"
    bar = svg.add(
        root,
        "rect",
        x=left,
        y=y + 6,
        width=min(width, _TIME_END - left),
        height=10,
        rx=2,
        fill=svg.COLOURS[state],
        fill_opacity=0.35 if is_broken else None,
        stroke=svg.COLOURS[state] if is_broken else None,
        stroke_dasharray="3 2" if is_broken else None,
    )
    said = row.error or words.returned(row) or words.event(row.received)
    svg.add(bar, "title", svg.clean(f"{row.step}: {words.cut(said, 120)}"))
