"""Why a run does not move: what is known, and the command that cures it.

Everything is read off the journal, from outside. What only the process that executes a
run could tell is not guessed at: then it says where that process writes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from durable_notebook._describe import Outside
from durable_notebook._entry import Entry, RecordedEntry
from durable_notebook._finding import OURS, UPGRADE, Cause, Finding
from durable_notebook._model import AttemptStatus, Json, Prompt, at
from durable_notebook._schema import usage
from durable_notebook._timeline import attempts
from durable_notebook.errors import (
    DurableNotebookError,
    JournalTooNewError,
    LostOutcomeError,
)
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
    found = _execution(row, last, outside)
    is_executed = not found
    if last is not None:
        unread = [m.tick for m in store.mail(row.run_id, last.cursor) if m.tick]
        found += _inside(row, entries, [json.loads(text) for text in unread])
        if is_executed:
            found += _at_work(row, entries, len(unread))
    if is_executed and not found:
        found.append(_idle(row, last, outside))
    return found


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
    error = end["error"]
    name = error["type"].rpartition(".")[2]
    return Finding(
        Cause.FAILED,
        f"It has failed: {name}: {error['message']}. Correct the cause; a fork does "
        "its last turn again.",
        row.run_id,
        commands=((OURS, "fork", row.run_id),),
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
        commands=((OURS, "fork", row.run_id),),
    )


# -- who executes it -------------------------------------------------------------------


def _execution(row: RunRow, last: Entry | None, outside: Outside) -> list[Finding]:
    """Why nobody executes an unfinished run; empty if somebody does."""
    executor = row.executor_id or ""
    name = row.workflow.rpartition(".")[2]
    resume = (OURS, "resume", row.run_id, "--app", module_of(row.workflow))
    if row.dbos_status != "PENDING":
        says = f"It was forked or resumed, and no process that has {name} has taken it."
        found = [Finding(Cause.NOBODY_TOOK_IT, says, row.run_id, commands=(resume,))]
    elif not outside.is_alive(executor):
        found = [_dead(row, executor, outside, resume)]
    elif outside.is_left_alone(row, last):
        found = [_left_alone(row, executor, outside, name)]
    else:
        return []
    if row.recoveries > _OFTEN:
        found.append(
            Finding(
                Cause.BEGUN_OFTEN,
                f"It was begun {row.recoveries} times and has not ended. Its journal "
                "shows in which step each process ended; a runtime with a smaller "
                "'max_recovery_attempts' leaves it alone.",
                row.run_id,
                commands=((OURS, "journal", row.run_id),),
            )
        )
    return found


def module_of(workflow: str) -> str:
    """The module that defines a workflow, as far as its name tells."""
    module = workflow.rpartition(".")[0]
    return "MODULE" if module in ("", "__main__") or "<" in module else module


def _dead(
    row: RunRow, executor: str, outside: Outside, resume: tuple[str, ...]
) -> Finding:
    life = outside.life(executor)
    where = "launch a runtime with this executor_id"
    if life is not None and life.notebook is not None:
        where = f"open {life.notebook}"
    return Finding(
        Cause.EXECUTOR_DEAD,
        f"Its executor {executor!r} is not alive, and its runs wait for it: {where}, "
        "or go on with this run here.",
        row.run_id,
        commands=(resume,),
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


# -- what it waits for -----------------------------------------------------------------


def _inside(
    row: RunRow, entries: Sequence[RecordedEntry], unread: Sequence[Json]
) -> list[Finding]:
    """What the journal says that the run waits for, whoever executes it."""
    last = entries[-1].entry
    prompts = [Prompt.read(row.run_id, tree) for tree in last.prompts]
    sent = {_event_name(tick) for tick in unread}
    found = [
        _question(prompt, is_only=len(prompts) == 1)
        for prompt in prompts
        if not sent.intersection(prompt.expects)
    ]
    for due, step in _retries(entries):
        found.append(
            Finding(
                Cause.RETRY_LATER,
                f"Step {step} has failed, and is tried again.",
                row.run_id,
                due=at(due),
            )
        )
    return found


def _event_name(tick: Json) -> str:
    event = tick.get("event") or {} if isinstance(tick, dict) else {}
    return str(event.get("qualified_name", ""))


def _question(prompt: Prompt, *, is_only: bool) -> Finding:
    asked = "" if prompt.asked is None else f": {prompt.asked}"
    command = [OURS, "answer", prompt.run_id]
    if not is_only:
        command += ["--prompt", str(prompt.number)]
    schema = next(filter(None, prompt.schemas), None)
    given = usage(schema) if schema else {}
    command += [f"{n}={v}" for n, v in given.items() if n not in prompt.requirements]
    if schema is None:
        command += ["--app", "MODULE", "FIELD=VALUE"]
    return Finding(
        Cause.WAITING_FOR_ANSWER,
        f"It waits for a person{asked}. The answer is {prompt.answer_name}.",
        prompt.run_id,
        commands=(tuple(command),),
        since=prompt.asked_at,
    )


def _retries(entries: Sequence[RecordedEntry]) -> list[tuple[float, str]]:
    """When each step that has failed is tried again, and its name."""
    found: list[tuple[float, str]] = []
    for recorded in entries:
        for tick in recorded.entry.ticks:
            if tick["type"] == "wakeup":
                found = [(due, step) for due, step in found if due > tick["due"]]
            for result in tick.get("result", []):
                decision = result.get("retry_decision") or {}
                if decision.get("delay"):
                    due = result["failed_at"] + decision["delay"]
                    found.append((due, str(tick["step_id"])))
    return found


def _at_work(
    row: RunRow, entries: Sequence[RecordedEntry], unread: int
) -> list[Finding]:
    """What the process that executes the run does."""
    found = [
        Finding(
            Cause.STEP_RUNNING,
            f"Step {body.step} is running, in executor {row.executor_id!r}.",
            row.run_id,
            since=body.started,
        )
        for body in attempts(entries, is_live=True)
        if body.status is AttemptStatus.RUNNING
    ]
    if unread:
        found.append(
            Finding(
                Cause.MESSAGE_UNREAD,
                f"Its mailbox has {unread} that it has not taken. Either that is just "
                "happening, or it cannot read the first of them: then the log of "
                f"executor {row.executor_id!r} says why.",
                row.run_id,
            )
        )
    return found


def _idle(row: RunRow, last: Entry | None, outside: Outside) -> Finding:
    life = outside.life(row.executor_id or "")
    process = "" if life is None else f" (process {life.pid})"
    return Finding(
        Cause.WAITING_FOR_EVENT,
        f"Executor {row.executor_id!r}{process} executes it. No step runs and no "
        "question is open: it waits for an event from outside, or for one of its runs.",
        row.run_id,
        since=at(row.updated_at if last is None else last.at),
    )
