"""What DBOS does to a run for a process that launches no DBOS."""

from __future__ import annotations

from dbos import DBOSClient, DBOSPortableJSONSerializer, SetWorkflowID

from durable_notebook._config import is_postgres, postgres_url
from durable_notebook.engine import _internals
from durable_notebook.errors import RunIdTakenError
from durable_notebook.store import Store


def fork(
    store: Store, url: str, run_id: str, new_run_id: str, kept: int, *, schema: str
) -> None:
    """Record a new run that has the first entries of another; nobody has taken it yet.

    Raises:
        RunIdTakenError: A run has the new id.
        StorageError: It could not be recorded.
    """
    _internals.quieten()
    with _internals.refusals_as_our_own(store.name):
        client = DBOSClient(
            system_database_url=postgres_url(url) if is_postgres(url) else url,
            dbos_system_schema=schema,
            serializer=DBOSPortableJSONSerializer(),
            retry_connection_errors=False,
        )
        try:
            taken = client.list_workflows(workflow_ids=[new_run_id], load_input=False)
            if taken:
                raise RunIdTakenError(new_run_id, taken[0].name, None)
            with SetWorkflowID(new_run_id):
                # DBOS counts from 1 and names the first step that is done again.
                client.fork_workflow(run_id, kept + 1)
        finally:
            client.destroy()
