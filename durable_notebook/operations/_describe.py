"""From the rows of a run to what a list of runs shows of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Protocol

from durable_notebook._model import EventView, Json, Prompt, RunInfo, RunStatus, at
from durable_notebook.errors import (
    AlreadyAnsweredError,
    DurableNotebookError,
    NeverAskedError,
    NoPromptError,
)
from durable_notebook.journal._entry import Entry, RecordedEntry, now
from durable_notebook.store import Life, RunRow, Store

_OF_DBOS = {"SUCCESS": RunStatus.COMPLETED, "CANCELLED": RunStatus.CANCELLED}

# A process brings a run that is due back within milliseconds, unless it is busy.
_LATE_S = 5.0

Standstill = Callable[[RunRow, Entry | None], str | None]
"""Why an unfinished run is not running, as far as somebody can tell; None if it is."""


def describe(
    store: Store,
    row: RunRow,
    size: int | None,
    standstill: Standstill,
    *,
    before: Callable[[str], int | None] = lambda _: None,
    contents: Contents | None = None,
) -> RunInfo:
    """What a run is doing, as far as this process can tell.

    `before` gives how many wait before one that waits for a place in this process,
    `contents` are those of the row, if they were read before.
    """
    entry, start, problem = contents or contents_of(store, row)
    prompts = prompts_of(store, row, entry)
    place = _place(row, before(row.run_id))
    status, waits_for = _status(row, entry, prompts, standstill, place)
    if problem is not None:
        status, waits_for = RunStatus.INTERRUPTED, str(problem)
    is_waiting = status in (RunStatus.RUNNING, RunStatus.WAITING)
    error = entry.end.get("error") if entry and entry.end else None
    return RunInfo(
        run_id=row.run_id,
        workflow=row.workflow,
        status=status,
        waits_for=waits_for,
        steps=entry.steps if entry else 0,
        started=at(row.created_at),
        updated=at(entry.at if entry else row.updated_at),
        executor_id=row.executor_id,
        size=size,
        error=None if error is None else sentence_of(error),
        due=due_of(entry) if is_waiting else None,
        start_event=EventView.of(start),
        prompts=prompts,
        progress=None if status.is_final else _reported(entry),
    )


def _reported(entry: Entry | None) -> tuple[int, int, str] | None:
    """How far the run has said that it is."""
    match entry.progress if entry else []:
        case [int(done), int(total), str(label)]:
            return done, total, label
    return None


def due_of(entry: Entry | None) -> datetime | None:
    """When the run goes on by itself after this entry, if that is still to come.

    A time that is past is no promise: a workflow's timeout does not count the time
    without a process, so what is left of it begins when one takes the run.
    """
    if entry is None or not entry.rest or entry.rest < now():
        return None
    return at(entry.rest)


def prompts_of(store: Store, row: RunRow, entry: Entry | None) -> tuple[Prompt, ...]:
    """The questions that are open after an entry."""
    trees = entry.prompts if entry else []
    since = None
    if any("timeout_s" in tree for tree in trees):
        since = store.past(row.run_id).set_going_at
    return tuple(Prompt.read(row.run_id, tree, since) for tree in trees)


Contents = tuple[Entry | None, Json, DurableNotebookError | None]
"""What a row says: its last entry, its start event, why they cannot be read."""


def contents_of(store: Store, row: RunRow) -> Contents:
    """A row's last entry and start event, or why they cannot be read.

    One run that cannot be read must not hide the others.
    """
    try:
        return store.end_of(row, is_brief=True), row.input.get("start"), None
    except DurableNotebookError as e:
        return None, None, e


def _status(
    row: RunRow,
    entry: Entry | None,
    prompts: tuple[Prompt, ...],
    standstill: Standstill,
    place: str | None,
) -> tuple[RunStatus, str | None]:
    if entry is not None and entry.end is not None:
        return RunStatus(entry.end["status"]), None
    if not row.is_unfinished:
        return _OF_DBOS.get(row.dbos_status, RunStatus.FAILED), None
    if row.is_paused:
        return RunStatus.PAUSED, "somebody who goes on with it"
    reason = standstill(row, entry)
    if reason is not None:
        return RunStatus.INTERRUPTED, reason
    if place is not None:
        return RunStatus.WAITING, place
    return _waiting(entry, prompts)


def _waiting(
    entry: Entry | None, prompts: tuple[Prompt, ...]
) -> tuple[RunStatus, str | None]:
    """Whether an executed run waits for a person, and what else it waits for."""
    if prompts:
        return RunStatus.WAITING, f"an answer: {prompts[0].answer_name}"
    if entry is None or entry.rest is None:
        return RunStatus.RUNNING, None
    by_itself = "an event or a retry" if entry.rest else "an event from outside"
    return RunStatus.RUNNING, by_itself


def open_prompt(store: Store, info: RunInfo, number: int | None = None) -> Prompt:
    """An open question of a run, by default its oldest.

    Raises:
        NoPromptError: It waits for nobody.
        NeverAskedError, AlreadyAnsweredError: It does not wait with this question.
    """
    for prompt in info.prompts:
        if number in (None, prompt.number):
            return prompt
    if number is not None:
        prompts = [p for each in store.entries(info.run_id) for p in each.entry.prompts]
        asked = max((prompt["number"] + 1 for prompt in prompts), default=0)
        if number >= asked:
            raise NeverAskedError(info.run_id, number, asked)
        if not info.status.is_final:
            raise AlreadyAnsweredError(info.run_id)
    raise NoPromptError(info.run_id, info.status)


def _place(row: RunRow, before: int | None) -> str | None:
    """What a run waits for that is over its workflow's limit; None if it is not."""
    if before is None and not row.waits_for_place:
        return None
    name = row.workflow.rpartition(".")[2]
    behind = "" if before is None else f" ({before} wait before it)"
    return f"a place among the runs of {name}{behind}"


def sentence_of(error: dict[str, str]) -> str:
    """What is said of the error with which a run has ended."""
    name = error["type"].rpartition(".")[2]
    return f"{name}: {error['message']}" if error["message"] else name


# -- seen from a process that executes runs --------------------------------------------


class Executing(Protocol):
    """What a launched runtime knows of runs beyond their journal."""

    def is_executor(self, executor_id: str) -> bool:
        """Whether this process is an executor."""

    def live(self, run_id: str) -> object | None:
        """The run, if this process is executing it."""

    def problem(self, run_id: str) -> Exception | None:
        """Why this process does not execute an unfinished run of its own."""

    def is_undefined(self, run_id: str) -> bool:
        """Whether a run waits for its workflow."""

    def is_executor_alive(self, executor_id: str) -> bool:
        """Whether a live process is this executor."""


def seen_by(runtime: Executing) -> Standstill:
    """Why runs stand still, as a process tells that executes some of them.

    Each executor is looked for once: one of these is for one look at the journal.
    """
    is_alive = cache(runtime.is_executor_alive)

    def standstill(row: RunRow, _: Entry | None) -> str | None:
        executor = row.executor_id or ""
        problem = runtime.problem(row.run_id)
        reason = None
        if runtime.live(row.run_id) is not None:
            pass
        elif row.is_owned and not runtime.is_executor(executor):
            if not is_alive(executor):
                reason = f"executor {executor} (not alive)"
        elif problem is not None:
            reason = str(problem)
        elif runtime.is_undefined(row.run_id):
            name = row.workflow.rpartition(".")[2]
            reason = f"the definition of {name} (run the cell that defines it)"
        return reason

    return standstill


# -- seen from outside -----------------------------------------------------------------


class Outside:
    """Why runs stand still, as a process tells that executes none.

    Each executor is looked at once: one of these is for one look at the journal.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._alive: dict[str, bool] = {}
        self._lives: dict[str, Life] | None = None

    def is_alive(self, executor_id: str) -> bool:
        """Whether a live process is this executor."""
        if executor_id not in self._alive:
            self._alive[executor_id] = self._store.is_held(executor_id)
        return self._alive[executor_id]

    def another_alive(self, executor_id: str) -> str | None:
        """A live executor that could go on with the runs of this one, if there is."""
        self.life(executor_id)
        others = sorted((self._lives or {}).keys() - {executor_id})
        return next(filter(self.is_alive, others), None)

    def life(self, executor_id: str) -> Life | None:
        """The newest process that was, or is, this executor."""
        if self._lives is None:
            self._lives = self._store.lives()
        return self._lives.get(executor_id)

    def is_executed(self, row: RunRow, last: Sequence[RecordedEntry]) -> bool:
        """Whether a live process has, or may have, begun what the last entry begins."""
        entry = last[-1].entry if last else None
        is_alive = row.is_owned and self.is_alive(row.executor_id or "")
        return is_alive and not self._is_untouched(row, entry)

    def is_left_alone(self, row: RunRow, entry: Entry | None) -> bool:
        """Whether the executor's process of today has not taken a run that has work.

        Taking it changes its row, and its first entry then names the new session.
        """
        return self._is_untouched(row, entry) and not self._is_at_rest(row, entry)

    def is_left_at_rest(self, row: RunRow, entry: Entry | None) -> bool:
        """Whether that process has not taken it because there is nothing to do."""
        return self._is_untouched(row, entry) and self._is_at_rest(row, entry)

    def _is_untouched(self, row: RunRow, entry: Entry | None) -> bool:
        life = self.life(row.executor_id or "")
        if life is None or row.is_reassigned:
            return life is not None
        if entry is None:  # DBOS notes when a run was started in whole seconds.
            return row.updated_at < life.started_at - 1
        return entry.session < life.session and row.updated_at < life.started_at

    def _is_at_rest(self, row: RunRow, entry: Entry | None) -> bool:
        if entry is None or entry.rest is None or 0 < entry.rest < now() - _LATE_S:
            return False
        return not any(m.tick for m in self._store.mail(row.run_id, entry.cursor))

    def __call__(self, row: RunRow, entry: Entry | None) -> str | None:
        """Why a run stands still."""
        executor = row.executor_id or ""
        name = row.workflow.rpartition(".")[2]
        if not row.is_owned:
            return f"a process that has {name} (nobody has taken it yet)"
        if not self.is_alive(executor):
            return f"executor {executor} (not alive)"
        if not row.waits_for_place and self.is_left_alone(row, entry):
            return f"executor {executor} (has not taken it; has it {name}?)"
        return None
