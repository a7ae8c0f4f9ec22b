"""A database whose DBOS tables are of an unknown release is refused, and left alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from dbos import DBOS

from durable_notebook import Client, DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook.errors import UnknownTablesError
from durable_notebook.store import open_store
from tests.runtime.sample_workflows import Answer, Asking, Other


@pytest.fixture(params=["sqlite", "postgres"])
def journal_url(request: pytest.FixtureRequest, journal: Path, no_leaks: None) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{journal}"


@contextmanager
def tables(url: str) -> Iterator[sa.Connection]:
    """The tables, for somebody who changes them."""
    found = sa.make_url(url)
    if found.drivername == "postgresql":
        found = found.set(drivername="postgresql+psycopg")
        found = found.update_query_dict({"options": "-csearch_path=dbos"})
    engine = sa.create_engine(found)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def change(url: str, *statements: str) -> None:
    with tables(url) as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


async def begun(url: str) -> None:
    """Leave an unfinished run behind."""
    async with DBOSRuntime(database_url=url) as runtime:
        await Client(runtime).start(Asking, run_id="a")


async def refusal(url: str) -> UnknownTablesError:
    with pytest.raises(UnknownTablesError) as refused:
        await DBOSRuntime(database_url=url).launch()
    return refused.value


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("operation_outputs", "retention_timestamp"),
        ("operation_outputs", "output"),
        ("workflow_status", "owner_xid"),
        ("workflow_input", "inputs"),
    ],
)
async def test_a_column_that_moved_refuses_the_launch_and_is_named(
    journal_url: str, table: str, column: str
) -> None:
    await begun(journal_url)
    change(journal_url, f"ALTER TABLE {table} RENAME COLUMN {column} TO elsewhere")

    refused = await refusal(journal_url)

    assert refused.differences == [f"{table}.{column} is gone"]
    assert f"{table}.{column}" in str(refused)
    assert refused.tested in str(refused)


async def test_a_run_goes_on_when_the_column_is_back(journal_url: str) -> None:
    await begun(journal_url)
    rename = "ALTER TABLE operation_outputs RENAME COLUMN {} TO {}"
    change(journal_url, rename.format("output", "payload"))
    await refusal(journal_url)

    change(journal_url, rename.format("payload", "output"))
    async with DBOSRuntime(database_url=journal_url) as runtime:
        runtime.define(Asking(runtime=runtime))
        await runtime.send("a", Answer(text="Ada"))
        assert await Client(runtime).run("a").result() == "Ada"


async def test_a_new_column_that_must_be_filled_refuses_the_launch(
    journal_url: str,
) -> None:
    await begun(journal_url)
    if journal_url.startswith("postgresql"):
        change(
            journal_url,
            "DELETE FROM operation_outputs",
            "ALTER TABLE operation_outputs ADD COLUMN shard TEXT NOT NULL",
        )
    else:  # SQLite adds none to a table: make the table anew.
        with tables(journal_url) as connection:
            made = connection.execute(
                sa.text(
                    "SELECT sql FROM sqlite_master WHERE name = 'operation_outputs'"
                )
            ).scalar_one()
            connection.execute(sa.text("DROP TABLE operation_outputs"))
            filled = made.replace("(", "(shard TEXT NOT NULL, ", 1)
            connection.execute(sa.text(filled))

    refused = await refusal(journal_url)

    assert refused.differences == ["operation_outputs.shard is new and must be filled"]


async def test_a_new_column_that_may_be_empty_is_none_of_our_business(
    journal_url: str,
) -> None:
    await begun(journal_url)
    change(
        journal_url,
        "ALTER TABLE operation_outputs ADD COLUMN note TEXT",
        "ALTER TABLE operation_outputs ADD COLUMN kind TEXT NOT NULL DEFAULT 'step'",
    )

    async with DBOSRuntime(database_url=journal_url) as runtime:
        run = await Client(runtime).start(Other, run_id="o")
        assert await run.result() == "other"


def test_a_table_that_is_not_there_is_named(journal_url: str) -> None:
    DBOS.migrate(journal_url)
    change(journal_url, "DROP TABLE streams")
    store = open_store(journal_url, Settings())

    found = store.dbos_differences()
    store.close()

    assert found == ["there is no table streams"]
