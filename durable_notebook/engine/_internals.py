"""What the engine needs of DBOS and DBOS does not publish.

Each function says why no public call will do. Written against dbos 3.4;
`tests/engine/test_canary.py` fails by name when a release moves one of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dbos import DBOS, _dbos
from dbos._context import get_local_dbos_context
from dbos._core import execute_dequeued_workflow
from dbos._sys_db import SystemDatabase
from dbos._utils import GlobalParams

APPLICATION_VERSION = "durable_notebook"


def instance() -> DBOS | None:
    """The process's DBOS, if the program has made one: it has no public getter."""
    return _dbos._dbos_global_instance


def is_launched(dbos: DBOS) -> bool:
    """Whether `DBOS.launch()` was called; launching twice only logs a warning."""
    return dbos._launched


def database_url(dbos: DBOS) -> str:
    """The URL DBOS made of its configuration, with its default filled in."""
    return str(dbos._config["system_database_url"])


def schema(dbos: DBOS) -> str | None:
    """The schema DBOS uses on Postgres, with its default filled in."""
    if database_url(dbos).startswith("sqlite"):
        return None
    return str(dbos._config.get("dbos_system_schema") or "dbos")


def executor_id() -> str:
    """The executor id before launch; `DBOS.executor_id` is the same after it."""
    return GlobalParams.executor_id


def fix_application_version() -> None:
    """Keep DBOS from hashing all workflow sources into its version.

    With the hash, defining one more workflow strands every unfinished run. Code
    changes are judged per workflow by this package instead. A version that the
    program configures itself is kept.
    """
    dbos = instance()
    if GlobalParams.app_version == "" and dbos is not None:
        # DBOS wants a version of its own for each application of a database.
        GlobalParams.app_version = f"{APPLICATION_VERSION}-{dbos._config['name']}"


def fix_executor_id(executor_id: str) -> None:
    """Own what this process starts under this id, whatever DBOS was configured with."""
    GlobalParams.executor_id = executor_id


@contextmanager
def recovery_without(is_ours: Callable[[str], bool]) -> Iterator[None]:
    """Launch inside this block, and DBOS leaves our runs to us.

    Its own recovery hands them to a queue that any process of the application takes
    from, polls for up to a second, and marks as taken a run whose class the notebook
    has not defined yet.
    """
    original = SystemDatabase.get_pending_workflows

    def of_others(self: SystemDatabase, executor_id: str, version: str) -> list[Any]:
        rows = original(self, executor_id, version)
        return [row for row in rows if not is_ours(row.workflow_id)]

    setattr(SystemDatabase, original.__name__, of_others)
    try:
        yield
    finally:
        setattr(SystemDatabase, original.__name__, original)


def is_registered(dbos: DBOS, name: str) -> bool:
    """Whether the registry, which outlives `DBOS.destroy()`, has this workflow."""
    return name in dbos._registry.workflow_info_map


def current_owner() -> str:
    """The token under which the calling DBOS workflow may write."""
    context = get_local_dbos_context()
    assert context is not None
    assert context.owner_xid is not None
    return context.owner_xid


async def execute(dbos: DBOS, run_id: str, owner: str) -> None:
    """Run a workflow that `Store.claim` has just given to this process.

    The public `resume_workflow` goes through the queue (see `recovery_without`).
    """

    def start() -> None:
        status = dbos._sys_db.get_workflow_status(run_id)
        # DBOS would unpickle an input that says it is pickled; ours never is.
        if status is not None and status["serialization"] == "portable_json":
            execute_dequeued_workflow(dbos, status, owner)

    # DBOS blocks until the loop has taken the task, so not on the loop itself.
    await asyncio.to_thread(start)


class _OursAreReported(logging.Filter):
    """Drops DBOS's tracebacks of failed runs: whoever awaits the run gets the error."""

    _texts = (
        "Exception encountered in asynchronous workflow",
        "Asyncio task cancelled for workflow or step",
    )

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(self._texts)


_filter = _OursAreReported()


def quieten() -> None:
    """Say nothing where DBOS has nothing to say to a user of this package."""
    logger = logging.getLogger("dbos")
    if _filter not in logger.filters:
        logger.addFilter(_filter)
    if logger.level == logging.INFO:
        # DBOS's default: sixty lines of a launch that worked.
        logger.setLevel(logging.WARNING)
