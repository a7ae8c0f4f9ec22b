"""The store: the only SQL of the package, behind one interface.

It keeps three things in the database that DBOS runs on: the journal entries (which
are rows of DBOS's own operation log), the mailbox, and who has the journal open.
"""

from __future__ import annotations

from durable_notebook._config import (
    Settings,
    check_backend,
    is_postgres,
    sqlite_path,
)
from durable_notebook.store._abc import Store
from durable_notebook.store._postgres import PostgresStore
from durable_notebook.store._records import (
    OURS,
    REASSIGNED,
    Enqueued,
    Hold,
    KeyedMail,
    Lease,
    Life,
    Mail,
    Mark,
    NewEntry,
    Past,
    Pending,
    RunRow,
    read_input,
)
from durable_notebook.store._sqlite import SqliteStore
from durable_notebook.store._tally import Tally
from durable_notebook.store._turns import Turns

__all__ = [
    "OURS",
    "REASSIGNED",
    "Enqueued",
    "Hold",
    "KeyedMail",
    "Lease",
    "Life",
    "Mail",
    "Mark",
    "NewEntry",
    "Past",
    "Pending",
    "RunRow",
    "Store",
    "Tally",
    "Turns",
    "open_store",
    "read_input",
]


def open_store(url: str, settings: Settings) -> Store:
    """Open the database and bring our tables into their form of today.

    A SQLite file is created if need be, readable by its owner only; a Postgres
    database too, if the server lets us. With `migrate=False` nothing is created or
    changed.

    Raises:
        ConfigError: The URL is not of a kind this version can use, or an option of
            the settings is for the other kind.
            With `migrate=False` also: our tables are missing, or old.
        JournalTooNewError: A newer version of this package wrote it.
        StorageError: It cannot be opened or written.
    """
    check_backend(url, settings)
    if is_postgres(url):
        return PostgresStore(url, settings)
    return SqliteStore(sqlite_path(url), settings)
