"""Why a run does not move: what is known, and the command that cures it.

Everything is read off the journal, from outside. What only the process that executes a
run could tell is not guessed at: then it says where that process writes it.
"""

from __future__ import annotations

from collections.abc import Sequence

from durable_notebook._model import Json, at
from durable_notebook.doctor._finding import UPGRADE, Cause, Finding, ours
from durable_notebook.doctor._pauses import pauses
from durable_notebook.errors import (
    DurableNotebookError,
    JournalTooNewError,
    LostOutcomeError,
)
from durable_notebook.journal._entry import Entry, RecordedEntry
from durable_notebook.operations._describe import Outside, sentence_of
from durable_notebook.store import RunRow, Store

# A run that was begun again so often has something that ends its process.
_OFTEN = 5


def diagnose(store: Store, row: RunRow, outside: Outside) -> list[Finding]:
    """Why a run does not move; the most important first.

    Raises:
        StorageError: The database cannot be read.
    """
    try:
        entries = store.entries(row.run_id)
        _ = row.input
    except DurableNotebookError as e:
        return [_unreadable(row, e)]
    last = entries[-1].entry if entries else None
    if last is not None and last.end is not None:
        return [_ended(row, last.end)]
    if not row.is_unfinished:
        return [_ended_by_dbos(row, entries)]
    if row.is_paused:
        is_executed = outside.is_executed(row, entries[-1:])
        beside = pauses(store, row, entries, None)
        if is_executed:
            beside = [f for f in pauses(store, row, entries, outside) if _is_left(f)]
        return [_paused(row, outside), *beside]
    found = _execution(row, last, outside)
    is_executed = not found
    if is_executed and outside.is_left_at_rest(row, last):
        found.append(_left_at_rest(row, outside))
    return found + pauses(store, row, entries, outside if is_executed else None)


# -- how it ended ----------------------------------------------------------------------


def _unreadable(row: RunRow, problem: DurableNotebookError) -> Finding:
    if isinstance(problem, JournalTooNewError):
        return Finding(
            Cause.JOURNAL_NEWER, str(problem), row.run_id, commands=(UPGRADE,)
        )
    return Finding(Cause.UNREADABLE, str(problem), row.run_id)


def _ended(row: RunRow, end: dict[str, Json]) -> Finding:
    if end["status"] != "failed":
        return Finding(Cause.ENDED, f"It has ended: it is {end['status']}.", row.run_id)
    return Finding(
        Cause.FAILED,
        f"It has failed: {sentence_of(end['error'])}. Correct the cause; a fork does "
        "its last turn again.",
        row.run_id,
        commands=(ours("fork", row.run_id),),
    )


def _ended_by_dbos(row: RunRow, entries: Sequence[RecordedEntry]) -> Finding:
    if row.dbos_status == "CANCELLED":
        return Finding(
            Cause.ENDED, "It has ended: it was cancelled with DBOS.", row.run_id
        )
    step = entries[-1].position + 2 if entries else 1
    lost = LostOutcomeError(row.run_id, row.dbos_status, step)
    return Finding(
        Cause.OUTCOME_LOST,
        str(lost),
        row.run_id,
        commands=(ours("fork", row.run_id),),
    )


# -- who executes it -------------------------------------------------------------------


def _execution(row: RunRow, last: Entry | None, outside: Outside) -> list[Finding]:
    """Why nobody executes an unfinished run; empty if somebody does."""
    executor = row.executor_id or ""
    name = row.workflow.rpartition(".")[2]
    resume = ours("resume", row.run_id, options={"app": module_of(row.workflow)})
    if not row.is_owned:
        says = f"It was forked or resumed, and no process that has {name} has taken it."
        found = [Finding(Cause.NOBODY_TOOK_IT, says, row.run_id, commands=(resume,))]
    elif not outside.is_alive(executor):
        found = [_dead(row, executor, outside, resume)]
    elif not row.waits_for_place and outside.is_left_alone(row, last):
        found = [_left_alone(row, executor, outside, name)]
    else:
        return []
    if row.recoveries > _OFTEN:
        found.append(
            Finding(
                Cause.BEGUN_OFTEN,
                f"It was begun {row.recoveries} times and has not ended; an executor "
                "with a smaller 'max_recovery_attempts' leaves it alone. Its journal "
                "shows in which step each process ended: correct that, and launch with "
                "a larger one.",
                row.run_id,
                commands=(ours("journal", row.run_id),),
            )
        )
    return found


def _paused(row: RunRow, outside: Outside) -> Finding:
    options = {}
    if not outside.is_alive(row.executor_id or ""):
        options = {"app": module_of(row.workflow)}
    assert row.paused_at is not None
    return Finding(
        Cause.PAUSED,
        "It is paused: no step of it begins until somebody goes on with it.",
        row.run_id,
        commands=(ours("resume", row.run_id, options=options),),
        since=at(row.paused_at),
    )


def _is_left(finding: Finding) -> bool:
    """Whether something is so of a run although it is paused."""
    return finding.cause in (Cause.WAITING_FOR_ANSWER, Cause.STEP_RUNNING)


def module_of(workflow: str) -> str:
    """The module that defines a workflow, as far as its name tells."""
    module = workflow.rpartition(".")[0]
    if not module:  # The route of a server, or another name that a user has chosen.
        return "MODULE:WORKFLOW"
    return "MODULE" if module == "__main__" or "<" in module else module


def _dead(
    row: RunRow, executor: str, outside: Outside, resume: tuple[str, ...]
) -> Finding:
    life = outside.life(executor)
    where = "launch a runtime with this executor_id"
    if life is not None and life.notebook is not None:
        where = f"open {life.notebook}"
    other = outside.another_alive(executor) or "EXECUTOR"
    both = {"from": executor, "to": other}
    reassign = ours("reassign", row.run_id, options=both)
    return Finding(
        Cause.EXECUTOR_DEAD,
        f"Its executor {executor!r} is not alive, and its runs wait for it: {where}, "
        "go on with this run here, or give it to another executor (without the id of "
        "a run, all of them).",
        row.run_id,
        commands=(resume, reassign),
    )


def _left_alone(row: RunRow, executor: str, outside: Outside, name: str) -> Finding:
    life = outside.life(executor)
    assert life is not None
    return Finding(
        Cause.NOT_TAKEN,
        f"Its executor {executor!r} is alive (process {life.pid}) and has not taken "
        f"it: {name} is not defined there, unless its log gives another reason. Run "
        f"the cell, or import the module, that defines {name}.",
        row.run_id,
        since=at(life.started_at),
    )


def _left_at_rest(row: RunRow, outside: Outside) -> Finding:
    life = outside.life(row.executor_id or "")
    assert life is not None
    name = row.workflow.rpartition(".")[2]
    return Finding(
        Cause.LEFT_AT_REST,
        f"It only waits, so its executor {row.executor_id!r} (process {life.pid}) "
        f"has left it out of memory. A message, or its deadline, brings it back, if "
        f"{name} is defined there.",
        row.run_id,
        since=at(life.started_at),
    )
