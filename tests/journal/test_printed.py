"""What a run has printed, off its entries."""

from __future__ import annotations

from durable_notebook.journal._entry import Entry, RecordedEntry
from durable_notebook.journal._printed import KEPT, Output, Printed, output_of


def entries(*printed: tuple[int, list[list[str]]]) -> list[RecordedEntry]:
    return [
        RecordedEntry(n, "step", Entry(session=session, at=1.0, output=output))
        for n, (session, output) in enumerate(printed)
    ]


def test_texts_come_in_order_with_the_life_that_printed_them() -> None:
    found = output_of(
        entries(
            (7, [["a", "one\n"], ["b", "two\n"]]), (7, []), (9, [["a", "three\n"]])
        ),
        [("b", "four")],
        9,
    )

    assert found.parts == (
        Printed("a", "one\n", 1),
        Printed("b", "two\n", 1),
        Printed("a", "three\n", 2),
        Printed("b", "four", 2),
    )
    assert (found.text, found.session) == ("one\ntwo\nthree\nfour", 2)


def test_a_life_that_has_printed_nothing_counts() -> None:
    found = output_of(entries((7, [["a", "one"]]), (9, [])))

    assert (found.parts, found.session) == ((Printed("a", "one", 1),), 0)
    assert output_of(entries((7, [["a", "one"]])), (), 12).session == 2


def test_the_newest_is_kept_with_a_note_of_what_is_not() -> None:
    found = output_of(entries((1, [["a", "x" * KEPT], ["b", "y" * 10]])))

    assert found.dropped == 10
    assert found.text == (
        "… 10 earlier characters are not kept\n" + "x" * (KEPT - 10) + "y" * 10
    )


def test_nothing_printed_is_no_text() -> None:
    assert output_of([]) == Output()
    assert output_of([]).text == ""
