"""What a DBOS release may break: each private name, and each column, by its name.

When one of these fails, `engine/_internals.py` or `store/sqlite.sql` needs the new
name; the message says which.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dbos import DBOS

from durable_notebook._config import Settings
from durable_notebook.engine import _internals
from durable_notebook.engine._tables import TESTED_DBOS
from durable_notebook.store import open_store
from durable_notebook.store._dbos_tables import DBOS_TABLES
from durable_notebook.store._queries import statements
from tests.postgres_server import PostgresServer

MODULE_NAMES = [
    ("dbos", "DBOS"),
    ("dbos", "SetWorkflowID"),
    ("dbos", "WorkflowSerializationFormat"),
    ("dbos._dbos", "_dbos_global_instance"),
    ("dbos._context", "get_local_dbos_context"),
    ("dbos._core", "WorkflowHandleAsyncPolling"),
    ("dbos._core", "execute_dequeued_workflow"),
    ("dbos._serialization", "DBOSDefaultSerializer.deserialize"),
    ("dbos._serialization", "DBOSPortableJSON.name"),
    ("dbos._sys_db", "SystemDatabase"),
    ("dbos._utils", "GlobalParams"),
    ("dbos._utils", "INTERNAL_QUEUE_NAME"),
    ("dbos", "error.DBOSConflictingWorkflowError"),
    ("dbos._error", "DBOSWorkflowConflictIDError"),
    ("dbos._sys_db", "db_retry"),
]


@pytest.mark.parametrize(("module", "name"), MODULE_NAMES)
def test_dbos_has_the_name(module: str, name: str) -> None:
    found = importlib.import_module(module)
    for part in name.split("."):
        assert hasattr(found, part), f"{module}.{name} is gone"
        found = getattr(found, part)


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


@pytest.mark.parametrize(
    ("module", "path", "expected"),
    [
        (
            "dbos._core",
            "execute_dequeued_workflow",
            ["dbos", "status", "owner_xid"],
        ),
        (
            "dbos._sys_db",
            "SystemDatabase.get_pending_workflows",
            ["self", "executor_id", "app_version"],
        ),
        (
            "dbos._sys_db",
            "SystemDatabase.get_workflow_status",
            ["self", "workflow_uuid"],
        ),
        (
            "dbos._sys_db",
            "SystemDatabase.init_workflow",
            ["self", "status", "creator_xid", "reuse_policy"],
        ),
        (
            "dbos._sys_db",
            "SystemDatabase._check_owner_txn",
            ["self", "conn", "workflow_id", "owner_xid"],
        ),
        (
            "dbos._sys_db",
            "SystemDatabase._insert_workflow_status",
            ["self", "status", "conn", "creator_xid", "reuse_policy"],
        ),
        (
            "dbos._sys_db",
            "SystemDatabase.reenqueue_for_recovery",
            ["self", "workflow_id", "executor_ids", "recovery_queue_name"],
        ),
        (
            "dbos._sys_db",
            "SystemDatabase.create_application_version",
            ["self", "version_name", "application_name"],
        ),
        (
            "dbos._sys_db_sqlite",
            "SQLiteSystemDatabase._create_engine",
            ["self", "system_database_url", "engine_kwargs"],
        ),
        ("dbos._context", "get_local_dbos_context", []),
        (
            "dbos._sys_db",
            "SystemDatabase._claim_gate",
            ["self", "queue_name", "partition_key"],
        ),
    ],
)
def test_dbos_has_the_signature(module: str, path: str, expected: list[str]) -> None:
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)

    assert parameters(found) == expected, f"{module}.{path} takes {parameters(found)}"


@pytest.mark.parametrize(
    ("function", "keyword"),
    [
        ("workflow", "name"),
        ("workflow", "serialization_type"),
        ("workflow", "max_recovery_attempts"),
        ("destroy", "workflow_completion_timeout_sec"),
        ("get_workflow_status_async", "workflow_id"),
        ("fork_workflow_async", "start_step"),
    ],
)
def test_a_public_call_has_the_keyword(function: str, keyword: str) -> None:
    found = parameters(getattr(DBOS, function))

    assert keyword in found, f"DBOS.{function} takes no {keyword!r}: {found}"


def test_the_system_database_is_made_for_an_executor() -> None:
    from dbos._sys_db import SystemDatabase

    assert "executor_id" in parameters(SystemDatabase.create)


@pytest.mark.parametrize("name", ["executor_id", "app_version"])
def test_dbos_has_the_global_parameter(name: str) -> None:
    from dbos._utils import GlobalParams

    assert isinstance(getattr(GlobalParams, name, None), str), f"GlobalParams.{name}"


def test_the_context_carries_the_owner() -> None:
    from dbos._context import DBOSContext

    assert hasattr(DBOSContext(), "owner_xid"), "DBOSContext.owner_xid is gone"


def test_a_pending_workflow_has_an_id() -> None:
    from dbos._sys_db import GetPendingWorkflowsOutput

    assert "workflow_id" in parameters(GetPendingWorkflowsOutput.__init__)


@pytest.fixture
def dbos(journal_url: str) -> Iterator[DBOS]:
    """A DBOS that is constructed and not launched."""
    found = DBOS(
        config={
            "name": "canary",
            "system_database_url": journal_url,
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 0.01,
        }
    )
    yield found
    DBOS.destroy()


def test_the_private_attributes_of_dbos_are_there(dbos: DBOS, journal_url: str) -> None:
    found = {
        "_dbos_global_instance": _internals.instance() is dbos,
        "_launched": _internals.is_launched(dbos) is False,
        "_config['system_database_url']": _internals.database_url(dbos) == journal_url,
        "_registry.workflow_info_map": not _internals.is_registered(dbos, "nobody"),
        "GlobalParams.executor_id": _internals.executor_id() == "local",
    }

    assert [name for name, is_so in found.items() if not is_so] == []


def test_launching_says_that_it_is_launched(dbos: DBOS) -> None:
    DBOS.launch()

    assert _internals.is_launched(dbos)
    assert dbos._sys_db is not None


def test_the_version_is_ours_unless_it_was_configured(dbos: DBOS) -> None:
    from dbos._utils import GlobalParams

    before = GlobalParams.app_version
    _internals.fix_application_version()
    fixed = GlobalParams.app_version
    GlobalParams.app_version = "theirs"
    _internals.fix_application_version()
    kept = GlobalParams.app_version

    assert (before, kept) == ("", "theirs")
    assert fixed.startswith("durable_notebook")


def test_a_workflow_status_says_how_it_was_serialized() -> None:
    from dbos._sys_db import WorkflowStatusInternal

    names = set(WorkflowStatusInternal.__annotations__)
    assert {"serialization", "workflow_uuid", "name", "status"} <= names
    assert "parent_workflow_id" in names


@pytest.mark.parametrize("text", _internals._OursAreReported._texts)
def test_dbos_logs_the_text_that_is_dropped(text: str) -> None:
    import dbos

    folder = Path(dbos.__file__).parent
    sources = [path.read_text("utf-8") for path in folder.glob("*.py")]

    assert any(text in source for source in sources), f"DBOS never logs {text!r}"


# -- columns ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A fresh database with DBOS's tables and ours."""
    journal = tmp_path_factory.mktemp("fresh") / "journal.sqlite"
    DBOS.migrate(f"sqlite:///{journal}")
    open_store(f"sqlite:///{journal}", Settings()).close()
    with closing(sqlite3.connect(journal)) as connection:
        yield connection


@pytest.mark.parametrize(
    ("table", "column"), [(t, c) for t, names in DBOS_TABLES.items() for c in names]
)
def test_dbos_has_the_column(
    fresh: sqlite3.Connection, table: str, column: str
) -> None:
    found = [row[1] for row in fresh.execute(f"PRAGMA table_info({table})")]

    assert column in found, f"{table}.{column} is gone; it has {found}"


@pytest.mark.parametrize("name", sorted(statements("sqlite")))
def test_a_statement_fits_the_tables(fresh: sqlite3.Connection, name: str) -> None:
    statement = statements("sqlite")[name]
    named = dict.fromkeys(re.findall(r":(\w+)", statement), 1)
    values: Any = named or (1,) * statement.count("?")

    fresh.execute(f"EXPLAIN {statement}", values)


def test_the_tested_releases_are_those_of_the_package() -> None:
    text = Path(__file__).parents[2].joinpath("pyproject.toml").read_text("utf-8")

    assert f'"dbos{TESTED_DBOS}"' in text


def test_no_other_table_has_rows_of_a_workflow(fresh: sqlite3.Connection) -> None:
    """A table that a release adds must be emptied when a run is deleted."""
    tables = fresh.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    found = set()
    for (table,) in tables.fetchall():
        names = {row[1] for row in fresh.execute(f"PRAGMA table_info({table})")}
        if names & {"workflow_uuid", "workflow_id", "destination_uuid"}:
            found.add(table)

    assert found == set(DBOS_TABLES)


def test_the_internal_queue_is_the_one_that_we_read() -> None:
    from dbos._utils import INTERNAL_QUEUE_NAME

    assert f"'{INTERNAL_QUEUE_NAME}'" in statements("sqlite")["enqueued"]
    assert f"'{INTERNAL_QUEUE_NAME}'" in statements("sqlite")["claim"]


@pytest.mark.parametrize("is_ours", [True, False])
def test_the_internal_queue_keeps_our_runs(dbos: DBOS, is_ours: bool) -> None:
    from dbos._utils import GlobalParams

    pattern = "%" if is_ours else "nothing like it"
    with _internals.queue_without(pattern):
        DBOS.launch()
        queue = dbos._registry.get_internal_queue()

        @DBOS.workflow(name=f"canary_queued_{is_ours}")
        def queued() -> None:
            pass

        original = DBOS.start_workflow(queued)
        original.get_result()
        fork = DBOS.fork_workflow(original.get_workflow_id(), 1)
        version = GlobalParams.app_version
        dbos._sys_db.start_queued_workflows(queue, "me", version, None)

    assert (fork.get_status().status == "ENQUEUED") is is_ours


@pytest.mark.parametrize("is_ours", [True, False])
@pytest.mark.parametrize("is_of_workflow", [True, False])
def test_the_queue_of_a_workflow_keeps_our_runs(
    dbos: DBOS, is_ours: bool, is_of_workflow: bool
) -> None:
    """A run of ours on a queue of the user's is the user's business."""
    from dbos._utils import GlobalParams

    name = f"canary_waiting_{is_ours}_{is_of_workflow}"
    with _internals.queue_without("%" if is_ours else "nothing like it"):
        DBOS.launch()

        @DBOS.workflow(name=name)
        def waiting() -> None:
            pass

        queue_name = name if is_of_workflow else f"{name}_of_the_user"
        queue = DBOS.register_queue(queue_name, polling_interval_sec=3600.0)
        handle = queue.enqueue(waiting)
        version = GlobalParams.app_version
        before = handle.get_status()
        dbos._sys_db.start_queued_workflows(queue, "me", version, None)
        after = handle.get_status()

    assert (before.status, before.queue_name) == ("ENQUEUED", queue_name)
    assert before.executor_id == DBOS.executor_id
    assert (after.status == "ENQUEUED") is (is_ours and is_of_workflow)


def test_no_other_column_of_dbos_must_be_filled(fresh: sqlite3.Connection) -> None:
    """A NOT NULL without a default that a release adds would refuse our entries."""
    rows = fresh.execute("PRAGMA table_info(operation_outputs)").fetchall()

    needed = {row[1] for row in rows if row[3] and row[4] is None}
    assert needed <= set(DBOS_TABLES["operation_outputs"]), needed


def test_a_position_is_unique_in_its_run(fresh: sqlite3.Connection) -> None:
    rows = fresh.execute("PRAGMA table_info(operation_outputs)").fetchall()

    key = [row[1] for row in rows if row[5]]
    assert key == ["workflow_uuid", "function_id"]


# -- the same on Postgres -------------------------------------------------------------


@pytest.fixture(scope="module")
def served(
    postgres_server: PostgresServer, postgres_template: str
) -> Iterator[psycopg.Connection[Any]]:
    """A fresh database with DBOS's tables and ours; its search path is their schema."""
    url = postgres_server.copy(postgres_template)
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SET search_path TO dbos")
        connection.commit()
        yield connection
    postgres_server.drop(url)


@pytest.mark.parametrize(
    ("table", "column"), [(t, c) for t, names in DBOS_TABLES.items() for c in names]
)
def test_dbos_has_the_column_on_postgres(
    served: psycopg.Connection[Any], table: str, column: str
) -> None:
    rows = served.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'dbos' AND table_name = %s",
        (table,),
    ).fetchall()

    assert column in [row[0] for row in rows], f"{table}.{column} is gone"


@pytest.mark.parametrize("name", sorted(set(statements("postgres")) - {"listen"}))
def test_a_statement_fits_the_tables_on_postgres(
    served: psycopg.Connection[Any], name: str
) -> None:
    statement = statements("postgres")[name]
    values = dict.fromkeys(re.findall(r"%\((\w+)\)s", statement))

    with served.transaction(force_rollback=True):
        if statement.startswith("CREATE"):
            served.execute(statement.encode())
        else:
            served.execute(f"EXPLAIN {statement}".encode(), values)


def test_no_other_column_of_dbos_must_be_filled_on_postgres(
    served: psycopg.Connection[Any],
) -> None:
    rows = served.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'dbos' AND table_name = 'operation_outputs'"
        " AND is_nullable = 'NO' AND column_default IS NULL"
    ).fetchall()

    assert {row[0] for row in rows} <= set(DBOS_TABLES["operation_outputs"]), rows


def test_a_position_is_unique_in_its_run_on_postgres(
    served: psycopg.Connection[Any],
) -> None:
    rows = served.execute(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a"
        " ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)"
        " WHERE i.indrelid = 'operation_outputs'::regclass AND i.indisprimary"
    ).fetchall()

    assert {row[0] for row in rows} == {"workflow_uuid", "function_id"}


def test_the_schema_of_dbos_is_known(postgres_url: str) -> None:
    found = []
    for options in ({}, {"dbos_system_schema": "elsewhere"}):
        dbos = DBOS(
            config={"name": "canary", "system_database_url": postgres_url, **options}
        )
        found.append(_internals.schema(dbos))
        DBOS.destroy()

    assert found == ["dbos", "elsewhere"]
