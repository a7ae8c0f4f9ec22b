"""Crash points: every commit that a process makes, whoever makes it.

Installed in a child process only. DBOS's commits (through SQLAlchemy) and the store's
own are counted together from the beginning of the process; at the chosen one something
happens, just before it or just after it: mostly the process is killed.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeVar
from weakref import WeakKeyDictionary

import psycopg

T = TypeVar("T")

When = Literal["before", "after"]

Ending = Literal["kill", "interrupt", "stop", "cancel", "full", "limit", "drain"]
"""What happens at the point.

The process is killed, gets a SIGINT, its loop is stopped, its main task cancelled; or
the disk is full from then on, or files may not grow, until `Points.free`. After the
commit, a full disk is a commit that was made and reported as failed. Or it is told to
end, and lets its bodies end before.
"""

# Enough for the logs of a trial, which are files too.
_LIMIT = 8192

_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "WITH")
_SCHEMA = ("CREATE", "ALTER", "DROP")


class Points:
    """Counts the commits of this process and writes each to a log before it is made."""

    def __init__(
        self, log: int, kill_at: int | None, when: When, ending: Ending = "kill"
    ) -> None:
        self._log = log
        self._kill_at = kill_at
        self._when = when
        self._ending = ending
        self._count = 0
        self._lock = threading.Lock()
        self._is_full = False
        self.main: asyncio.Task[Any] | None = None
        self.drain: Callable[[], object] = lambda: None

    def commit(self, what: str, commit: Callable[[], T]) -> T:
        """Make one commit, or end at it."""
        with self._lock:
            self._count += 1
            number = self._count
            os.write(self._log, f"{number} {what}\n".encode())
        if number == self._kill_at and self._when == "before":
            self._end()
        self._refuse_if_full()
        result = commit()
        if number == self._kill_at and self._when == "after":
            self._end()
            self._refuse_if_full()
        return result

    def _end(self) -> None:
        if self._ending == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._ending == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        elif self._ending == "full":
            self._is_full = True
        elif self._ending == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT, resource.RLIM_INFINITY))
        elif self.main is not None:
            loop = self.main.get_loop()
            if self._ending == "drain":
                loop.call_soon_threadsafe(self.drain)
                return
            act = loop.stop if self._ending == "stop" else self.main.cancel
            loop.call_soon_threadsafe(act)

    def _refuse_if_full(self) -> None:
        if self._is_full:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

    def free(self) -> None:
        """Give the disk its room back."""
        self._is_full = False
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)


_points: Points


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, *values: Any) -> Any:
        assert isinstance(self.connection, _Connection)
        if self.connection.ends_by(sql):
            what = self.connection.what(sql)
            return _points.commit(what, partial(super().execute, sql, *values))
        self.connection.note(sql)
        return super().execute(sql, *values)

    def executemany(self, sql: str, *values: Any) -> Any:
        assert isinstance(self.connection, _Connection)
        assert not self.connection.ends_by(sql), sql
        self.connection.note(sql)
        return super().executemany(sql, *values)

    def executescript(self, *_: Any) -> Any:
        raise AssertionError("a script commits where nobody counts")


class _Connection(sqlite3.Connection):
    _wrote = "nothing"

    def ends_by(self, sql: str) -> bool:
        """Whether a statement is a commit, or makes one of its own."""
        word = _first_word(sql)
        if self.in_transaction:
            return word in ("COMMIT", "END")
        if word == "PRAGMA":
            return "JOURNAL_MODE=" in sql.upper().replace(" ", "")
        return word in _SCHEMA or (word in _WRITES and self.isolation_level is None)

    def note(self, sql: str) -> None:
        """Remember what is written, to name the commit by."""
        if _first_word(sql) in (*_WRITES, *_SCHEMA):
            self._wrote = _short(sql)

    def what(self, sql: str) -> str:
        """What a commit writes."""
        return self._wrote if self.in_transaction else _short(sql)

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def execute(self, sql: str, *values: Any) -> Any:
        return self.cursor().execute(sql, *values)

    def commit(self) -> None:
        if self.in_transaction:
            _points.commit(self._wrote, super().commit)
        else:
            super().commit()

    def __exit__(self, *error: Any) -> Any:
        raise AssertionError("'with connection' commits where nobody counts")


def install(points: Points) -> None:
    """Watch every connection that this process opens from now on."""
    global _points  # noqa: PLW0603
    _points = points
    real = sqlite3.connect

    def connect(*arguments: Any, **options: Any) -> Any:
        options.setdefault("factory", _Connection)
        return real(*arguments, **options)

    sqlite3.connect = sqlite3.dbapi2.connect = connect  # type: ignore[attr-defined]
    _install_on_psycopg()


def _install_on_psycopg() -> None:
    """Watch the commits on Postgres: statements that are one, and `commit()`.

    In a pipeline a kill after the COMMIT leaves open whether the server has heard it.
    """
    execute, commit = psycopg.Cursor.execute, psycopg.Connection.commit
    wrote: WeakKeyDictionary[psycopg.Connection[Any], str] = WeakKeyDictionary()

    def watched_execute(self: Any, query: Any, *values: Any, **options: Any) -> Any:
        sql = query.decode() if isinstance(query, bytes) else str(query)
        connection, word = self.connection, _first_word(_without_comments(sql))
        begun = partial(execute, self, query, *values, **options)
        if word == "COMMIT":
            return _points.commit(wrote.pop(connection, "nothing"), begun)
        if word in (*_WRITES, *_SCHEMA):
            is_alone = connection.autocommit and connection.info.transaction_status == 0
            if is_alone and not _is_piped(connection):
                return _points.commit(_short(sql), begun)
            wrote[connection] = _short(sql)
        return begun()

    def watched_commit(self: Any) -> None:
        if self in wrote:
            _points.commit(wrote.pop(self), partial(commit, self))
        else:
            commit(self)

    psycopg.Cursor.execute = watched_execute  # type: ignore[method-assign]
    psycopg.Connection.commit = watched_commit  # type: ignore[method-assign]


def _is_piped(connection: psycopg.Connection[Any]) -> bool:
    return connection.pgconn.pipeline_status != psycopg.pq.PipelineStatus.OFF


def _without_comments(sql: str) -> str:
    return "\n".join(line for line in sql.splitlines() if not line.startswith("--"))


def _first_word(sql: str) -> str:
    return sql.split(None, 1)[0].upper() if sql.strip() else ""


def _short(sql: str) -> str:
    return " ".join(_without_comments(sql).split())[:48]
