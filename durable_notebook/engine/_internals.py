"""What the engine needs of DBOS and DBOS does not publish.

Each function says why no public call will do. Written against dbos 3.4;
`tests/engine/test_canary.py` fails by name when a release moves one of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, _dbos
from dbos._context import get_local_dbos_context
from dbos._core import WorkflowHandleAsyncPolling, execute_dequeued_workflow
from dbos._error import DBOSWorkflowConflictIDError
from dbos._serialization import DBOSDefaultSerializer, DBOSPortableJSON
from dbos._sys_db import SystemDatabase, db_retry
from dbos._utils import INTERNAL_QUEUE_NAME, GlobalParams

from durable_notebook.errors import (
    ConfigError,
    DamagedJournalError,
    LostOwnershipError,
    StorageError,
    UnknownRunError,
)
from durable_notebook.store import read_input

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


@contextmanager
def refusals_as_our_own(database: str) -> Iterator[None]:
    """Raise a StorageError where DBOS lets through what its database library raises."""
    try:
        yield
    except sa.exc.SQLAlchemyError as e:
        problem = getattr(e, "orig", None) or e
        raise StorageError(database, " ".join(str(problem).split())) from e


def refuse_pickles() -> None:
    """Have DBOS read no pickle until `allow_pickles`.

    A row says itself how it is to be read, whatever serializer is configured: one that
    somebody put into the file would be executed as soon as it is launched on.
    """

    def refuse(_: str) -> Any:
        raise ConfigError(
            "A row of this database is a pickle, and reading one executes it.",
            "If it is of a workflow of your own, construct 'DBOS(config=...)' before "
            "launch.",
        )

    vars(DBOSDefaultSerializer)["deserialize"] = refuse


def allow_pickles() -> None:
    """Undo `refuse_pickles`, for a DBOS that the program makes itself."""
    vars(DBOSDefaultSerializer).pop("deserialize", None)


@contextmanager
def queue_without(pattern: str) -> Iterator[None]:
    """Inside this block DBOS gives no run of ours to anybody from two kinds of queues.

    On its internal queue its tools put what they fork, resume and rewind, for whichever
    process asks first: also for one that has not defined the run's class, and then
    loses it. On the queue of its workflow a run waits for a place.
    """
    original = SystemDatabase._claim_gate

    def gate(
        self: SystemDatabase, queue_name: str, partition_key: str | None
    ) -> list[sa.ColumnElement[bool]]:
        gates = original(self, queue_name, partition_key)
        status, inputs = self.tables.workflow_status, self.tables.workflow_input
        ours: sa.ColumnElement[bool] = sa.exists().where(
            inputs.c.workflow_uuid == status.c.workflow_uuid,
            inputs.c.inputs.like(pattern),
        )
        if queue_name != INTERNAL_QUEUE_NAME:
            ours = sa.and_(status.c.name == queue_name, ours)
        return [*gates, sa.not_(ours)]

    setattr(SystemDatabase, original.__name__, gate)
    try:
        yield
    finally:
        setattr(SystemDatabase, original.__name__, original)


@dataclass(frozen=True, slots=True)
class Parent:
    """The run of which a step body begins another, and the token of its execution."""

    run_id: str
    owner: str


_parent: ContextVar[Parent | None] = ContextVar("durable_notebook_parent", default=None)


@contextmanager
def begun_by(parent: Parent | None) -> Iterator[None]:
    """What is started in this block is noted as begun by a step body of this run."""
    token = _parent.set(parent)
    try:
        yield
    finally:
        _parent.reset(token)


@contextmanager
def parents_noted() -> Iterator[None]:
    """Inside this block `begun_by` has an effect.

    DBOS notes a parent by itself, but only of what its own workflow calls, and then
    takes a position of the parent's log for it, which is our journal.

    Who has lost the parent records nothing, as DBOS has it for its own children.
    """
    original = SystemDatabase.init_workflow

    def init(self: SystemDatabase, status: Any, **options: Any) -> Any:
        parent = _parent.get()
        if parent is None:
            return original(self, status, **options)
        status["parent_workflow_id"] = parent.run_id
        return init_child(self, parent, status, **options)

    @db_retry()
    def init_child(
        self: SystemDatabase, parent: Parent, status: Any, **options: Any
    ) -> Any:
        # The parent's row stays locked: whoever takes the parent over afterwards finds
        # this run, and where it was taken before, there is none.
        with self.engine.begin() as connection:
            try:
                self._check_owner_txn(connection, parent.run_id, parent.owner)
            except DBOSWorkflowConflictIDError as e:
                raise LostOwnershipError(parent.run_id) from e
            return self._insert_workflow_status(status, connection, **options)

    setattr(SystemDatabase, original.__name__, init)
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


def is_executed_here(handle: Any) -> bool:
    """Whether a start began a run, or has found one; DBOS gives a handle in both."""
    return not isinstance(handle, WorkflowHandleAsyncPolling)


async def recorded_name(dbos: DBOS, run_id: str) -> str | None:
    """Which workflow a run is of. The public call reads its input too, as a pickle."""
    status = await asyncio.to_thread(dbos._sys_db.get_workflow_status, run_id)
    return None if status is None else status["name"]


async def execute(dbos: DBOS, run_id: str, owner: str) -> None:
    """Run a workflow that `Store.claim` has just given to this process.

    The public `resume_workflow` goes through the queue (see `_recovery`).

    Raises:
        UnknownRunError: It was deleted meanwhile.
        DamagedJournalError: Its input cannot be read, or is one that we never write.
    """

    def start() -> None:
        status = dbos._sys_db.get_workflow_status(run_id)
        if status is None:
            raise UnknownRunError(run_id)
        how = status["serialization"]
        # DBOS would unpickle what says that it is pickled; ours never is.
        if how != DBOSPortableJSON.name():
            problem = f"its input is said to be {how!r}, and only JSON is read"
            raise DamagedJournalError(run_id, 0, problem)
        # DBOS would end a run whose input it cannot read.
        read_input(run_id, status["inputs"])
        execute_dequeued_workflow(dbos, status, owner)

    # DBOS blocks until the loop has taken the task, so not on the loop itself.
    await asyncio.to_thread(start)


class _OursAreReported(logging.Filter):
    """Drops what is told already, unless everything is wanted.

    DBOS's tracebacks of what is raised to whoever launches or awaits a run; and what
    each of its threads says every second of a server that is away, of which the store
    tells once.
    """

    _texts = (
        "Exception encountered in asynchronous workflow",
        "Asyncio task cancelled for workflow or step",
        "DBOS failed to launch",
    )
    _of_outages = (
        "Database connection failed",
        "Exception encountered in queue thread",
        "Exception in background job",
        "Exception listing queues",
        "Exception polling schedules",
        "Exception taking the background_jobs lock",
        "Notification listener error",
        "Notifier",
    )

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        if text.startswith(self._of_outages) and _is_of_a_server(text):
            return logging.getLogger("dbos").isEnabledFor(logging.DEBUG)
        return not text.startswith(self._texts)


def _is_of_a_server(text: str) -> bool:
    return "psycopg" in text or text.startswith("Notif")


_filter = _OursAreReported()


def quieten() -> None:
    """Say nothing where DBOS has nothing to say to a user of this package."""
    logger = logging.getLogger("dbos")
    if _filter not in logger.filters:
        logger.addFilter(_filter)
    if logger.level == logging.INFO:
        # DBOS's default: sixty lines of a launch that worked.
        logger.setLevel(logging.WARNING)
