"""DBOS's life in this process: configure, launch, start and go on with runs.

There is one DBOS in a process, and so one engine. It knows runs as DBOS workflows
whose input is a JSON object; what a run does is the `execute` function it is given.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from dbos import (
    DBOS,
    DBOSPortableJSONSerializer,
    SetWorkflowID,
    WorkflowSerializationFormat,
)
from dbos import error as dbos_error

from durable_notebook._config import (
    Settings,
    is_postgres,
    postgres_url,
    without_password,
)
from durable_notebook._model import Json
from durable_notebook.engine import _internals
from durable_notebook.engine._internals import Parent
from durable_notebook.engine._queues import Queues
from durable_notebook.engine._recovery import (
    executor_kept,
    recovered_if_dead,
    recovery_without,
)
from durable_notebook.engine._tables import check_tables
from durable_notebook.engine._turns import writes_in_turn
from durable_notebook.errors import ConfigError, RunIdTakenError
from durable_notebook.store import OURS, Store

Inputs = dict[str, Json]
Execute = Callable[["Claim"], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that this process was given to execute.

    `owner` fences its writes: another claim of the run takes it away.
    """

    run_id: str
    workflow: str
    owner: str
    inputs: Inputs


class LeavePending(BaseException):
    """Raised by `execute` to stop a run without an outcome: it stays resumable.

    Not an Exception, for which DBOS would record that the run failed.
    """


# DBOS's registry of functions outlives an engine (a simulated kernel restart makes a
# second one), so the registered functions find the engine of today here.
_current: Engine | None = None


class Engine:
    """DBOS as this package uses it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._execute: Execute = _not_launched
        self._dbos: DBOS | None = None
        self._database = ""
        self._functions: dict[str, Callable[..., Any]] = {}
        self._queues = Queues()
        self._opened = ExitStack()
        self._asked = ExitStack()

    @property
    def max_recoveries(self) -> int | None:
        """How often a run is begun again; None for any number."""
        return self._settings.max_recoveries

    def locate(self) -> tuple[str, str | None]:
        """The database URL, and the executor id if something has fixed one.

        Raises:
            ConfigError: No database was named, or two different ones.
        """
        found = _internals.instance()
        asked = self._settings.database_url
        if found is None:
            if asked is None:
                raise ConfigError(
                    "No database was named.",
                    "Construct 'DBOS(config=...)' before launch, or give the runtime "
                    "a 'database_url'.",
                )
            return asked, self._settings.executor_id
        url = _internals.database_url(found)
        if asked is not None and _plain(asked) != _plain(url):
            raise ConfigError(
                f"DBOS is configured for {without_password(url)}, and the runtime "
                f"for {without_password(asked)}.",
                "Leave one of them out.",
            )
        if _internals.is_launched(found):
            raise ConfigError(
                "DBOS is already launched in this process.",
                "Let the runtime launch it: drop the call of 'DBOS.launch()', or end "
                "the session that has the journal open ('%unload_ext "
                "durable_notebook').",
            )
        return url, self._settings.executor_id or _internals.executor_id()

    def store_settings(self) -> Settings:
        """The settings, with what DBOS was configured with filled in.

        Raises:
            ConfigError: Two different schemas were named.
        """
        found = _internals.instance()
        schema = None if found is None else _internals.schema(found)
        asked = self._settings.schema
        if schema is None:
            return self._settings
        if asked not in (None, schema):
            raise ConfigError(
                f"DBOS is configured for schema {schema!r}, and the runtime for "
                f"{asked!r}.",
                "Leave one of them out.",
            )
        return replace(self._settings, schema=schema)

    def launch(
        self, url: str, executor_id: str, store: Store, execute: Execute
    ) -> None:
        """Bring DBOS up on the calling loop. Its tables exist when this returns.

        `execute` is what a run does: DBOS records what it returns or raises.

        Raises:
            UnknownTablesError: DBOS's tables are none that we can write to.
            StorageError: DBOS could not read or write the database.
        """
        global _current  # noqa: PLW0603
        _internals.quieten()
        dbos = _internals.instance()
        if dbos is None:
            dbos = _quiet_dbos(url, executor_id, self._settings.schema)
            _internals.refuse_pickles()
        _internals.fix_application_version()
        self._dbos = dbos
        self._execute = execute
        _current = self
        self._database = store.name
        self._opened.enter_context(_internals.queue_without(OURS))
        self._opened.enter_context(_internals.parents_noted())

        def is_ours(run_id: str) -> bool:
            return store.run(run_id) is not None

        self._asked.enter_context(recovered_if_dead(is_ours, store.is_held))
        with (
            writes_in_turn(store.turns),
            executor_kept(executor_id),
            recovery_without(is_ours, first=lambda: check_tables(store)),
            _internals.refusals_as_our_own(store.name),
        ):
            DBOS.launch()

    def register(self, workflow: str) -> None:
        """Make a workflow known to DBOS by its name. Any number of times."""
        assert self._dbos is not None
        if workflow in self._functions:
            return
        if _internals.is_registered(self._dbos, workflow):
            self._functions[workflow] = _registered[workflow]
        else:
            self._functions[workflow] = _registered[workflow] = _function(workflow)

    async def start(
        self,
        run_id: str,
        workflow: str,
        inputs: Inputs,
        *,
        parent: Parent | None = None,
    ) -> bool:
        """Record a new run and begin to execute it; recorded when this returns.

        `parent` is the run of which a step body begins it. False where there is a run
        of this id already: it is left alone.

        Raises:
            LostOwnershipError: The parent is executed elsewhere; nothing is recorded.
            RunIdTakenError: The id belongs to a run of another workflow.
            StorageError: It could not be recorded.
        """
        async with self._recording(run_id, workflow, parent):
            function = self._functions[workflow]
            handle = await DBOS.start_workflow_async(function, inputs)
        return _internals.is_executed_here(handle)

    async def enqueue(
        self,
        run_id: str,
        workflow: str,
        inputs: Inputs,
        *,
        limit: int,
        parent: Parent | None = None,
    ) -> None:
        """Record a new run that waits for a place, on the queue of its workflow.

        DBOS's tools show it there; only `go_on` takes it off. Left alone where there
        is a run of this id.

        Raises:
            LostOwnershipError: The parent is executed elsewhere; nothing is recorded.
            RunIdTakenError: The id belongs to a run of another workflow.
            StorageError: It could not be recorded.
        """
        with _internals.refusals_as_our_own(self._database):
            queue = await self._queues.of(workflow, limit)
        async with self._recording(run_id, workflow, parent):
            await queue.enqueue_async(self._functions[workflow], inputs)

    @asynccontextmanager
    async def _recording(
        self, run_id: str, workflow: str, parent: Parent | None
    ) -> AsyncGenerator[None, None]:
        try:
            with (
                _internals.refusals_as_our_own(self._database),
                _internals.begun_by(parent),
                SetWorkflowID(run_id),
            ):
                yield
        except dbos_error.DBOSConflictingWorkflowError as e:
            assert self._dbos is not None
            recorded = await _internals.recorded_name(self._dbos, run_id)
            raise RunIdTakenError(run_id, recorded or "another", workflow) from e

    async def cancel(self, run_id: str) -> None:
        """End a run as cancelled that has not begun; on disk when this returns."""
        with _internals.refusals_as_our_own(self._database):
            await DBOS.cancel_workflow_async(run_id)

    async def go_on(self, run_id: str, owner: str) -> None:
        """Execute a run that was claimed for this executor under this token."""
        assert self._dbos is not None
        with _internals.refusals_as_our_own(self._database):
            await _internals.execute(self._dbos, run_id, owner)

    async def fork(self, run_id: str, new_run_id: str, kept: int) -> None:
        """Record a new run that has the first entries of another; it is not taken yet.

        Raises:
            RunIdTakenError: A run has the new id.
            StorageError: It could not be recorded.
        """
        with _internals.refusals_as_our_own(self._database):
            status = await DBOS.get_workflow_status_async(new_run_id)
            if status is not None:
                raise RunIdTakenError(new_run_id, status.name, None)
            with SetWorkflowID(new_run_id):
                # DBOS counts from 1 and names the first step that is done again.
                await DBOS.fork_workflow_async(run_id, kept + 1)

    async def rewind(self, run_id: str, kept: int) -> None:
        """Put a run that has ended back to its first entries; it is not taken yet.

        Raises:
            StorageError: It could not be recorded.
        """
        with _internals.refusals_as_our_own(self._database):
            await DBOS.rewind_workflow_async(run_id, start_step=kept + 1)

    async def run_claimed(self, claim: Claim) -> Json:
        """Called by DBOS: execute a run and give DBOS its outcome to record."""
        return await self._execute(claim)

    def close(self, destroy_dbos: bool = True) -> None:
        """Take DBOS down without waiting; unfinished runs stay resumable.

        Or leave it to the program that made it: then it executes none of our runs.
        """
        global _current  # noqa: PLW0603
        if _current is self:
            _current = None
        is_there = self._dbos is not None and _internals.instance() is self._dbos
        if is_there and destroy_dbos:
            DBOS.destroy(workflow_completion_timeout_sec=0)
            _internals.allow_pickles()
            self._opened.close()
        self._asked.close()  # It asks the store.
        self._dbos = None


async def _not_launched(_: Claim) -> Json:
    raise LeavePending


def new_owner() -> str:
    """A token for one execution of a run."""
    return str(uuid.uuid4())


_registered: dict[str, Callable[..., Any]] = {}


def _function(workflow: str) -> Callable[..., Any]:
    async def run(inputs: dict[str, Any]) -> Any:
        if _current is None:  # DBOS lives on, and executes nothing of ours.
            raise LeavePending
        run_id = DBOS.workflow_id
        assert run_id is not None
        owner = _internals.current_owner()
        return await _current.run_claimed(Claim(run_id, workflow, owner, inputs))

    # Portable JSON: nothing of a run is ever pickled. No bound on recoveries: a run
    # that waits for a person is recovered by every restart of a notebook.
    return DBOS.workflow(
        name=workflow,
        serialization_type=WorkflowSerializationFormat.PORTABLE,
        max_recovery_attempts=None,
    )(run)


def _plain(url: str) -> str:
    return postgres_url(url) if is_postgres(url) else url


def _quiet_dbos(url: str, executor_id: str, schema: str | None) -> DBOS:
    level = logging.getLevelName(logging.WARNING)
    _drop_closed()
    return DBOS(
        config={
            "name": "durable-notebook",
            "system_database_url": _plain(url),
            "dbos_system_schema": schema,
            "executor_id": executor_id,
            "log_level": level,
            "enable_otlp": False,
            # What it keeps for itself, as the context of a schedule, is no pickle.
            "serializer": DBOSPortableJSONSerializer(),
            # A look at two dictionaries; it decides how long `destroy` waits for it.
            "notification_listener_polling_interval_sec": 0.05,
        }
    )


def _drop_closed() -> None:
    """Have DBOS write to the console of today.

    It keeps that of its first launch, which is closed where a test had captured it.
    """
    logger = logging.getLogger("dbos")
    for handler in list(logger.handlers):
        if getattr(getattr(handler, "stream", None), "closed", False):
            logger.removeHandler(handler)
