"""What an unfinished run waits for, read off its journal from outside."""

from __future__ import annotations

import json
from collections.abc import Sequence

from durable_notebook._model import AttemptStatus, Prompt, at
from durable_notebook._schema import usage
from durable_notebook.doctor._finding import Cause, Finding, ours
from durable_notebook.journal._entry import Entry, RecordedEntry
from durable_notebook.journal._timeline import attempts
from durable_notebook.operations._describe import Outside, due_of
from durable_notebook.store import RunRow, Store


def pauses(
    store: Store,
    row: RunRow,
    entries: Sequence[RecordedEntry],
    outside: Outside | None,
) -> list[Finding]:
    """What a run waits for; `outside` is given if a live process executes it.

    Raises:
        StorageError: The database cannot be read.
    """
    if not entries:
        return [] if outside is None else [_not_begun(row)]
    last = entries[-1].entry
    unread = [m.tick for m in store.mail(row.run_id, last.cursor) if m.tick]
    found = _asked(row, entries, {_event_name(text) for text in unread})
    found += _retries(row, entries)
    if outside is not None:
        found += _at_work(row, entries)
    found += _runs_of(store, row)
    if unread:
        found.append(_unread(row, len(unread), is_executed=outside is not None))
    if outside is None:
        return found
    return (found or [_idle(row, last.at, outside)]) + _deadline(row, last, found)


# -- a person, or time -----------------------------------------------------------------


def _asked(
    row: RunRow, entries: Sequence[RecordedEntry], sent: set[str]
) -> list[Finding]:
    """The open questions to which no answer is on disk; `sent` are names of events."""
    prompts = [Prompt.read(row.run_id, tree) for tree in entries[-1].entry.prompts]
    return [
        _question(prompt, is_only=len(prompts) == 1)
        for prompt in prompts
        if not sent.intersection(prompt.expects)
    ]


def _event_name(text: str) -> str:
    """The class of the event in a message; empty if it has none, or is torn."""
    try:
        return str(json.loads(text)["event"]["qualified_name"])
    except (ValueError, LookupError, TypeError):
        return ""


def _question(prompt: Prompt, *, is_only: bool) -> Finding:
    says = f"It waits for an event, {prompt.answer_name}."
    if prompt.asked is not None:
        says = f"It waits for a person: {prompt.asked}. The answer is "
        says += f"{prompt.answer_name}."
    options = {} if is_only else {"prompt": str(prompt.number)}
    schema = next(filter(None, prompt.schemas), None)
    given = usage(schema) if schema else {}
    fields = [f"{n}={v}" for n, v in given.items() if n not in prompt.requirements]
    if schema is None:
        options["app"] = "MODULE"
        fields = ["FIELD=VALUE"]
    return Finding(
        Cause.WAITING_FOR_ANSWER,
        says,
        prompt.run_id,
        commands=(ours("answer", prompt.run_id, *fields, options=options),),
        since=prompt.asked_at,
    )


def _retries(row: RunRow, entries: Sequence[RecordedEntry]) -> list[Finding]:
    """The steps that have failed, and are tried again."""
    failed = {
        body.step: body
        for body in attempts(entries, is_live=True)
        if body.status is AttemptStatus.FAILED
    }

    def says(step: str) -> str:
        body = failed.get(step)
        if body is None:
            return f"Step {step} has failed, and is tried again."
        again = f"and is tried again: attempt {body.attempt + 1}."
        return f"Step {step} has failed ({body.error}), {again}"

    return [
        Finding(
            Cause.RETRY_LATER,
            says(step),
            row.run_id,
            due=at(due),
        )
        for due, step in _retries_due(entries)
    ]


def _retries_due(entries: Sequence[RecordedEntry]) -> list[tuple[float, str]]:
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


def _deadline(row: RunRow, last: Entry, found: Sequence[Finding]) -> list[Finding]:
    """When it no longer waits, if that is no retry."""
    due = due_of(last)
    if due is None or any(each.cause is Cause.RETRY_LATER for each in found):
        return []
    says = "If nothing comes before, its wait, or the whole workflow, times out."
    return [Finding(Cause.TIMES_OUT, says, row.run_id, due=due)]


# -- who executes it -------------------------------------------------------------------


def _not_begun(row: RunRow) -> Finding:
    name = row.workflow.rpartition(".")[2]
    executor = row.executor_id
    says = f"No step of it has begun. Executor {executor!r} is about to begin it."
    if row.waits_for_place:
        says = (
            f"It waits for a place: as many runs of {name} go on in executor "
            f"{executor!r} as 'num_concurrent_runs' allows."
        )
    return Finding(
        Cause.NOT_BEGUN,
        says,
        row.run_id,
        since=at(row.created_at),
    )


def _at_work(row: RunRow, entries: Sequence[RecordedEntry]) -> list[Finding]:
    """The steps that the process which executes the run is in."""
    return [
        Finding(
            Cause.STEP_RUNNING,
            f"Step {body.step} is running, in executor {row.executor_id!r}.",
            row.run_id,
            since=body.started,
        )
        for body in attempts(entries, is_live=True)
        if body.status is AttemptStatus.RUNNING
    ]


def _runs_of(store: Store, row: RunRow) -> list[Finding]:
    """The runs that its step bodies have begun, and that have not ended."""
    return [
        Finding(
            Cause.WAITING_FOR_RUN,
            f"A step of it has begun run {child.run_id!r}, which has not ended.",
            row.run_id,
            commands=(ours("doctor", child.run_id),),
            since=at(child.created_at),
        )
        for child in store.children(row.run_id)
        if child.is_unfinished
    ]


def _unread(row: RunRow, count: int, *, is_executed: bool) -> Finding:
    messages = "a message" if count == 1 else f"{count} messages"
    first = "it" if count == 1 else "the first of them"
    says = f"Its mailbox has {messages}, with which it goes on then."
    if is_executed:
        says = (
            f"Its mailbox has {messages} that it has not taken. Either that is just "
            f"happening, or it cannot read {first}: then the log of executor "
            f"{row.executor_id!r} says why."
        )
    return Finding(Cause.MESSAGE_UNREAD, says, row.run_id)


def _idle(row: RunRow, since: float, outside: Outside) -> Finding:
    life = outside.life(row.executor_id or "")
    process = "" if life is None else f" (process {life.pid})"
    return Finding(
        Cause.WAITING_FOR_EVENT,
        "No step runs and no question is open: it waits for an event from outside, in "
        f"executor {row.executor_id!r}{process}.",
        row.run_id,
        since=at(since),
    )
