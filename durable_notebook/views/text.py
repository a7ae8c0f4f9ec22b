"""Timelines and lists of runs for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from durable_notebook._model import Attempt, RunInfo
from durable_notebook.views import words
from durable_notebook.views.axis import Bar, bars, downtime_before, is_on_new_code
from durable_notebook.views.table import Column, clip, harmless, table

_BAR_CELLS = 24
_LONGEST = 4_000


def journal(info: RunInfo, rows: Sequence[Attempt], width: int | None = None) -> str:
    """A run's timeline as a table, with a line where a process died.

    `width` is what a line may take; None for any.
    """
    run_id = words.name(info.run_id)
    head = f"{words.short_name(info.workflow)} · run {run_id} · {info.status}"
    head = clip(harmless(head), width)
    if not rows:
        return f"{head}\nNothing has run yet."
    lines: list[Sequence[str] | str] = []
    session = rows[0].session
    for row, bar in zip(rows, bars(rows), strict=True):
        if row.session != session:
            session = row.session
            gap = words.duration(downtime_before(rows, session))
            code = " · with changed code" if is_on_new_code(rows, session) else ""
            lines.append(
                f"── session {session} begins, {gap} after the last sign of life{code}"
            )
        lines.append(_cells(row, bar))
    return "\n".join([head, *table(_COLUMNS, lines, width)])


_COLUMNS = (
    Column("position"),
    Column("step", least=10),
    Column("received", least=10),
    Column("returned", least=10),
    Column("status"),
    Column("attempt", leaves=3),
    Column("session", leaves=2),
    Column("started", leaves=4),
    Column("duration", leaves=5),
    Column("", leaves=1),
)


def _cells(row: Attempt, bar: Bar | None) -> Sequence[str]:
    took = row.finished - row.started if row.started and row.finished else None
    return (
        "–" if row.position is None else str(row.position),
        words.name(row.step),
        words.cut(words.event(row.received), 28),
        words.cut(row.error or words.returned(row), 34),
        str(row.status),
        str(row.attempt),
        str(row.session),
        words.clock(row.started),
        words.duration(took) or "–",
        _drawn(bar),
    )


def _drawn(bar: Bar | None) -> str:
    if bar is None:
        return ""
    left = min(int(bar.left * _BAR_CELLS), _BAR_CELLS - 1)
    width = max(1, round(bar.width * _BAR_CELLS))
    return " " * left + "█" * min(width, _BAR_CELLS - left)


def runs(
    rows: Sequence[RunInfo], width: int | None = None, *, most: int | None = None
) -> str:
    """A list of runs as a table; `width` is what a line may take, None for any.

    With `most` the rows behind so many are only counted.
    """
    if not rows:
        return "No runs in this journal."
    cells = [
        (
            words.name(row.run_id),
            words.short_name(row.workflow),
            str(row.status),
            str(row.steps),
            words.moment(row.started),
            words.reason(row),
        )
        for row in rows[:most]
    ]
    lines = table(_RUN_COLUMNS, cells, width)
    if len(rows) > len(cells):
        lines.append(f"… {len(rows) - len(cells)} older runs are in the frame")
    return "\n".join(lines)


_RUN_COLUMNS = (
    Column("run", least=24),
    Column("workflow", least=10),
    Column("status"),
    Column("steps", leaves=1),
    Column("started", leaves=2),
    Column("waits for, or error", least=28),
)


def panel(
    info: RunInfo, rows: Sequence[Attempt], *, note: str, result: str | None
) -> str:
    """A run in a few lines."""
    head = (
        f"{words.short_name(info.workflow)} · run {words.name(info.run_id)} · "
        f"{info.status} · "
        f"{words.plural(info.steps, 'completed step')}"
    )
    last = f"last: {words.name(rows[-1].step)} ({rows[-1].status})" if rows else ""
    end = f"result: {result}" if result is not None else words.summary(info)
    parts = (head, words.cut(note, _LONGEST), last, words.cut(end, _LONGEST))
    return "\n".join(harmless(part) for part in parts if part)
