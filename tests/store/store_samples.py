"""A database as DBOS fills it, and entries to append, for the tests of the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from durable_notebook.journal._entry import Entry
from durable_notebook.store import NewEntry

_OURS = '{"namedArgs":{},"positionalArgs":[{"durable_notebook":1,"start":null}]}'


@dataclass(frozen=True, slots=True)
class Database:
    """A database of one backend, as somebody other than the store sees it."""

    url: str

    def execute(self, statement: str, **values: object) -> None:
        url = sa.make_url(self.url)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            if url.drivername != "sqlite":
                connection.execute(sa.text("SET LOCAL search_path TO dbos"))
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
        inputs: str = _OURS,
        created_at: int = 1_000,
        parent: str | None = None,
    ) -> None:
        """What DBOS writes when a run is started."""
        self.execute(
            "INSERT INTO workflow_status (workflow_uuid, name, status, executor_id,"
            " owner_xid, application_name, created_at, updated_at, parent_workflow_id)"
            " VALUES (:run_id, :workflow, :status, :executor_id, :owner, 'app',"
            " :created_at, :created_at, :parent)",
            run_id=run_id,
            workflow=workflow,
            status=status,
            executor_id=executor_id,
            owner=owner,
            created_at=created_at,
            parent=parent,
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


def new_entry(run_id: str, position: int, owner: str = "me", **body: Any) -> NewEntry:
    """An entry on its way; `body` are members of it."""
    return NewEntry(
        run_id=run_id,
        position=position,
        name=f"step {position}",
        body=Entry(session=1, at=2.5, **body).encode(),
        owner=owner,
        started_at=1.25,
        finished_at=2.5,
    )
