"""Which tables of DBOS this package can write to."""

from __future__ import annotations

from importlib import metadata

from durable_notebook.errors import UnknownTablesError
from durable_notebook.store import Store

# The releases of dbos whose tables the statements of `store` were tested with.
TESTED_DBOS = ">=3.4,<3.5"


def check_tables(store: Store) -> None:
    """Refuse tables of an unknown release, before a statement of ours meets them.

    There is nothing to fall back on: whose the run is, is in them too.

    Raises:
        UnknownTablesError: With what is otherwise there.
    """
    differences = store.dbos_differences()
    if differences:
        installed = metadata.version("dbos")
        raise UnknownTablesError(store.name, differences, installed, TESTED_DBOS)
