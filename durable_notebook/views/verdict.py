"""What became of guesses: right, wrong and why, with the rows that show it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from durable_notebook._model import Attempt, glimpse
from durable_notebook.course import Graded, Verdict
from durable_notebook.views import words
from durable_notebook.views.table import Column, harmless, table

_COLUMNS = (
    Column("position"),
    Column("step"),
    Column("attempt"),
    Column("session"),
    Column("status"),
    Column("received"),
    Column("returned"),
)
_LONGEST = 400


def text(found: Verdict) -> str:
    """A verdict as lines."""
    lines = [headline(found)]
    for each in found.guesses:
        lines.append(f"{_MARKS[each.is_right]} {_guess(each)}{_why(each)}")
        if each.rows and not each.is_right:
            rows = [_cells(row) for row in each.rows]
            lines += [f"    {line}" for line in table(_COLUMNS, rows)]
    return "\n".join(lines)


_MARKS = {True: "✓ right:", False: "✗ wrong:", None: "·"}
_STATES = {True: "completed", False: "failed", None: "waiting"}
_WORDS = {True: "right", False: "wrong", None: "open"}


def headline(found: Verdict) -> str:
    """The verdict in one line."""
    if found.open:
        return harmless(words.cut(found.open, _LONGEST))
    count = len(found.guesses)
    if found.is_right:
        return "Right." if count == 1 else f"All {count} right."
    again = "The journal says why. Change your guesses and run their cell again."
    return f"{found.right} of {count} right. {again}"


def html(found: Verdict) -> str:
    """A verdict as HTML."""
    state = None if found.open else found.is_right
    head = (
        f'<p class="dn-head">{_badge(state)} <b>{escape(headline(found))}</b> '
        f'<span class="dn-quiet">run <code>{escape(harmless(found.run_id))}</code>'
        "</span></p>"
    )
    return head + "".join(map(_item, found.guesses))


def _item(each: Graded) -> str:
    why = escape(_said(each))
    shown = _table(each.rows) if each.rows and not each.is_right else ""
    return (
        f'<div class="dn-guess"><p>{_badge(each.is_right)} '
        f"<code>{escape(_guess(each))}</code> {why}</p>{shown}</div>"
    )


def _badge(is_right: bool | None) -> str:
    kind, word = _STATES[is_right], _WORDS[is_right]
    return f'<span class="dn-badge dn-{kind}">{word}</span>'


def _table(rows: Sequence[Attempt]) -> str:
    head = "".join(f"<th>{column.heading}</th>" for column in _COLUMNS)
    body = "".join(f"<tr>{''.join(_html_cells(row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_cells(row: Attempt) -> list[str]:
    position, step, attempt, session, status, received, returned = (
        escape(harmless(cell)) for cell in _cells(row)
    )
    return [
        f'<td class="dn-n">{position}</td>',
        f"<td><b>{step}</b></td>",
        f'<td class="dn-n">{attempt}</td>',
        f'<td class="dn-n">{session}</td>',
        f'<td><span class="dn-badge dn-{row.status}">{status}</span></td>',
        f'<td class="dn-text"><code>{received}</code></td>',
        f'<td class="dn-text"><code>{returned}</code></td>',
    ]


def _cells(row: Attempt) -> list[str]:
    return [
        "–" if row.position is None else str(row.position),
        words.cut(row.step, 60),
        str(row.attempt),
        str(row.session),
        str(row.status),
        words.cut(words.event(row.received), 40),
        words.cut(row.error or words.returned(row), 40),
    ]


def _guess(each: Graded) -> str:
    guess = glimpse(each.guess, 80).replace("Ellipsis", "…")
    return harmless(words.cut(f"{each.name} = {guess}", 160))


def _why(each: Graded) -> str:
    return f"  {_said(each)}" if each.why else ""


def _said(each: Graded) -> str:
    return harmless(words.cut(each.why, _LONGEST))
