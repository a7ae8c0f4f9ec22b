from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

import pandas as pd
import pytest

from durable_notebook._model import EventView
from durable_notebook.views import frames, html, text
from durable_notebook.views.axis import bars
from tests.views.samples import TWO_LIVES, attempt, info

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\u202egnp.exe",
    "\x1b[31mred",
    '" onmouseover="alert(1)',
]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.sources += [value or "" for name, value in attrs if name == "src"]


def test_a_journal_has_the_documented_dtypes_also_when_it_is_empty() -> None:
    for rows in (TWO_LIVES, []):
        frame = frames.journal(info(), rows)

        assert {k: str(v) for k, v in frame.dtypes.items()} == frames.JOURNAL_COLUMNS


def test_a_list_of_runs_has_the_documented_dtypes_also_when_it_is_empty() -> None:
    for rows in ([info()], []):
        frame = frames.runs(rows)

        assert {k: str(v) for k, v in frame.dtypes.items()} == frames.RUNS_COLUMNS


def test_a_list_of_runs_tells_the_size_of_each() -> None:
    frame = frames.runs([info(size=7), info()])

    assert frame["size"].to_list() == [7, pd.NA]


def test_a_selection_of_a_journal_is_a_plain_frame() -> None:
    frame = frames.journal(info(), TWO_LIVES)

    assert type(frame[frame["session"] == 2]) is pd.DataFrame
    assert len(frame[frame["session"] == 2]) == 2
    # pandas' own method is still what it is.
    assert callable(frame.info)


def test_downtime_takes_little_of_the_axis() -> None:
    places = bars(TWO_LIVES)

    assert all(place is not None for place in places)
    last = places[-1]
    assert last is not None
    assert last.left + last.width == pytest.approx(1)
    assert last.width > 0.2


def test_a_bar_of_every_row_lies_on_the_axis() -> None:
    for place in bars([*TWO_LIVES, attempt(1.2), replace(attempt(9), started=None)]):
        if place is not None:
            assert 0 <= place.left <= 1
            assert 0 <= place.left + place.width <= 1.000001


def test_both_forms_say_where_the_process_died() -> None:
    rows = TWO_LIVES

    assert "session 2 begins" in text.journal(info(), rows)
    assert "the process ended here" in html.journal(info(), rows)
    assert html.journal(info(), rows).count('class="dn-cut"') == 1


def test_both_forms_say_where_the_code_has_changed() -> None:
    codes = {1: "before", 2: "after"}
    changed = [replace(row, code=codes[row.session]) for row in TWO_LIVES]
    same = [replace(row, code="same") for row in TWO_LIVES]

    for rows, times in ((changed, 1), (same, 0)):
        assert html.journal(info(), rows).count("with changed code") == times
        assert text.journal(info(), rows).count("with changed code") == times


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_text_stays_text(bad: str) -> None:
    row = replace(
        attempt(0),
        step=bad,
        received=EventView(bad, {bad: bad}),
        error=bad,
        store=({"op": "add", "path": f"/state_data/_data/{bad}", "value": bad},),
    )
    run = info(run_id=bad, workflow=bad, waits_for=bad)

    tags = Tags()
    tags.feed(html.journal(run, [row]))
    tags.feed(html.runs([run]))
    tags.feed(html.panel(run, [row], note=bad, result=bad))

    known = {"p", "b", "code", "span", "table", "thead", "tbody", "tr", "th", "td"}
    assert tags.seen <= known
    assert tags.attributes <= {"class", "style", "title", "colspan"}


def test_a_megabyte_in_a_field_is_cut() -> None:
    row = replace(attempt(0), received=EventView("Big", {"text": "x" * 1_000_000}))

    assert len(html.journal(info(), [row])) < 5_000
    assert len(text.journal(info(), [row])) < 1_000


def test_a_long_journal_is_cut_and_says_so() -> None:
    rows = [attempt(n / 2) for n in range(1_000)]

    page = html.journal(info(), rows)

    assert "earlier rows are in the frame" in page
    assert page.count("<tr>") < 250


def test_what_stays_in_a_notebook_says_of_which_day_it_is() -> None:
    day = info().updated.astimezone().strftime("%Y-%m-%d")

    assert f"last change {day}" in html.panel(info(), [], note="", result=None)
    assert f'<td class="dn-n">{day}' in html.runs([info()])
    assert f"As of {datetime.now().astimezone():%Y-%m-%d}" in html.runs([info()])


def test_no_runs_say_how_to_begin() -> None:
    assert "%durable_run" in html.runs([])
    assert text.runs([]) == "No runs in this journal."
