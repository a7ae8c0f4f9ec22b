"""Tables of text: aligned, harmless, and no wider than they may be."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_GAP = "  "

# What joins letters, and the marks of a direction: words of Persian and Hindi and
# families of emoji are made with the first, and Hebrew and Arabic texts have the others
# beside Latin words and brackets. They do no more than a letter of that script would;
# what turns round all that follows is not among them. `dom.js` lets the same pass.
SPARED = "\u061c\u200c\u200d\u200e\u200f"
"""Characters that cannot be seen and stay in what is shown."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, and what becomes of it where there is little room.

    `least` is how narrow it may become, None for one that is never shortened; of
    columns with `leaves`, those with the lowest number are left out first.
    """

    heading: str
    least: int | None = None
    leaves: int | None = None


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str] | str],
    width: int | None = None,
) -> list[str]:
    """The lines of a table, headings first. A row that is a text is a line of its own.

    `width` is what a line may take; None for any.
    """
    lines = [r if isinstance(r, str) else [harmless(cell) for cell in r] for r in rows]
    cells = [[c.heading for c in columns], *(r for r in lines if isinstance(r, list))]
    natural = [max(map(columns_of, column)) for column in zip(*cells, strict=True)]
    shown = _shown(columns, natural, width)
    widths = _fitted(columns, natural, shown, width)

    def line(row: Sequence[str]) -> str:
        parts = [_padded(row[i], widths[i]) for i in shown]
        return clip(_GAP.join(parts).rstrip(), width)

    return [
        clip(harmless(row), width) if isinstance(row, str) else line(row)
        for row in (cells[0], *lines)
    ]


def _shown(
    columns: Sequence[Column], natural: Sequence[int], width: int | None
) -> list[int]:
    """The columns that there is room for, each as narrow as it may become."""
    shown = list(range(len(columns)))
    leaving = sorted(
        (i for i in shown if columns[i].leaves is not None),
        key=lambda i: columns[i].leaves or 0,
    )
    while width is not None and leaving:
        least = [_least(columns[i], natural[i]) for i in shown]
        if _total(least) <= width:
            break
        shown.remove(leaving.pop(0))
    return shown


def _fitted(
    columns: Sequence[Column],
    natural: Sequence[int],
    shown: Sequence[int],
    width: int | None,
) -> list[int]:
    widths = list(natural)
    while width is not None and _total([widths[i] for i in shown]) > width:
        narrower = [i for i in shown if widths[i] > _least(columns[i], natural[i])]
        if not narrower:
            break
        widths[max(narrower, key=lambda i: widths[i])] -= 1
    return widths


def _least(column: Column, natural: int) -> int:
    return natural if column.least is None else min(column.least, natural)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _padded(text: str, width: int) -> str:
    text = clip(text, width)
    return text + " " * (width - columns_of(text))


# -- text in a terminal ----------------------------------------------------------------


def harmless(text: str) -> str:
    """A text on one line in which nothing acts on the terminal or turns it round.

    Values come from everywhere: an escape sequence in one could move the cursor, and a
    bidirectional mark could show a line in another order than it has.
    """
    if text.isprintable():
        return text
    return "".join(map(_harmless, text))


def _harmless(char: str) -> str:
    if char.isprintable() or char in SPARED:
        return char
    if char.isspace():
        return " "
    return char.encode("unicode_escape").decode("ascii")


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.combining(char) or char in SPARED:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def clip(text: str, width: int | None) -> str:
    """A text no wider than this, with an ellipsis where it was."""
    if width is None or columns_of(text) <= width:
        return text
    room, kept = width - 1, ""
    for char in text:
        room -= _columns(char)
        if room < 0:
            break
        kept += char
    return kept + "…"
