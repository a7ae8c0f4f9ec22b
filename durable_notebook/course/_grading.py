"""Guesses about a run, judged by its journal.

Nothing is told of a run before every guess about it is made, and the run has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from durable_notebook._model import Attempt
from durable_notebook.course._facts import (
    FACTS,
    KINDS,
    Evidence,
    Fact,
    executions,
    runs_again,
    store_of,
    stored,
)

__all__ = ["Evidence", "Graded", "Verdict", "grade"]


@dataclass(frozen=True, slots=True)
class Graded:
    """One guess: right, wrong, or None where it is still open, and why."""

    name: str
    guess: Any
    is_right: bool | None
    why: str
    rows: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of all guesses about a run.

    `open` says what is to be done first; `is_made` that they are guesses, all of them.
    """

    run_id: str
    guesses: tuple[Graded, ...]
    open: str = ""
    is_made: bool = True

    @property
    def is_right(self) -> bool:
        """Whether the exercise is solved."""
        return not self.open and all(g.is_right for g in self.guesses)

    @property
    def right(self) -> int:
        """How many guesses are right."""
        return sum(g.is_right is True for g in self.guesses)


def grade(
    run_id: str,
    guesses: Mapping[str, Any],
    found: Evidence | None,
    steps: Collection[str] = (),
) -> Verdict:
    """Judge guesses about a run; `found` is None where there is no such run yet.

    A name is one of `KINDS`, a step, for how often it was begun, or a value of the
    store. `...` is a guess that is not made yet. `steps` are names that are known to be
    of steps before there is a run.
    """
    asked = {name: _asked(name, guess, found) for name, guess in guesses.items()}
    for name in filter(lambda name: _is_unmade(guesses[name]), guesses):
        a_step = "a number: how often the step runs"
        other = a_step if name in steps else "what the store has in the end"
        asked[name] = KINDS.get(name, other)
    unmade = [name for name, why in asked.items() if why]
    noted = tuple(Graded(n, g, None, asked[n]) for n, g in guesses.items())
    if not guesses:
        return Verdict(run_id, (), f"Nothing is guessed yet. {_HOW}", is_made=False)
    if unmade:
        said = ", ".join(unmade)
        first = f"Guess first, then look: {said}. {_WHERE}"
        return Verdict(run_id, noted, first, is_made=False)
    if found is None:
        return Verdict(
            run_id, noted, f"Noted. There is no run {run_id} yet: start it. {_THEN}"
        )
    if not found.info.status.is_final:
        waits = f" ({found.info.waits_for})" if found.info.waits_for else ""
        state = f"Run {run_id} has not ended: it is {found.info.status}{waits}."
        return Verdict(run_id, noted, f"Noted. {state} {_THEN}")
    judged = [_judge(name, guess, found) for name, guess in guesses.items()]
    unknown = [g.name for g in judged if g.is_right is None]
    if unknown:
        # Nothing of the others either: a name may be mended when they are known.
        why = {g.name: g.why for g in judged if g.is_right is None}
        noted = tuple(Graded(n, g, None, why.get(n, "")) for n, g in guesses.items())
        return Verdict(run_id, noted, f"Not known in this run: {', '.join(unknown)}.")
    return Verdict(run_id, tuple(judged))


_THEN = "Then run this cell again."
# It is said below the cell that only looks, too.
_WHERE = "Write your guesses in the place of the dots, and run that cell again."
_HOW = "Write a line for each guess, as in: charge = 2"


def _is_unmade(guess: Any) -> bool:
    return guess is ... or (isinstance(guess, (list, tuple)) and ... in guess)


def _asked(name: str, guess: Any, found: Evidence | None) -> str:
    """Why a guess is none yet; empty if it is one."""
    if name == "ledger_lines" and found is not None and found.ledger is None:
        return "Name the file that is counted: --ledger FILE."
    is_number = isinstance(guess, (int, float)) and not isinstance(guess, bool)
    counted = ("sessions", "steps", "interrupted", "tokens", "ledger_lines")
    if name in counted and not is_number:
        return KINDS[name]
    if name in ("goes_on_with", "status") and not isinstance(guess, str):
        return KINDS[name]
    is_list = isinstance(guess, (str, list, tuple, set, frozenset)) or guess is None
    if name == "runs_again" and not is_list:
        return KINDS[name]
    return ""


def _judge(name: str, guess: Any, found: Evidence) -> Graded:
    fact = _fact(name, guess, found)
    if fact is None:
        steps = ", ".join(found.steps())
        why = (
            f"{name} is no step of this run ({steps}), no value of its store, and none"
        )
        return Graded(name, guess, None, f"{why} of: {', '.join(KINDS)}.")
    if name == "runs_again":
        given = [guess] if isinstance(guess, str) else guess or ()
        is_right = {str(n) for n in given} == set(fact.value)
    else:
        is_right = type(guess) is not bool and guess == fact.value
        is_right = is_right or guess is fact.value
    return Graded(name, guess, bool(is_right), fact.why, fact.rows)


def _fact(name: str, guess: Any, found: Evidence) -> Fact | None:
    if name == "runs_again":
        return runs_again(found, guess)
    if name in FACTS:
        return FACTS[name](found)
    if name in found.steps():
        return executions(found, name)
    store = store_of(found)
    return stored(found, name, store[name]) if name in store else None
