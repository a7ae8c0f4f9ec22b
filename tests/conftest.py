"""What every suite may use: a fresh journal, and a check that nothing stays behind."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer

from .bad_line import BadLine
from .memory import write_in_memory
from .order import Scheduling, longest_first
from .postgres_server import PostgresServer


def pytest_configure(config: pytest.Config) -> None:
    write_in_memory()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server of this test session."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """A database with DBOS's tables and ours, to copy; nobody is connected to it."""
    from dbos import DBOS

    from durable_notebook._config import Settings
    from durable_notebook.store import open_store

    url = postgres_server.url("template_journal")
    open_store(url, Settings()).close()
    DBOS.migrate(url)
    return "template_journal"


@pytest.fixture
def postgres_url(
    postgres_server: PostgresServer, postgres_template: str
) -> Iterator[str]:
    """A fresh Postgres database with all tables."""
    url = postgres_server.copy(postgres_template)
    yield url
    postgres_server.drop(url)


@pytest.fixture
def bad_line(postgres_server: PostgresServer) -> Iterator[BadLine]:
    """A way to the server that can be broken."""
    # The path of a socket may not be long.
    with tempfile.TemporaryDirectory(prefix="line-") as folder:
        found = BadLine(postgres_server, Path(folder))
        yield found
        found.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder in which a database server of one's own can have its data.

    Where the tests are root it is another user, whom pytest locks out of `tmp_path`
    whenever a session of it begins, here or beside.
    """
    with tempfile.TemporaryDirectory(prefix="durable-") as folder:
        yield Path(folder)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where a test's journal is; nothing is there yet."""
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal_url(journal: Path) -> str:
    return f"sqlite:///{journal}"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with DBOS's tables and ours, to copy; nobody has it open."""
    from dbos import DBOS

    from durable_notebook._config import Settings
    from durable_notebook.store import open_store

    found = tmp_path_factory.mktemp("template") / "journal.sqlite"
    open_store(f"sqlite:///{found}", Settings()).close()
    DBOS.migrate(f"sqlite:///{found}")
    assert os.listdir(found.parent) == [found.name], "it is not all in one file"
    return found


@pytest.fixture
def sqlite_url(journal: Path, sqlite_template: Path) -> str:
    """A fresh SQLite file with all tables, which take longer to make than most tests.

    What makes them has tests of its own, on a `journal` that is not there yet.
    """
    shutil.copy(sqlite_template, journal)
    return f"sqlite:///{journal}"


@pytest.fixture
def no_leaks(tmp_path: Path) -> Iterator[None]:
    """Fail a test that leaves DBOS, a thread, a lock or a connection behind.

    A held lock and an open connection are open files of the test's folder.
    """
    before = set(threading.enumerate())
    yield
    was_launched = _end_dbos()
    deadline = time.monotonic() + 5
    while (threads := _threads(before)) and time.monotonic() < deadline:
        threads[0].join(0.01)
    assert not was_launched, "DBOS was not destroyed"
    assert threads == [], f"threads were left behind:\n{_stacks(threads)}"
    if _open_files(tmp_path):
        gc.collect()  # The traceback of an expected error holds what it shows.
    assert _open_files(tmp_path) == [], "files were left open"


def _end_dbos() -> bool:
    """End a DBOS that a failed test left, so that the next test can have its own."""
    from dbos import DBOS

    from durable_notebook.engine import _internals

    is_there = _internals.instance() is not None
    if is_there:
        DBOS.destroy(workflow_completion_timeout_sec=0)
    return is_there


def _threads(before: set[threading.Thread]) -> list[threading.Thread]:
    # The threads of a loop's executor end with the loop, after this.
    return [
        t
        for t in threading.enumerate()
        if t not in before and not t.name.startswith("asyncio_")
    ]


def _stacks(threads: list[threading.Thread]) -> str:
    frames = sys._current_frames()
    return "\n".join(
        f"{t.name}\n{''.join(traceback.format_stack(frames[t.ident]))}"
        for t in threads
        if t.ident in frames
    )


def _open_files(folder: Path) -> list[str]:
    """The files of a folder that this process has open, where the system tells."""
    found = []
    for link in Path("/proc/self/fd").glob("*"):
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target.startswith(str(folder)):
            found.append(target)
    return found
