"""Timelines and lists of runs for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from durable_notebook._model import Attempt, RunInfo
from durable_notebook.views import words
from durable_notebook.views.axis import Bar, bars, downtime_before, is_on_new_code

_BAR_CELLS = 24


def journal(info: RunInfo, rows: Sequence[Attempt]) -> str:
    """A run's timeline as a table, with a line where a process died."""
    head = f"{words.short_name(info.workflow)} · run {info.run_id} · {info.status}"
    if not rows:
        return f"{head}\nNothing has run yet."
    table: list[tuple[str, ...]] = [_COLUMNS]
    lines: list[str | None] = [None]
    session = rows[0].session
    for row, bar in zip(rows, bars(rows), strict=True):
        if row.session != session:
            session = row.session
            gap = words.duration(downtime_before(rows, session))
            code = " · with changed code" if is_on_new_code(rows, session) else ""
            lines.append(
                f"── session {session} begins, {gap} after the last sign of life{code}"
            )
            table.append(_COLUMNS)
        lines.append(None)
        table.append(_cells(row, bar))
    widths = [max(len(r[i]) for r in table) for i in range(len(_COLUMNS))]
    body = [
        line or "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip()
        for r, line in zip(table, lines, strict=True)
    ]
    return "\n".join([head, *body])


_COLUMNS = (
    "position",
    "step",
    "received",
    "returned",
    "status",
    "attempt",
    "session",
    "started",
    "duration",
    "",
)


def _cells(row: Attempt, bar: Bar | None) -> tuple[str, ...]:
    took = row.finished - row.started if row.started and row.finished else None
    return (
        "–" if row.position is None else str(row.position),
        row.step,
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


def runs(rows: Sequence[RunInfo]) -> str:
    """A list of runs as a table."""
    if not rows:
        return "No runs in this journal."
    table = [("run", "workflow", "status", "steps", "started", "")]
    table += [
        (
            row.run_id,
            words.short_name(row.workflow),
            str(row.status),
            str(row.steps),
            words.clock(row.started),
            words.summary(row),
        )
        for row in rows
    ]
    widths = [max(len(r[i]) for r in table) for i in range(len(table[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip()
        for r in table
    )


def panel(
    info: RunInfo, rows: Sequence[Attempt], *, note: str, result: str | None
) -> str:
    """A run in a few lines."""
    head = (
        f"{words.short_name(info.workflow)} · run {info.run_id} · {info.status} · "
        f"{words.plural(info.steps, 'completed step')}"
    )
    last = f"last: {rows[-1].step} ({rows[-1].status})" if rows else ""
    end = f"result: {result}" if result is not None else words.summary(info)
    return "\n".join(part for part in (head, note, last, end) if part)
