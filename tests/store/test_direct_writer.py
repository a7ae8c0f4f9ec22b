"""Entries of a run that is alone are committed where they are made."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from dbos import DBOS
from store_samples import Database, new_entry

from durable_notebook._config import Settings
from durable_notebook.errors import LostOwnershipError, StorageError
from durable_notebook.store import Store, _direct, open_store
from durable_notebook.store._direct import DirectWriter


@pytest.fixture(autouse=True)
def _every_disk_is_quick_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is."""
    monkeypatch.setattr(_direct, "_SLOW_S", 60.0)


@pytest.fixture
def database(journal: Path) -> Database:
    found = Database(f"sqlite:///{journal}")
    DBOS.migrate(found.url)
    return found


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[DirectWriter]:
    """Of a file with one table, `t`."""
    connection = sqlite3.connect(tmp_path / "file", isolation_level=None, timeout=0)
    connection.execute("CREATE TABLE t (number INTEGER PRIMARY KEY)")
    writer = DirectWriter(connection, "file", lambda: None)
    yield writer
    writer.close()


def put(number: int = 1) -> object:
    def write(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (?)", (number,))

    return write


def numbers(tmp_path: Path) -> list[int]:
    with closing(sqlite3.connect(tmp_path / "file")) as connection:
        return [row[0] for row in connection.execute("SELECT number FROM t")]


def test_the_first_entry_of_a_run_is_left_to_the_thread(writer: DirectWriter) -> None:
    assert writer.offer("a", put()) is None


def test_the_next_one_is_on_disk_on_return(
    writer: DirectWriter, tmp_path: Path
) -> None:
    writer.offer("a", put())

    done = writer.offer("a", put(2))

    assert done is not None
    assert done.done()
    assert numbers(tmp_path) == [2]


def test_runs_that_write_by_turns_are_left_to_the_thread(
    writer: DirectWriter, tmp_path: Path
) -> None:
    """It commits the entries of many runs together."""
    offered = [writer.offer(run_id, put()) for run_id in "ababab"]

    assert offered == [None] * 6
    assert numbers(tmp_path) == []


def test_a_locked_file_is_left_to_the_thread_at_once(
    writer: DirectWriter, tmp_path: Path
) -> None:
    writer.offer("a", put())
    with closing(sqlite3.connect(tmp_path / "file", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        assert writer.offer("a", put()) is None

        other.rollback()
    assert writer.offer("a", put()) is not None


def wait(for_s: float = 0.02) -> None:
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        pass


def test_a_slow_disk_is_left_to_the_thread_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_direct, "_SLOW_S", 0.01)
    connection = sqlite3.connect(tmp_path / "file", isolation_level=None, timeout=0)
    connection.execute("CREATE TABLE t (number INTEGER)")
    writer = DirectWriter(connection, "file", wait)
    writer.offer("a", put())
    first = writer.offer("a", put())

    after = [writer.offer("a", put()) for _ in range(100)]
    writer.close()

    assert first is not None
    assert 0 < sum(done is not None for done in after) < 5


def test_a_disk_that_was_slow_once_is_not_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A checkpoint, or another program, has held it up for a moment."""
    monkeypatch.setattr(_direct, "_SLOW_S", 0.1)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE t (number INTEGER)")
    waits = iter([0.11])
    writer = DirectWriter(connection, "file", lambda: wait(next(waits, 0.0)))
    writer.offer("a", put())

    offered = [writer.offer("a", put()) for _ in range(3)]
    writer.close()

    assert None not in offered


def test_a_refusal_is_told_by_the_future(writer: DirectWriter) -> None:
    writer.offer("a", put())
    writer.offer("a", put(2))

    twice = writer.offer("a", put(2))

    assert twice is not None
    with pytest.raises(StorageError, match="UNIQUE"):
        twice.result()


def test_nothing_is_taken_after_the_end(writer: DirectWriter) -> None:
    writer.offer("a", put())
    writer.close()

    assert writer.offer("a", put()) is None


# -- as a store has it -------------------------------------------------------------


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    store = open_store(database.url, Settings())
    yield store
    store.close()


def test_entries_of_a_run_that_is_alone_are_on_disk_on_return(
    store: Store, database: Database
) -> None:
    database.add_run("r")
    store.append(new_entry("r", 0)).result(timeout=10)

    later = [store.append(new_entry("r", position)) for position in range(1, 5)]

    assert all(written.done() for written in later)
    assert [e.position for e in store.entries("r")] == [0, 1, 2, 3, 4]


def test_an_entry_that_meets_a_lock_is_written_when_it_is_gone(
    store: Store, database: Database, journal: Path
) -> None:
    database.add_run("r")
    store.append(new_entry("r", 0)).result(timeout=10)
    with closing(sqlite3.connect(journal, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        written = store.append(new_entry("r", 1))
        assert not written.done()
        other.rollback()

    written.result(timeout=10)

    assert [e.position for e in store.entries("r")] == [0, 1]


def test_no_entry_overtakes_one_that_waits(
    store: Store, database: Database, journal: Path
) -> None:
    """A kill between the two would leave a hole in the journal."""
    database.add_run("r")
    store.append(new_entry("r", 0)).result(timeout=10)
    with closing(sqlite3.connect(journal, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        first = store.append(new_entry("r", 1))
        other.rollback()
    second = store.append(new_entry("r", 2))

    assert first.done() or not second.done()
    second.result(timeout=10)
    assert [e.position for e in store.entries("r")] == [0, 1, 2]


def test_only_the_owner_writes_at_once_too(store: Store, database: Database) -> None:
    database.add_run("r")
    store.append(new_entry("r", 0)).result(timeout=10)
    database.own("r", "somebody else")

    refused = store.append(new_entry("r", 1))

    with pytest.raises(LostOwnershipError):
        refused.result(timeout=0)
    assert [e.position for e in store.entries("r")] == [0]
