"""Why a run does not move, as the process tells that may execute it.

To what can be read off the journal it adds what only this process knows: what it has
not defined, what it refused and why, what it has released from memory.
"""

from __future__ import annotations

import json

from durable_notebook._model import at
from durable_notebook.doctor._diagnosis import diagnose
from durable_notebook.doctor._finding import OURS, Cause, Examined, Finding
from durable_notebook.errors import (
    DamagedJournalError,
    JournalTooNewError,
    ReplayMismatchError,
    StorageError,
    TooManyRecoveriesError,
)
from durable_notebook.operations._describe import Outside, describe, seen_by
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.store import RunRow

# What the process that has a run knows better than the journal.
_FROM_OUTSIDE = (
    Cause.NOBODY_TOOK_IT,
    Cause.NOT_TAKEN,
    Cause.LEFT_AT_REST,
    Cause.BEGUN_OFTEN,
)

# What is so only of a run that somebody executes.
_AT_WORK = (Cause.STEP_RUNNING, Cause.NOT_BEGUN, Cause.WAITING_FOR_EVENT)

# What SQLite and Postgres say themselves.
_FULL = ("database or disk is full", "No space left on device")


def examined(runtime: DBOSRuntime, row: RunRow, outside: Outside) -> Examined:
    """A run, and why it does not move. From any thread.

    Raises:
        StorageError: The database cannot be read.
    """
    store = runtime.store
    info = describe(store, row, None, seen_by(runtime), before=runtime.before)
    found = diagnose(store, row, outside)
    known = None
    if not info.status.is_final:
        known = _known(runtime, row, outside)
    if known is not None:
        if not row.is_owned or runtime.is_executor(row.executor_id or ""):
            found = [each for each in found if each.cause not in _FROM_OUTSIDE]
        if runtime.problem(row.run_id) is not None and not runtime.live(row.run_id):
            found = [each for each in found if each.cause not in _AT_WORK]
        found = [known, *(each for each in found if each.cause is not known.cause)]
    return Examined(info, found)


def _known(runtime: DBOSRuntime, row: RunRow, outside: Outside) -> Finding | None:
    executor = row.executor_id or ""
    if not row.is_owned:
        is_missing = runtime.is_undefined(row.run_id)
        return _undefined(runtime, row) if is_missing else None
    if not runtime.is_executor(executor):
        return _elsewhere(row, outside) if outside.is_alive(executor) else None
    problem = runtime.problem(row.run_id)
    if problem is not None:
        return _refused(row, problem)
    if runtime.is_undefined(row.run_id):
        return _undefined(runtime, row)
    return _released(row) if runtime.is_released(row.run_id) else None


def _elsewhere(row: RunRow, outside: Outside) -> Finding:
    life = outside.life(row.executor_id or "")
    where, since = "another process", None
    if life is not None:
        kernel = "another process"
        if life.notebook is not None:
            kernel = f"the kernel of {life.notebook}"
        where, since = f"{kernel} (process {life.pid})", at(life.started_at)
    return Finding(
        Cause.OWNED_ELSEWHERE,
        f"It belongs to {where}, executor {row.executor_id!r}, which is alive. What "
        "is sent to it from here, an answer or a cancellation, reaches it there.",
        row.run_id,
        since=since,
    )


def _refused(row: RunRow, problem: Exception) -> Finding:
    """Why this process stopped the run, or has not begun it."""
    run_id, says = row.run_id, str(problem)
    resume = (OURS, "resume", run_id)
    if isinstance(problem, DamagedJournalError):
        return Finding(Cause.UNREADABLE, says, run_id, (resume,))
    if isinstance(problem, ReplayMismatchError):
        anew = (OURS, "fork", run_id, "--position", "0")
        changes = problem.changes
        return Finding(
            Cause.GRAPH_CHANGED, says, run_id, (resume, anew), evidence=changes
        )
    if isinstance(problem, JournalTooNewError):
        return Finding(Cause.JOURNAL_NEWER, says, run_id)
    if isinstance(problem, StorageError):
        is_full = any(words in problem.problem for words in _FULL)
        cause = Cause.JOURNAL_FULL if is_full else Cause.JOURNAL_REFUSED
        return Finding(cause, says, run_id, (resume,))
    if isinstance(problem, TooManyRecoveriesError):
        return Finding(Cause.BEGUN_OFTEN, says, run_id, ((OURS, "journal", run_id),))
    return Finding(Cause.STOPPED, says, run_id, (resume,))


def _undefined(runtime: DBOSRuntime, row: RunRow) -> Finding:
    name = row.workflow.rpartition(".")[2]
    origin = runtime.origin(row.run_id)
    if origin is None:
        says = f"{name} is not defined here. Run the cell, or import the module, that "
        says += f"defines {name}: the run then goes on by itself."
    else:
        says = f"It was begun with {origin}, an instance of {name}, which is not here. "
        says += f"Run the cells that define {name} and make {origin}: the run then "
        says += "goes on by itself."
    return Finding(
        Cause.DEFINITION_MISSING,
        says,
        row.run_id,
        ((OURS, "resume", row.run_id),),
        evidence=_steps(runtime, row),
    )


def _steps(runtime: DBOSRuntime, row: RunRow) -> tuple[str, ...]:
    """What the run recorded of the class: by its steps its cell is found again."""
    entries = runtime.store.entries(row.run_id)
    digest = next((e.entry.code for e in reversed(entries) if e.entry.code), "")
    text = runtime.store.code(digest) if digest else None
    if text is None:
        return ()
    steps = ", ".join(sorted(json.loads(text)["graph"]["steps"]))
    return (f"its steps were: {steps}",)


def _released(row: RunRow) -> Finding:
    return Finding(
        Cause.RELEASED,
        "It only waits, so this process has released it from memory. An answer, a "
        "message or its deadline brings it back by itself.",
        row.run_id,
    )
