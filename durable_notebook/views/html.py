"""Timelines, lists of runs and the panel of a run as HTML.

Plain tables with a style sheet of their own: they stay readable where styles are
stripped, need no script, and follow the theme of the page. Every value is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib import resources
from typing import TypeVar

from durable_notebook._model import Attempt, AttemptStatus, Json, RunInfo, RunStatus
from durable_notebook.views import svg, words
from durable_notebook.views.axis import Bar, bars, downtime_before, is_on_new_code
from durable_notebook.views.table import harmless

T = TypeVar("T", str, Json)

MOST_ROWS = 200
"""How many rows of a table a saved notebook has; the frame has them all."""
_PANEL_ROWS = 6
_LONGEST_LINE = 2_000
# Of the rows of a table: a notebook is saved with it, again and again.
_MOST_MARKUP = 80_000


@cache
def _style() -> str:
    return resources.files(__package__).joinpath("style.css").read_text("utf-8")


def page(body: str) -> str:
    """A fragment with the style sheet it needs."""
    return f'<style>{_style()}</style><div class="dn">{body}</div>'


def twin(view: str, body: str) -> str:
    """What is seen where the live view with this id is not."""
    return f'<div class="dn-twin" data-view="{escape(view)}">{body}</div>'


def journal(info: RunInfo, rows: Sequence[Attempt], room: int = _MOST_MARKUP) -> str:
    """A run's timeline: a row an attempt, a rule where a process died.

    `room` is how many characters its rows may take.
    """
    heading = head(info, words.plural(info.steps, "completed step"))
    if not rows:
        return f"{heading}<p>Nothing has run yet.</p>"
    cells = "".join(f"<th>{name}</th>" for name in _JOURNAL_HEADINGS)
    body, left_out = _session_rows(rows, room)
    note = f"<p>{left_out} earlier rows are in the frame.</p>" if left_out > 0 else ""
    return (
        f"{heading}{note}<table><thead><tr>{cells}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


_JOURNAL_HEADINGS = (
    "position",
    "step",
    "attempt",
    "session",
    "status",
    "time",
    "duration",
    "received",
    "returned",
    "store",
    "started",
)


def _session_rows(rows: Sequence[Attempt], room: int) -> tuple[str, int]:
    """The last rows, as far as there is room, and how many are left out."""
    shown, parts = list(zip(rows, bars(rows), strict=True)), list[str]()
    left_out = max(len(shown) - MOST_ROWS, 0)
    for place in range(len(shown) - 1, left_out - 1, -1):
        row, bar = shown[place]
        made = _journal_row(row, bar)
        if place and shown[place - 1][0].session != row.session:
            made = _session_rule(row.session, rows) + made
        room -= len(made)
        if room < 0 and parts:
            left_out = place + 1
            break
        parts.append(made)
    return "".join(reversed(parts)), left_out


def _session_rule(session: int, rows: Sequence[Attempt]) -> str:
    away = words.duration(downtime_before(rows, session))
    text = f"the process ended here · session {session} began {away} later"
    if is_on_new_code(rows, session):
        text += " · with changed code"
    cell = f'<td colspan="{len(_JOURNAL_HEADINGS)}"><span>{text}</span></td>'
    return f'<tr class="dn-cut">{cell}</tr>'


def _journal_row(row: Attempt, bar: Bar | None) -> str:
    took = row.finished - row.started if row.started and row.finished else None
    position = "–" if row.position is None else str(row.position)
    cells = [
        f'<td class="dn-n">{position}</td>',
        f"<td><b>{_name(row.step)}</b></td>",
        f'<td class="dn-n">{row.attempt}</td>',
        f'<td class="dn-n">{row.session}</td>',
        f"<td>{_badge(row.status)}</td>",
        _time(bar, row.status),
        f'<td class="dn-n">{words.duration(took) or "–"}</td>',
        _code(words.event(row.received)),
        _code(row.error or words.returned(row)),
        _code(words.changes(row.store)),
        f'<td class="dn-n">{words.clock(row.started)}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _code(text: str) -> str:
    if not text:
        return "<td></td>"
    shown = escape(harmless(words.cut(text, 160)))
    return f'<td class="dn-text" title="{shown}"><code>{shown}</code></td>'


def _badge(status: AttemptStatus | RunStatus) -> str:
    return f'<span class="dn-badge dn-{status}">{status}</span>'


def _time(bar: Bar | None, status: AttemptStatus) -> str:
    style = "min-width:140px;text-align:left"
    shown = "" if bar is None else _bar(bar, status)
    return f'<td class="dn-time" style="{style}">{shown}</td>'


def _bar(bar: Bar, status: AttemptStatus) -> str:
    # Something to see even of a step that took no time, inside the cell.
    left = min(bar.left, 0.985) * 100
    width = max(min(bar.width * 100, 100 - left), 1.5)
    # All of it in the attribute, which a host keeps that takes style sheets away.
    style = (
        f"display:inline-block;height:10px;border-radius:2px;vertical-align:middle;"
        f"margin-left:{left:.2f}%;width:{width:.2f}%;background:{svg.COLOURS[status]}"
    )
    return f'<span class="dn-bar dn-{status}" style="{style}"></span>'


def runs(rows: Sequence[RunInfo], read_at: datetime | None = None) -> str:
    """A list of runs, as it was read now or at another time."""
    if not rows:
        return "<p>No runs in this journal yet. Start one with %durable_run.</p>"
    names = ("run", "workflow", "status", "steps", "started", "last change", "")
    cells = "".join(f"<th>{name}</th>" for name in names)
    parts = within(_run_row(row) for row in rows[:MOST_ROWS])
    body, left_out = "".join(parts), len(rows) - len(parts)
    note = f"<p>{left_out} older runs are in the frame.</p>" if left_out > 0 else ""
    head = f"<thead><tr>{cells}</tr></thead>"
    return f"<table>{head}<tbody>{body}</tbody></table>{note}{as_of(read_at)}"


def _run_row(row: RunInfo) -> str:
    cells = [
        f"<td><b>{_name(row.run_id)}</b></td>",
        f"<td>{_name(words.short_name(row.workflow))}</td>",
        f"<td>{_badge(row.status)}</td>",
        f'<td class="dn-n">{row.steps}</td>',
        f'<td class="dn-n">{words.moment(row.started)}</td>',
        f'<td class="dn-n">{words.moment(row.updated)}</td>',
        f"<td>{escape(harmless(words.summary(row)))}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"


def panel(
    info: RunInfo,
    rows: Sequence[Attempt],
    *,
    note: str,
    result: str | None,
    below: str = "",
) -> str:
    """A run while it goes on: what it is, its last steps, what it waits for.

    `below` is HTML that stands below the steps.
    """
    shown = list(zip(rows, bars(rows), strict=True))[-_PANEL_ROWS:]
    earlier = len(rows) - len(shown)
    parts = [head(info, words.plural(info.steps, "completed step"))]
    parts.append(f'<p class="dn-note">{escape(harmless(words.cut(note, 400)))}</p>')
    if shown:
        more = f"{words.plural(earlier, 'earlier row')} in %durable_journal"
        rule = f'<tr class="dn-more"><td colspan="5">… {more}</td></tr>'
        body = "".join(_panel_row(row, bar) for row, bar in shown)
        parts.append(f"<table>{rule if earlier else ''}{body}</table>")
    parts.append(below)
    if result is not None:
        parts.append(
            f"<p>result: <code>{escape(harmless(words.cut(result, 400)))}</code></p>"
        )
    elif words.summary(info):
        parts.append(f"<p>{escape(harmless(words.summary(info)))}</p>")
    return "".join(parts)


def _panel_row(row: Attempt, bar: Bar | None) -> str:
    took = row.finished - row.started if row.started and row.finished else None
    said = row.error or words.returned(row) or words.event(row.received)
    cells = [
        f"<td><b>{_name(row.step)}</b></td>",
        f"<td>{_badge(row.status)}</td>",
        _time(bar, row.status),
        f'<td class="dn-n">{words.duration(took) or "–"}</td>',
        _code(said),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def head(info: RunInfo, detail: str) -> str:
    """A run in one line."""
    name = _name(words.short_name(info.workflow))
    return (
        f'<p class="dn-head"><b>{name}</b> · run <code>{_name(info.run_id)}</code> '
        f'{_badge(info.status)} <span class="dn-quiet">{escape(harmless(detail))} · '
        f"last change {words.dated(info.updated)}</span></p>"
    )


def within(
    parts: Iterable[T], room: int = _MOST_MARKUP, size: Callable[[T], int] = len
) -> list[T]:
    """The first of some parts, as many as there is room for; one in any case."""
    found: list[T] = []
    for part in parts:
        room -= size(part)
        if found and room < 0:
            break
        found.append(part)
    return found


def _name(text: str) -> str:
    return escape(words.name(text))


def as_of_now() -> str:
    """When this was so: a saved notebook is read on other days."""
    return as_of(None)


def as_of(moment: datetime | None) -> str:
    """The same of another moment; None is now."""
    return line(f"As of {words.dated(moment or datetime.now(UTC))}.")


def line(text: str) -> str:
    """One line, quietly."""
    return f'<p class="dn-quiet">{escape(harmless(text[:_LONGEST_LINE]))}</p>'
