"""Giving the unfinished runs of a dead executor to another, by the store alone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from durable_notebook.errors import ReassignmentError
from durable_notebook.operations._retention import known
from durable_notebook.store import Store


def reassignable(
    store: Store, from_executor: str, to_executor: str, run_ids: Sequence[str] = ()
) -> list[str]:
    """The runs that may be given to another executor: these, or all of the first one.

    With a run go those that its step bodies have begun, and theirs.

    Raises:
        ReassignmentError: A live process is the first executor, or it has no such runs.
        UnknownRunError: There is no run with one of these ids.
        StorageError: The database cannot be read.
    """
    _check_ids(from_executor, to_executor)
    if store.is_held(from_executor):
        raise _alive(store, from_executor)
    found = store.executed_by(from_executor)
    if not found:
        raise ReassignmentError(
            f"Executor {from_executor!r} has no unfinished runs.",
            "See which executor has which with 'client.runs()'.",
        )
    return _chosen(store, from_executor, found, run_ids) if run_ids else found


def reassign(
    store: Store, from_executor: str, to_executor: str, run_ids: Sequence[str]
) -> list[str]:
    """Give runs to another executor in one commit; on disk when this returns.

    Nobody becomes the first executor meanwhile. A live process that is the other one
    goes on with them in a moment, a later one when it is launched; an execution from
    before that wakes up stops before its next effect. Gives those that were given: one
    that has ended meanwhile is not.

    Raises:
        ReassignmentError: A live process is the first executor by now.
        StorageError: The database refused, and nothing was written.
    """
    hold = store.hold(from_executor)
    if hold is None:
        raise _alive(store, from_executor)
    try:
        token = str(uuid.uuid4())
        given = store.reassign(run_ids, from_executor, to_executor, token).result()
    finally:
        hold.release()
    order = {run_id: number for number, run_id in enumerate(run_ids)}
    return sorted(given, key=order.__getitem__)


def _check_ids(from_executor: str, to_executor: str) -> None:
    if from_executor == to_executor:
        raise ReassignmentError(
            f"The runs of executor {from_executor!r} are its own already.",
            "Name another one that is to go on with them.",
        )
    if not to_executor.strip() or not to_executor.isprintable():
        raise ReassignmentError(
            f"{to_executor!r} cannot be an executor.", "Name the one that goes on."
        )


def _alive(store: Store, executor_id: str) -> ReassignmentError:
    life = store.lives().get(executor_id)
    process = "" if life is None else f" (process {life.pid})"
    return ReassignmentError(
        f"Executor {executor_id!r} is alive{process}, so its runs go on there, and not "
        "twice.",
        "End that process first: one that drains loses nothing.",
    )


def _chosen(
    store: Store, executor_id: str, of_executor: Sequence[str], run_ids: Sequence[str]
) -> list[str]:
    """These runs with their children, as far as they are the executor's."""
    there = set(of_executor)
    chosen = list(dict.fromkeys(run_ids))
    for run_id in chosen:
        row = known(store, run_id)
        if run_id not in there:
            has_ended = "" if row.is_unfinished else " and has ended"
            raise ReassignmentError(
                f"Run {run_id!r} belongs to executor {row.executor_id!r}{has_ended}, "
                f"and is no unfinished one of {executor_id!r}; nothing was given.",
                f"See it with 'client.run({run_id!r}).info()'.",
            )
    for run_id in chosen:  # It grows meanwhile.
        children = (child.run_id for child in store.children(run_id))
        chosen += [
            child for child in children if child in there and child not in chosen
        ]
    return chosen
