"""From the rows of a run to what a list of runs shows of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from durable_notebook._entry import Entry
from durable_notebook._model import EventView, Json, Prompt, RunInfo, RunStatus, at
from durable_notebook.errors import DurableNotebookError
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.store import RunRow

_OF_DBOS = {"SUCCESS": RunStatus.COMPLETED, "CANCELLED": RunStatus.CANCELLED}


IsAlive = Callable[[str], bool]


def describe_all(
    runtime: DBOSRuntime, rows: list[RunRow], sizes: dict[str, int]
) -> list[RunInfo]:
    """What runs are doing; many have one executor, which is looked for once."""
    is_alive = cache(runtime.is_executor_alive)
    return [describe(runtime, row, sizes.get(row.run_id), is_alive) for row in rows]


def describe(
    runtime: DBOSRuntime,
    row: RunRow,
    size: int | None,
    is_alive: IsAlive | None = None,
) -> RunInfo:
    """What a run is doing, as far as this process can tell.

    `is_alive` tells whether a live process is an executor.
    """
    entry, start, problem = _read(runtime, row)
    prompts = tuple(
        Prompt.read(row.run_id, tree) for tree in (entry.prompts if entry else ())
    )
    reason = _interruption(runtime, row, is_alive or runtime.is_executor_alive)
    place = _place(runtime, row)
    status, waits_for = _status(row, entry, prompts, reason, place)
    if problem is not None:
        status, waits_for = RunStatus.INTERRUPTED, str(problem)
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
        error=None if error is None else _sentence(error),
        start_event=EventView.of(start),
        prompts=prompts,
    )


def _read(
    runtime: DBOSRuntime, row: RunRow
) -> tuple[Entry | None, Json, DurableNotebookError | None]:
    """A row's last entry and start event, or why they cannot be read.

    One run that cannot be read must not hide the others.
    """
    try:
        return runtime.store.end_of(row), row.input.get("start"), None
    except DurableNotebookError as e:
        return None, None, e


def _status(
    row: RunRow,
    entry: Entry | None,
    prompts: tuple[Prompt, ...],
    reason: str | None,
    place: str | None,
) -> tuple[RunStatus, str | None]:
    if entry is not None and entry.end is not None:
        return RunStatus(entry.end["status"]), None
    if not row.is_unfinished:
        return _OF_DBOS.get(row.dbos_status, RunStatus.FAILED), None
    if reason is not None:
        return RunStatus.INTERRUPTED, reason
    if place is not None:
        return RunStatus.WAITING, place
    if prompts:
        return RunStatus.WAITING, f"an answer: {prompts[0].answer_name}"
    return RunStatus.RUNNING, None


def _interruption(runtime: DBOSRuntime, row: RunRow, is_alive: IsAlive) -> str | None:
    """Why an unfinished run is not running, or None if it is."""
    executor = row.executor_id or ""
    problem = runtime.problem(row.run_id)
    reason = None
    if runtime.live(row.run_id) is not None or not row.is_unfinished:
        pass
    elif row.is_owned and not runtime.is_executor(executor):
        if not is_alive(executor):
            reason = f"its own process, executor {executor} (open its notebook)"
    elif problem is not None:
        reason = str(problem)
    elif runtime.is_undefined(row.run_id):
        name = row.workflow.rpartition(".")[2]
        reason = f"the definition of {name} (run the cell that defines it)"
    return reason


def _place(runtime: DBOSRuntime, row: RunRow) -> str | None:
    """What a run waits for that is over its workflow's limit; None if it is not."""
    before = runtime.before(row.run_id)
    if before is None and not row.waits_for_place:
        return None
    name = row.workflow.rpartition(".")[2]
    behind = "" if before is None else f" ({before} wait before it)"
    return f"a place among the runs of {name}{behind}"


def _sentence(error: dict[str, str]) -> str:
    return f"{error['type'].rpartition('.')[2]}: {error['message']}"
