"""Tables in a terminal: aligned, bounded, and without anything that acts."""

from __future__ import annotations

import pytest

from durable_notebook.views.table import Column, clip, columns_of, harmless, table

COLUMNS = (
    Column("name", least=6),
    Column("state"),
    Column("when", leaves=1),
    Column("", least=4, leaves=2),
)
ROWS = [
    ("a", "done", "12:00", "short"),
    ("a-long-name", "failed", "12:01", "a text that goes on and on"),
    "── a line of its own, which is rather long",
]


def test_a_table_is_as_wide_as_it_needs_where_nothing_bounds_it() -> None:
    assert table(COLUMNS, ROWS) == [
        "name         state   when",
        "a            done    12:00  short",
        "a-long-name  failed  12:01  a text that goes on and on",
        "── a line of its own, which is rather long",
    ]


def test_what_may_be_shortened_is_shortened_first() -> None:
    lines = table(COLUMNS, ROWS, 36)
    assert max(map(len, lines)) <= 36
    assert lines[0].split() == ["name", "state", "when"]
    assert lines[2].endswith("…")


def test_columns_leave_in_their_order_where_there_is_no_room() -> None:
    without_when = table(COLUMNS, ROWS, 22)
    without_both = table(COLUMNS, ROWS, 15)

    assert "when" not in without_when[0]
    assert without_when[1].startswith("a ")
    assert without_when[1].endswith("short")
    assert without_both[1].split() == ["a", "done"]


@pytest.mark.parametrize("width", range(1, 60))
def test_no_width_is_exceeded(width: int) -> None:
    assert all(columns_of(line) <= width for line in table(COLUMNS, ROWS, width))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – text", "plain – text"),
        ("two\nlines\tand\r\n", "two lines and  "),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("\ud800", "\\ud800"),
        ("\u2028", " "),
        ("naïve 漢字 🙂", "naïve 漢字 🙂"),
        ("\u200fשם\u200e (C++)", "\u200fשם\u200e (C++)"),
        ("نمی\u200cشد 👩\u200d🔬", "نمی\u200cشد 👩\u200d🔬"),
    ],
)
def test_what_acts_on_a_terminal_is_spelled_out(text: str, shown: str) -> None:
    assert harmless(text) == shown


def test_wide_letters_take_two_columns() -> None:
    rows = [("漢字", "x", "", ""), ("ab", "y", "", "")]

    assert columns_of("漢字") == 4
    assert columns_of("e\u0301") == 1
    assert columns_of("\u200fא\u200e") == 1
    assert clip("漢字漢字", 5) == "漢字…"
    assert table(COLUMNS, rows)[1:] == ["漢字  x", "ab    y"]
