"""The contract suite runs on each backend; a backend is a database with DBOS's tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from dbos import DBOS

from durable_notebook._config import Settings
from durable_notebook.store import Store, open_store

OURS = '{"namedArgs":{},"positionalArgs":[{"durable_notebook":1,"start":null}]}'


@dataclass(frozen=True, slots=True)
class Database:
    """A database of one backend, as somebody other than the store sees it."""

    url: str

    def execute(self, statement: str, **values: object) -> None:
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(sa.text(statement), values)
        engine.dispose()

    def add_run(
        self,
        run_id: str,
        *,
        workflow: str = "Counter",
        owner: str | None = "me",
        executor_id: str = "local",
        status: str = "PENDING",
        inputs: str = OURS,
        created_at: int = 1_000,
    ) -> None:
        """What DBOS writes when a run is started."""
        self.execute(
            "INSERT INTO workflow_status (workflow_uuid, name, status, executor_id,"
            " owner_xid, application_name, created_at, updated_at)"
            " VALUES (:run_id, :workflow, :status, :executor_id, :owner, 'app',"
            " :created_at, :created_at)",
            run_id=run_id,
            workflow=workflow,
            status=status,
            executor_id=executor_id,
            owner=owner,
            created_at=created_at,
        )
        self.execute(
            "INSERT INTO workflow_input (workflow_uuid, inputs)"
            " VALUES (:run_id, :inputs)",
            run_id=run_id,
            inputs=inputs,
        )

    def own(self, run_id: str, owner: str | None) -> None:
        """What DBOS writes when another execution takes a run over."""
        self.execute(
            "UPDATE workflow_status SET owner_xid = :owner"
            " WHERE workflow_uuid = :run_id",
            run_id=run_id,
            owner=owner,
        )


@pytest.fixture(params=["sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database of a backend, with the tables that DBOS makes."""
    assert request.param == "sqlite"
    found = Database(f"sqlite:///{tmp_path}/journal.sqlite")
    DBOS.migrate(found.url)
    return found


@pytest.fixture
def opens(database: Database) -> Iterator[Callable[..., Store]]:
    """Opens stores on the database, as several processes would."""
    stores: list[Store] = []

    def opened(settings: Settings | None = None) -> Store:
        stores.append(open_store(database.url, settings or Settings()))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def store(opens: Callable[..., Store]) -> Store:
    return opens()


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(no_leaks: None) -> None:
    pass
