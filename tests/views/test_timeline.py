"""The timeline as a picture, and what a live one is sent."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from durable_notebook._model import Attempt, AttemptStatus, EventView, Json
from durable_notebook.views import live, states, timeline
from durable_notebook.views.axis import axis, bars, last_signs
from tests.views.samples import BEGAN, TWO_LIVES, attempt, info, interrupted
from tests.views.test_views import HOSTILE, Tags

FAILED = replace(
    attempt(3602, session=2), status=AttemptStatus.FAILED, error="Oops: no"
)
EVERY_STATE = [
    attempt(0),
    interrupted(1),
    replace(attempt(3601, session=2), is_repeat=True),
    replace(FAILED, is_retried=True),
    replace(attempt(3603, session=2), attempt=2),
    replace(FAILED, started=BEGAN + timedelta(seconds=3604)),
    replace(attempt(3605, session=2), status=AttemptStatus.WAITING),
    replace(attempt(3606, session=2), status=AttemptStatus.RUNNING, finished=None),
]


def state_of(row: Attempt) -> str:
    return states.state(row, states.newest_session(EVERY_STATE))


def test_each_state_has_a_word_a_meaning_and_a_colour() -> None:
    assert [state_of(row) for row in EVERY_STATE] == [
        "replayed",
        "interrupted",
        "re-executed",
        "retried",
        "completed",
        "failed",
        "waiting",
        "running",
    ]
    assert set(map(state_of, EVERY_STATE)) == set(states.LABELS) == set(states.MEANINGS)


def test_a_picture_says_in_words_what_it_says_in_colours() -> None:
    markup, plain = timeline.twin(info(), EVERY_STATE)

    for label in states.LABELS.values():
        assert label in markup
    assert "the process ended here · session 2 began 1 h 0 min later" in markup
    assert "session 2 begins" in plain
    picture = ElementTree.fromstring(timeline.picture(info(), EVERY_STATE))
    assert picture.attrib["role"] == "img"
    assert "1 interrupted" in picture.attrib["aria-label"]
    # A code host takes styles and classes away: attributes stay.
    names = {name for element in picture.iter() for name in element.attrib}
    assert not names & {"style", "class"}


def test_a_host_without_style_sheets_shows_an_image_and_no_heap_of_words() -> None:
    markup, _ = timeline.twin(info(), EVERY_STATE)
    drawn, _, image = markup.partition("</svg>")

    # JupyterLab keeps such a `hidden` and the image where it does not trust a notebook.
    assert '<div class="dn-drawn" hidden="hidden"><svg ' in drawn
    source = image.partition('src="data:image/svg+xml,')[2].partition('"')[0]
    assert unquote(source) == timeline.picture(info(), EVERY_STATE)


def test_all_bars_are_inside_the_picture() -> None:
    rows = [*EVERY_STATE, replace(attempt(9), started=None)]
    picture = ElementTree.fromstring(timeline.picture(info(), rows))
    width = float(picture.attrib["width"])

    for rect in picture.iter("{http://www.w3.org/2000/svg}rect"):
        left, wide = float(rect.attrib["x"]), float(rect.attrib["width"])
        assert left >= 0
        assert wide > 0
        assert left + wide <= width


def test_a_long_run_is_a_table_and_its_text_is_bounded() -> None:
    rows = [attempt(n / 2) for n in range(5_000)]

    markup, plain = timeline.twin(info(), rows)

    assert "<svg" not in markup
    assert "earlier rows are in the frame" in markup
    assert len(plain.splitlines()) < 70
    assert "4940 earlier rows are in %durable_journal" in plain


def test_a_run_that_has_not_begun_says_so() -> None:
    markup, plain = timeline.twin(info(), [])

    assert "Nothing has run yet." in markup
    assert "Nothing has run yet." in plain


@pytest.mark.parametrize("text", [*HOSTILE, "\x00\ud800", "x" * 1_000_000])
def test_hostile_text_is_text_in_a_picture_and_bounded(text: str) -> None:
    row = replace(
        attempt(0),
        step=text,
        received=EventView(text, {text: text}),
        error=text,
        store=({"op": "replace", "path": f"/state_data/_data/{text}", "value": text},),
    )
    markup, _ = timeline.twin(info(run_id=text), [row])
    tags = Tags()
    tags.feed(markup)

    assert "script" not in tags.seen
    # The one image is ours; what it draws is quoted in its address.
    assert [src.partition(",")[0] for src in tags.sources] == ["data:image/svg+xml"]
    assert not {name for name in tags.attributes if name.startswith("on")}
    assert len(timeline.picture(info(run_id=text), [row])) < 20_000
    assert "\u202e" not in timeline.picture(info(run_id=text), [row])

    sent = [live.row(row, 1, {}), live.run(info(run_id=text, error=text))]
    details = live.details(row, 1, text)
    for content in (sent, details):
        told = json.dumps(content)
        assert len(told) < 40_000
        assert "\\u202e" not in told.replace("\\\\u202e", "")


def test_a_million_keys_take_no_time() -> None:
    fields: dict[str, Json] = dict.fromkeys(map(str, range(1_000_000)), 1)
    row = replace(
        attempt(0),
        received=EventView("Big", fields),
        returned=(EventView("Deep", {"inside": fields}),) * 100,
        store=({"op": "add", "path": "/state_data/_data/x", "value": fields},) * 100,
    )

    began = time.monotonic()
    details = live.details(row, 1, "")
    timeline.twin(info(), [row])

    assert time.monotonic() - began < 1
    assert details["received"]["more"] == 999_960
    assert (details["more"], details["more_changes"]) == (90, 60)


def test_knots_place_a_moment_where_the_bars_are() -> None:
    found = axis(TWO_LIVES)
    assert found is not None

    whole = found.place(found.end)
    for row, bar in zip(TWO_LIVES, bars(TWO_LIVES), strict=True):
        assert bar is not None
        assert row.started is not None
        assert found.place(row.started) / whole == pytest.approx(bar.left)
    # Behind what is known, a second takes a second: a run goes on.
    later = found.end + timedelta(seconds=7)
    assert found.place(later) == pytest.approx(whole + 7)


def test_a_live_row_goes_on_or_ends_with_its_session() -> None:
    signs = last_signs(EVERY_STATE)
    rows = [live.row(row, 2, signs) for row in EVERY_STATE]

    by_state = {row[1]: row for row in rows}
    assert by_state["running"][4] is None
    assert by_state["waiting"][4] is None
    stopped = by_state["interrupted"]
    assert stopped[4] == pytest.approx((BEGAN.timestamp() + 1) * 1000)


def test_details_tell_all_of_one_execution() -> None:
    source = "    @step\n    async def tick(self):\n        return 1\n"

    details = live.details(EVERY_STATE[3], 2, source)

    assert details["error"] == "Oops: no"
    assert details["source"].startswith("@step\nasync def tick(self):\n    return 1")
    assert details["received"] == {
        "name": "Tick",
        "fields": [["count", "7204"]],
        "more": 0,
    }
    assert details["changes"] == [["count", "1"]]
    assert ["took", "500 ms"] in details["facts"]
