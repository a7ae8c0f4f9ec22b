"""The store: the only SQL of the package, behind one interface.

It keeps three things in the database that DBOS runs on: the journal entries (which
are rows of DBOS's own operation log), the mailbox, and who has the journal open.
"""

from __future__ import annotations

from durable_notebook._config import Settings, sqlite_path
from durable_notebook.store._abc import (
    OURS,
    Enqueued,
    Mail,
    NewEntry,
    RunRow,
    Store,
    read_input,
)
from durable_notebook.store._sqlite import SqliteStore

__all__ = [
    "OURS",
    "Enqueued",
    "Mail",
    "NewEntry",
    "RunRow",
    "Store",
    "open_store",
    "read_input",
]


def open_store(url: str, settings: Settings) -> Store:
    """Open the database, creating the file (readable by its owner only) if need be.

    Raises:
        ConfigError: The URL is not of a kind this version can use.
        JournalTooNewError: A newer version of this package wrote it.
        StorageError: The file cannot be opened or written.
    """
    return SqliteStore(sqlite_path(url), settings)
