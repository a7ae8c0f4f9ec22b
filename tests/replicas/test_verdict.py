"""The verdict finds what replicas may not do."""

from __future__ import annotations

from .bodies import Line
from .processes import Fate
from .verdict import of_bodies

ONE, TWO = 11, 22


def began(at: float, pid: int, body: str = "a", cause: str | None = None) -> Line:
    return Line(at, pid, "begin", "run", body, cause)


def ended(at: float, pid: int, body: str = "a") -> Line:
    return Line(at, pid, "end", "run", body)


def test_a_body_that_begins_before_it_has_ended_elsewhere_is_found() -> None:
    lines = [began(1, ONE), began(2, TWO), ended(3, ONE), ended(4, TWO)]
    alive = [Fate(ONE, [], []), Fate(TWO, [], [])]

    (problem,) = of_bodies(lines, alive)

    assert problem.startswith("at once: 'a' of run in process 11")


def test_a_body_that_a_kill_has_cut_may_begin_again() -> None:
    lines = [began(1, ONE), began(2, TWO), ended(4, TWO)]

    assert of_bodies(lines, [Fate(ONE, [], [], 1.5), Fate(TWO, [], [])]) == []
    assert of_bodies(lines, [Fate(ONE, [], [], 2.5), Fate(TWO, [], [])]) != []


def test_a_stopped_process_may_end_what_it_had_begun_and_begin_nothing() -> None:
    lines = [began(1, ONE), began(2, TWO), ended(3, ONE), ended(4, TWO)]
    fates = [Fate(ONE, [1.5], [2.9]), Fate(TWO, [], [])]

    assert of_bodies(lines, fates) == []
    assert of_bodies([*lines[:2], began(3, ONE, "a"), *lines[3:]], fates) != []


def test_a_body_whose_successor_has_begun_may_not_begin_again() -> None:
    lines = [began(1, ONE), ended(2, ONE), began(3, ONE, "b", "a"), ended(4, ONE, "b")]
    alive = [Fate(ONE, [], []), Fate(TWO, [], [])]

    assert of_bodies(lines, alive) == []
    (problem,) = of_bodies([*lines, began(5, TWO), ended(6, TWO)], alive)
    assert problem == "again: 'a' of run in 22"
