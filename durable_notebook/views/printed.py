"""What a run has printed, as text that does nothing but stand there."""

from __future__ import annotations

import re
import unicodedata
from html import escape
from itertools import groupby

from durable_notebook.journal._printed import Output
from durable_notebook.views.table import SPARED

# Of a panel; `run.output()` has the rest.
_MOST_LINES = 200
_MOST_CHARACTERS = 16 * 1024
_MOST_LINES_PLAIN = 20

# Colours and cursor movements of a terminal, and titles of its window.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_KEPT = "\n\t" + SPARED


def html(output: Output) -> str:
    """A block that shows its end and scrolls; what is shown again is marked."""
    if not output.parts:
        return ""
    lives = _lives(output, _MOST_LINES, _MOST_CHARACTERS)
    is_marked = len(lives) > 1 or lives[0][0] != output.session
    parts = []
    for session, text in lives:
        mark = f'<span class="dn-life">{_mark(session, output)}</span>\n'
        parts.append(f"{mark if is_marked else ''}{escape(text)}")
    # The innermost is what the outer one turns round, to stand at its end.
    return f'<div class="dn-out"><pre>{"".join(parts)}</pre></div>'


def text(output: Output) -> str:
    """The last lines."""
    if not output.parts:
        return ""
    lives = _lives(output, _MOST_LINES_PLAIN, _MOST_CHARACTERS)
    is_marked = len(lives) > 1 or lives[0][0] != output.session
    return "\n".join(
        (f"── {_mark(session, output)}\n" if is_marked else "") + part.rstrip("\n")
        for session, part in lives
    )


def _mark(session: int, output: Output) -> str:
    if session == output.session:
        return f"session {session}"
    return f"replayed: from session {session}"


def _lives(output: Output, lines: int, characters: int) -> list[tuple[int, str]]:
    """The text of each life of the run, harmless, as far as there is room."""
    found = [
        (session, _harmless("".join(part.text for part in parts)))
        for session, parts in groupby(output.parts, lambda part: part.session)
    ]
    kept: list[tuple[int, str]] = []
    is_cut = output.dropped > 0
    for session, whole in reversed(found):
        if lines <= 0 or characters <= 0:
            is_cut = True
            break
        all_lines = whole[-characters:].splitlines(keepends=True)
        part = "".join(all_lines[-lines:])
        is_cut |= len(part) < len(whole)
        lines, characters = lines - len(all_lines), characters - len(part)
        kept.append((session, part if part.endswith("\n") else f"{part}\n"))
    kept.reverse()
    if is_cut:
        session, part = kept[0]
        kept[0] = session, f"… earlier output: await run.output()\n{part}"
    return kept


def _harmless(text: str) -> str:
    """A text without what acts on a terminal or turns it round; its lines stay."""
    plain = _LINE_ENDS.sub("\n", _ANSI.sub("", text))
    if plain.isascii() and plain.replace("\n", "").replace("\t", "").isprintable():
        return plain
    return "".join(c if _stands(c) else "\N{REPLACEMENT CHARACTER}" for c in plain)


def _stands(char: str) -> bool:
    return char in _KEPT or unicodedata.category(char) not in ("Cc", "Cf", "Cs")
