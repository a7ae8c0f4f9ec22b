"""What can be guessed about a run, what the journal says of it, and why.

A fact is a value and one or two sentences with the rows that show it. Each is made of
rows alone, so that whoever guesses wrong sees in the journal what went on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from workflows.context.state_store import apply_state_patch

from durable_notebook._model import Attempt, AttemptStatus, Json, RunInfo

_MOST_NAMED = 3
_MOST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run that is judged by: its timeline, oldest first, and what stands beside it.

    `workflow_steps` are those that it could have come to; `ledger` has the lines of a
    file outside of the journal, where one was named; `tokens` is what the run's model
    calls used, as far as the journal knows.
    """

    info: RunInfo
    rows: Sequence[Attempt]
    workflow_steps: Sequence[str] = ()
    tokens: int = 0
    ledger: Sequence[str] | None = None
    ledger_name: str = "ledger"

    def of(self, step: str) -> list[Attempt]:
        """The executions of a step."""
        return [row for row in self.rows if row.step == step]

    def steps(self) -> list[str]:
        """The steps of the workflow, those of the journal first."""
        return list(dict.fromkeys([*(r.step for r in self.rows), *self.workflow_steps]))


@dataclass(frozen=True, slots=True)
class Fact:
    """What is so, why, and the rows that show it."""

    value: Any
    why: str
    rows: tuple[Attempt, ...] = ()


def _lives(e: Evidence) -> list[int]:
    return sorted({row.session for row in e.rows})


def _repeated(e: Evidence) -> list[str]:
    """Steps that were interrupted and done again, in their order."""
    return list(dict.fromkeys(row.step for row in e.rows if row.is_repeat))


def _is_cut(row: Attempt) -> bool:
    return row.status is AttemptStatus.INTERRUPTED


# -- one step --------------------------------------------------------------------------


def executions(e: Evidence, step: str) -> Fact:
    """How often the body of a step was begun."""
    rows = e.of(step)
    return Fact(len(rows), _how_often(e, step, rows), _pick(rows))


def _how_often(e: Evidence, step: str, rows: list[Attempt]) -> str:
    cut = [row for row in rows if _is_cut(row)]
    if not rows:
        return f"No row of the journal is one of {step}: the run never came to it."
    if cut:
        return f"{step} has {_count(rows)}. {_interrupted(e, cut)}"
    failed = [row for row in rows if row.status is AttemptStatus.FAILED]
    if failed:
        return f"{step} has {_count(rows)}, {len(failed)} of them failed."
    kept = rows[-1].session < _lives(e)[-1]
    if len(rows) == 1:
        said = f"{step} has one row, at position {rows[0].position}."
        return f"{said} {_KEPT}" if kept else f"{said} Nothing interrupted it."
    return f"{step} has {_count(rows)}, one for each event. No event was done twice."


_KEPT = "Its result was on disk before the process ended, so it never runs again."


def _interrupted(e: Evidence, cut: list[Attempt]) -> str:
    session = cut[0].session
    after = next((n for n in _lives(e) if n > session), None)
    again = f", so session {after} began it again" if after is not None else ""
    often = " (and so once more)" if len(cut) > 1 else ""
    return f"Session {session} ended before a result of it was on disk{again}{often}."


# -- the run ---------------------------------------------------------------------------


def runs_again(e: Evidence, guess: Any) -> Fact:
    """Which steps were interrupted and done again."""
    actual = _repeated(e)
    guessed = set(_names(guess))
    missing = [step for step in actual if step not in guessed]
    extra = sorted(guessed - set(actual))
    why = [f"{s} did: no result was on disk when the process ended." for s in missing]
    why += [_why_not(e, step) for step in extra]
    shown = [row for step in (*missing, *extra) for row in e.of(step)]
    shown = shown or [row for step in actual for row in e.of(step)]
    in_order = [row for row in e.rows if row in shown]
    return Fact(actual, " ".join(why[:2]) or _agreed(actual), _pick(in_order))


def _why_not(e: Evidence, step: str) -> str:
    rows = e.of(step)
    if not rows:
        return f"{step} is not in the journal at all."
    if rows[0].session == _lives(e)[0] and len(_lives(e)) > 1:
        return f"{step} did not: {_KEPT[0].lower()}{_KEPT[1:]}"
    return f"{step} did not: it began only in session {rows[0].session}, and once."


def _agreed(actual: list[str]) -> str:
    if not actual:
        return "Nothing did: every result was on disk before the process ended."
    return f"Only what had no result on disk did: {_list(actual)}. All else was kept."


def _sessions(e: Evidence) -> Fact:
    lives = _lives(e)
    first = [next(r for r in e.rows if r.session == n) for n in lives]
    why = (
        "A session is one life of the process: a new number begins where it had ended."
    )
    return Fact(len(lives), f"The journal has {len(lives)}. {why}", tuple(first))


def _goes_on_with(e: Evidence) -> Fact:
    lives = _lives(e)
    row = next(r for r in e.rows if r.session == lives[-1])
    why = (
        f"Session {row.session} began with {row.step}: the first step whose result was "
        "not on disk."
        if len(lives) > 1
        else f"There was one session only, and it began with {row.step}."
    )
    return Fact(row.step, why, (row,))


def _steps(e: Evidence) -> Fact:
    why = f"The journal has {e.info.steps} results. An interrupted row has none."
    return Fact(e.info.steps, why, tuple(r for r in e.rows if _is_cut(r))[:_MOST_NAMED])


def _interruptions(e: Evidence) -> Fact:
    rows = [row for row in e.rows if _is_cut(row)]
    why = (
        "An interrupted row is a step that had no result on disk when a process ended."
    )
    return Fact(len(rows), f"There are {len(rows)}. {why}", _pick(rows))


def _status(e: Evidence) -> Fact:
    return Fact(str(e.info.status), f"The run is {e.info.status}.", tuple(e.rows[-1:]))


def _tokens(e: Evidence) -> Fact:
    why = "A call is counted where the result that tells of it is on disk."
    return Fact(e.tokens, f"The journal has {e.tokens:,} tokens. {why}")


def _ledger_lines(e: Evidence) -> Fact:
    assert e.ledger is not None
    count, steps = len(e.ledger), _repeated(e)
    why = f"{e.ledger_name} has {count}. "
    if steps:
        why += (
            f"It is outside of the journal: {_list(steps)} ran again, and what the "
            "interrupted try had written there stayed."
        )
    else:
        why += "No step ran again, so nothing was written twice."
    return Fact(count, why, _pick([r for r in e.rows if r.step in steps]))


FACTS: dict[str, Callable[[Evidence], Fact]] = {
    "sessions": _sessions,
    "goes_on_with": _goes_on_with,
    "steps": _steps,
    "interrupted": _interruptions,
    "status": _status,
    "tokens": _tokens,
    "ledger_lines": _ledger_lines,
}
"""What has a name of its own, beside `runs_again`, steps and values of the store."""

KINDS: dict[str, str] = {
    "runs_again": "a list of the steps that run again, as in ['charge']",
    "sessions": "a number: how many lives of a process the run has",
    "goes_on_with": "a text: the step with which the last session begins",
    "steps": "a number: how many results are on disk",
    "interrupted": "a number: how many executions were interrupted",
    "status": "a text: what the run is in the end",
    "tokens": "a number: how many tokens the journal has",
    "ledger_lines": "a number: how many lines the file has",
}
"""What each of these guesses is."""


# -- the store -------------------------------------------------------------------------


def store_of(e: Evidence) -> dict[str, Json]:
    """What the run has in its store in the end."""
    state: dict[str, Json] = {"state_data": {"_data": {}}}
    try:
        for row in e.rows:
            state = apply_state_patch(state, list(row.store))
    except (LookupError, TypeError, ValueError, AttributeError):
        return {}  # It did not begin empty.
    data = state.get("state_data")
    for inner in ("_data", "value"):
        if isinstance(data, dict) and isinstance(data.get(inner), dict):
            return {**data, **data[inner]}
    return data if isinstance(data, dict) else {}


def stored(e: Evidence, name: str, value: Json) -> Fact:
    """What a value of the store is in the end."""
    rows = [r for r in e.rows if any(_is_about(change, name) for change in r.store)]
    why = f"The store has {name} = {value!r} in the end."
    if any(map(_is_cut, e.rows)):
        why += (
            " What a step changes in it is on disk together with its result or not at "
            "all, so an interrupted try has left nothing."
        )
    return Fact(value, why, tuple(rows[-_MOST_NAMED:]))


def _is_about(change: Json, name: str) -> bool:
    return name in str(change.get("path", "")).split("/")


# -- words -----------------------------------------------------------------------------


def _names(guess: Any) -> list[str]:
    return [guess] if isinstance(guess, str) else [str(name) for name in guess or ()]


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _count(rows: Sequence[Attempt]) -> str:
    return f"{len(rows)} rows" if len(rows) != 1 else "1 row"


def _pick(rows: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """The rows that tell the most: those around an interruption, else the first."""
    places = [i for i, row in enumerate(rows) if _is_cut(row) or row.is_repeat]
    near = sorted({j for i in places for j in (i - 1, i, i + 1) if 0 <= j < len(rows)})
    return (
        tuple(rows[j] for j in near[:_MOST_SHOWN])
        if near
        else tuple(rows[:_MOST_NAMED])
    )
