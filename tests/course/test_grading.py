"""Guesses are judged by the journal: right ones pass, wrong ones are told why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from durable_notebook._model import RunStatus
from durable_notebook.course import Verdict, grade
from durable_notebook.views import verdict as views
from tests.course.runs import AGAIN, CUT, SHIP, START, failed, found
from tests.views.samples import attempt, info

RIGHT: dict[str, Any] = {
    "runs_again": ["charge"],
    "charge": 2,
    "ship": 1,
    "refund": 0,
    "sessions": 2,
    "goes_on_with": "charge",
    "steps": 3,
    "interrupted": 1,
    "status": "completed",
    "tokens": 0,
    "ledger_lines": 3,
    "count": 1,
}


def judge(**guesses: Any) -> Verdict:
    return grade("order-1", guesses, found())


def test_right_guesses_pass() -> None:
    verdict = judge(**RIGHT)

    assert verdict.is_right, [g for g in verdict.guesses if not g.is_right]
    assert views.headline(verdict) == "All 12 right."


@pytest.mark.parametrize(
    ("name", "guess", "why"),
    [
        ("runs_again", [], "charge did: no result was on disk"),
        ("runs_again", ["start", "charge"], "start did not: its result was on disk"),
        ("runs_again", "ship", "charge did: no result"),
        ("runs_again", ["charge", "ship"], "ship did not: it began only in session 2"),
        ("runs_again", ["charge", "nope"], "nope is not in the journal"),
        (
            "charge",
            1,
            "Session 1 ended before a result of it was on disk, so session 2",
        ),
        ("start", 2, "on disk before the process ended, so it never runs again"),
        ("ship", 2, "at position 2. Nothing interrupted it"),
        ("refund", 1, "never came to it"),
        ("sessions", 1, "A session is one life of the process"),
        ("goes_on_with", "ship", "the first step whose result was not on disk"),
        ("steps", 4, "An interrupted row has none"),
        ("interrupted", 0, "no result on disk when a process ended"),
        ("status", "failed", "The run is completed"),
        ("tokens", 12, "where the result that tells of it is on disk"),
        ("ledger_lines", 2, "charge ran again, and what the interrupted try had"),
        ("count", 2, "together with its result or not at all"),
        ("charge", True, "charge has 2 rows"),
    ],
)
def test_a_wrong_guess_is_told_why(name: str, guess: Any, why: str) -> None:
    verdict = judge(**{name: guess})

    (graded,) = verdict.guesses
    assert not verdict.is_right
    assert graded.is_right is False
    assert why in graded.why
    assert len(graded.why) < 250


def test_a_wrong_guess_is_shown_the_rows_that_say_so() -> None:
    (charge,) = judge(charge=1).guesses
    (again,) = judge(runs_again=["start"]).guesses

    assert charge.rows == (CUT, AGAIN)
    assert again.rows == (START, CUT, AGAIN)
    assert "interrupted" in views.text(judge(charge=1))
    assert "interrupted" in views.html(judge(charge=1))


def test_rows_are_few_however_long_the_run() -> None:
    many = [attempt(n, name="tick") for n in range(900)]

    for rows in ((*many, CUT, AGAIN), many):
        verdict = grade("a", {"tick": 1, "runs_again": ["tick"]}, found(*rows))

        assert all(len(each.rows) <= 6 for each in verdict.guesses)


def test_nothing_is_told_before_every_guess_is_made() -> None:
    verdict = judge(charge=1, ship=..., ledger_lines="three")

    said = views.text(verdict) + views.html(verdict)
    assert not verdict.is_right
    assert "Guess first, then look: ship, ledger_lines" in said
    assert "a number: how many lines the file has" in said
    assert not verdict.is_made
    assert not judge(runs_again=[...]).is_made
    assert judge(runs_again=[]).is_made
    assert all(each.is_right is None and not each.rows for each in verdict.guesses)
    assert "interrupted" not in said
    assert " 2 " not in said


@pytest.mark.parametrize(
    "evidence",
    [
        None,
        found(info=info(status=RunStatus.RUNNING)),
        found(info=info(status=RunStatus.WAITING, waits_for="an answer: Yes")),
    ],
)
def test_nothing_is_told_before_the_run_has_ended(evidence: Any) -> None:
    verdict = grade("order-1", {"charge": 1}, evidence)

    assert verdict.open.startswith("Noted.")
    assert "run this cell again" in verdict.open
    assert verdict.guesses[0].is_right is None
    assert not verdict.is_right


def test_the_way_out_is_right_below_the_cell_that_only_looks() -> None:
    """The guesses are in another cell than the one that says so."""
    unmade = grade("order-1", {"charge": ...}, None)

    assert "this cell" not in unmade.open
    assert "in the place of the dots" in unmade.open


def test_a_wrong_guess_shows_every_row_of_a_short_run() -> None:
    evidence = found(START, *(CUT, AGAIN) * 4, SHIP)
    verdict = grade("order-1", {"charge": 1, "ledger_lines": 8}, evidence)

    assert [len(each.rows) for each in verdict.guesses] == [8, 8]


def test_what_cannot_be_judged_names_the_way_out() -> None:
    unknown = judge(chrage=2, ship=2)
    bare = grade("order-1", {"ledger_lines": 3}, found(ledger=None))
    nothing = grade("order-1", {}, found())

    assert "chrage" in unknown.open
    assert "start, charge, ship" in unknown.guesses[0].why
    assert unknown.guesses[1].is_right is None
    assert "--ledger FILE" in bare.guesses[0].why
    assert "charge = 2" in nothing.open


def test_failures_and_loops_have_words_of_their_own() -> None:
    loop = [attempt(n, name="tick") for n in range(3)]
    (retried,) = grade(
        "a", {"charge": 1}, found(failed(0), attempt(1, name="charge"))
    ).guesses
    (looped,) = grade("a", {"tick": 1}, found(*loop)).guesses
    (untouched,) = grade("a", {"runs_again": ["tick"]}, found(*loop)).guesses

    assert "1 of them failed" in retried.why
    assert "one for each event" in looped.why
    assert "tick did not" in untouched.why


def test_hostile_names_are_text() -> None:
    bad = replace(SHIP, step="<img onerror=x>\x1b[2J")
    verdict = grade("<b>", {"runs_again": ["<i>\u202e"]}, found(START, CUT, AGAIN, bad))

    shown = views.html(verdict)
    assert "<img" not in shown
    assert "<i>" not in shown
    assert "\x1b" not in views.text(verdict)
    assert "\u202e" not in views.text(verdict)
