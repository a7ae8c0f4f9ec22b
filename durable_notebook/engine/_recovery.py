"""Who recovers runs: this package, also where DBOS or its Conductor would.

Both put what they recover on a queue that any process of the application takes from,
polls for up to a second, and marks as taken a run whose class the notebook has not
defined yet. None of this is public; `tests/engine/test_canary.py` watches the names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dbos._sys_db import SystemDatabase
from dbos._utils import GlobalParams


@contextmanager
def recovery_without(
    is_ours: Callable[[str], bool], first: Callable[[], None]
) -> Iterator[None]:
    """Launch inside this block, and DBOS leaves our runs to us.

    `first` is called when the tables are migrated and nothing of them was read: what
    it raises ends the launch.
    """
    pending = SystemDatabase.get_pending_workflows
    register = SystemDatabase.create_application_version

    def of_others(self: SystemDatabase, executor_id: str, version: str) -> list[Any]:
        rows = pending(self, executor_id, version)
        return [row for row in rows if not is_ours(row.workflow_id)]

    def registered(self: SystemDatabase, *arguments: Any, **options: Any) -> None:
        first()
        register(self, *arguments, **options)

    with (
        _replaced(SystemDatabase, pending.__name__, of_others),
        _replaced(SystemDatabase, register.__name__, registered),
    ):
        yield


@contextmanager
def executor_kept(executor_id: str) -> Iterator[None]:
    """Launch inside this block, and DBOS is this executor, whatever it chooses itself.

    With a key for Conductor it chooses another at each launch; our runs are of one
    that comes back. Conductor is told of the one that it finds.
    """
    create = SystemDatabase.create

    def created(*arguments: Any, **options: Any) -> SystemDatabase:
        # After it was chosen, and before anything has used it.
        GlobalParams.executor_id = executor_id
        return create(*arguments, **{**options, "executor_id": executor_id})

    GlobalParams.executor_id = executor_id
    with _replaced(SystemDatabase, "create", staticmethod(created)):
        yield


@contextmanager
def recovered_if_dead(
    is_ours: Callable[[str], bool], is_alive: Callable[[str], bool]
) -> Iterator[None]:
    """Inside this block DBOS recovers a run of ours only of an executor that is dead.

    Conductor takes one for dead that it does not hear of; DBOS would take a run away
    from it in the middle of a body. What it puts up of a dead one is claimed by a
    process that has the class, as all that DBOS's tools put up.
    """
    original = SystemDatabase.reenqueue_for_recovery

    def reenqueue(
        self: SystemDatabase, workflow_id: str, executor_ids: list[str], queue: str
    ) -> bool:
        dead = executor_ids
        if is_ours(workflow_id):
            dead = [each for each in executor_ids if not is_alive(each)]
        return original(self, workflow_id, dead, queue)

    with _replaced(SystemDatabase, original.__name__, reenqueue):
        yield


@contextmanager
def _replaced(owner: type, name: str, by: Any) -> Iterator[None]:
    original = vars(owner)[name]
    setattr(owner, name, by)
    try:
        yield
    finally:
        setattr(owner, name, original)
