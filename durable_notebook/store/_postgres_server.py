"""Connections to a Postgres journal: how they are made, and when one is lost."""

from __future__ import annotations

import hashlib
import time
from threading import Event
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from durable_notebook._config import Settings, postgres_url, without_password
from durable_notebook.errors import JournalTooNewError, StorageError
from durable_notebook.store._postgres_connection import Connection
from durable_notebook.store._queries import migrations, statements, tables_are_old

# What the URL may say otherwise. A peer that is gone without a word is noticed.
_DEFAULTS: dict[str, Any] = {
    "application_name": "durable_notebook",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

# An answer may come so much later than the server promises it.
_LATE_S = 10.0

# Of a connection that works no more though the client may not know it yet: the
# server shuts down, has crashed, is starting, or refuses (too many connections).
_LOST_STATES = ("57P01", "57P02", "57P03", "57P05", "53300", "25P03")


class Server:
    """A database of a Postgres server, and how long to be patient with it."""

    def __init__(self, url: str, settings: Settings) -> None:
        self.name = without_password(url)
        self.patience_s = settings.busy_timeout_s
        # A write that waits for a lock for too long is told so by the server.
        self.silence_s = self.patience_s + _LATE_S
        self._may_migrate = settings.migrate
        self.schema = settings.schema or "dbos"
        self.sql = {n: text.encode() for n, text in statements("postgres").items()}
        try:
            given = conninfo_to_dict(postgres_url(url))
        except psycopg.Error as e:
            raise self.error(e) from e
        patience_ms = max(1, int(self.patience_s * 1000))
        self._parameters = {
            **_DEFAULTS,
            "tcp_user_timeout": patience_ms,
            **given,
            "client_encoding": "utf8",
        }
        self.session = {
            "search_path": sql.Identifier(self.schema).as_string(),
            "lock_timeout": str(patience_ms),
        }

    def key(self, what: str) -> int:
        """The number of an advisory lock of this journal."""
        name = f"durable_notebook.{self.schema}.{what}"
        digest = hashlib.sha256(name.encode()).digest()
        return int.from_bytes(digest[:8], "big", signed=True)

    def error(self, problem: Exception) -> StorageError:
        """The error that tells of a problem with this database."""
        # libpq's message names the host and the user, never the password.
        error = StorageError(self.name, " ".join(str(problem).split()))
        error.__cause__ = problem
        return error

    # -- connecting ------------------------------------------------------------

    def connect(
        self, silence_s: float | None = None, *, dbname: str | None = None
    ) -> Connection:
        """A new connection, at once or not at all; given up when silent for so long.

        Raises:
            psycopg.Error: The server did not take it.
        """
        parameters = dict(self._parameters)
        if dbname is not None:
            parameters["dbname"] = dbname
        if silence_s is not None:
            given = int(parameters["connect_timeout"])
            parameters["connect_timeout"] = min(given, int(silence_s))
        connection = Connection.connect(
            **parameters, autocommit=True, prepare_threshold=0
        )
        connection.silence_s = silence_s or self.silence_s
        try:
            settings = connection.execute(self.sql["session_settings"], self.session)
            connection.backend = settings.fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def end(self, lost: Connection, connection: Connection) -> None:
        """Let the server end its side of a connection that is lost.

        It may not know yet that nobody is there, and wait for the rest of a request
        for ever, with all that the request has locked.

        Raises:
            psycopg.Error: The server could not be asked.
        """
        if lost.backend is not None:
            pid, since = lost.backend
            values = {"pid": pid, "since": since}
            connection.execute(self.sql["end_backend"], values)
            lost.backend = None

    def connect_until(
        self,
        deadline: float,
        silence_s: float | None = None,
        given_up: Event | None = None,
    ) -> Connection:
        """A new connection, when the server is back.

        Raises:
            psycopg.Error: It was not at the deadline, or when that was given up.
        """
        given_up = given_up or Event()
        pause_s = 0.02
        while True:
            try:
                return self.connect(silence_s)
            except psycopg.OperationalError:
                is_late = time.monotonic() + pause_s > deadline
                if is_late or given_up.wait(pause_s):
                    raise
                pause_s = min(2 * pause_s, 0.5)

    # -- the first connection --------------------------------------------------

    def open(self) -> Connection:
        """Bring the journal into its form of today; gives a connection to it.

        Raises:
            JournalTooNewError, StorageError: It cannot be used.
            ConfigError: Its tables are old, and may not be changed.
        """
        try:
            connection = self._first()
        except psycopg.Error as e:
            raise self.error(e) from e
        try:
            self._migrate(connection)
        except psycopg.Error as e:
            connection.close()
            raise self.error(e) from e
        except BaseException:
            connection.close()
            raise
        return connection

    def _first(self) -> Connection:
        try:
            return self.connect()
        except psycopg.OperationalError:
            if not (self._may_migrate and self._create()):
                raise
            return self.connect()

    def _create(self) -> bool:
        """Create the database if it is not there, as DBOS does; whether it is now."""
        name = str(self._parameters.get("dbname", ""))
        try:
            with self.connect(dbname="postgres") as connection:
                found = connection.execute(self.sql["has_database"], {"name": name})
                if name and found.fetchone() is None:
                    create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
                    connection.execute(create)
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            return True  # Another process was faster.
        except psycopg.Error:
            return False
        # Where it was there, another process may have created it since we asked.
        return bool(name)

    # -- migrations ------------------------------------------------------------

    def _migrate(self, connection: Connection) -> None:
        applied = self._applied(connection)
        known = migrations("postgres")
        if applied > known[-1][0]:
            raise JournalTooNewError(self.name, f"its schema has version {applied}")
        if applied < known[-1][0] and not self._may_migrate:
            raise tables_are_old(self.name, applied, known[-1][0])
        for version, name, script in known:
            if version > applied:
                self._apply(connection, version, name, script)

    def _applied(self, connection: Connection) -> int:
        if connection.execute(self.sql["has_migrations"]).fetchone() is None:
            return 0
        row = connection.execute(self.sql["applied_migration"]).fetchone()
        return 0 if row is None else int(row[0])

    def _apply(
        self, connection: Connection, version: int, name: str, script: str
    ) -> None:
        with connection.transaction():
            lock = {"lock": self.key("migrations")}
            connection.execute(self.sql["migration_lock"], lock)
            has_schema = connection.execute(self.sql["has_schema"], self.session)
            if has_schema.fetchone() is None:
                create = sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self.schema))
                connection.execute(create)
            if self._applied(connection) >= version:
                return  # Another process was faster.
            connection.execute(self.sql["migration_table"])
            connection.execute(script.encode(), prepare=False)
            record = {"version": version, "name": name, "now": time.time()}
            connection.execute(self.sql["record_migration"], record)


def is_lost(connection: Connection, problem: Exception) -> bool:
    """Whether a statement failed because its connection, or the server, is gone."""
    if connection.closed:
        return True
    state = getattr(problem, "sqlstate", None)
    if state is not None:
        return str(state) in _LOST_STATES or str(state).startswith("08")
    return isinstance(problem, psycopg.OperationalError | psycopg.InterfaceError)
