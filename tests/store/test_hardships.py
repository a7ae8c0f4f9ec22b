"""Odd values, many openers, and a store that is closed while it is read."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from store_samples import Database, new_entry

from durable_notebook._config import Settings, without_password
from durable_notebook.engine import ExecutorLock
from durable_notebook.errors import ExecutorInUseError, StorageError
from durable_notebook.store import Store, open_store

READ_WHILE_CLOSING = """
import sys, threading, time
sys.path.insert(0, sys.argv[2])
from dbos import DBOS
from store_samples import Database, new_entry
from durable_notebook._config import Settings
from durable_notebook.errors import StorageError
from durable_notebook.store import open_store

database = Database(sys.argv[1])
DBOS.migrate(database.url)
database.add_run("r")
store = open_store(database.url, Settings())
for n in range(200):
    store.append(new_entry("r", n, ticks=[{"x": "y" * 500}]))
store.close()

def read(store, go):
    go.wait()
    try:
        for _ in range(200):
            store.entries("r")
    except StorageError:
        pass

for i in range(40):
    store, go = open_store(database.url, Settings()), threading.Barrier(5)
    threads = [threading.Thread(target=read, args=(store, go)) for _ in range(4)]
    for thread in threads:
        thread.start()
    go.wait()
    time.sleep(0.002 * (i % 10))
    store.close()
    for thread in threads:
        thread.join()
"""


def test_closing_while_other_threads_read_does_not_crash(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/j.sqlite"
    here = str(Path(__file__).parent)

    done = subprocess.run(
        [sys.executable, "-c", READ_WHILE_CLOSING, url, here],
        capture_output=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_a_text_that_cannot_be_stored_does_not_end_the_writer(store: Store) -> None:
    with pytest.raises(StorageError):
        store.post("r", "\ud800").result(timeout=5)

    assert store.post("r", "fine").result(timeout=5) is not None


def test_a_nan_in_one_run_does_not_hide_all_runs(
    database: Database, opens: Callable[..., Store]
) -> None:
    database.add_run("r")
    database.add_run("other")
    store = opens()

    change = [{"op": "add", "path": "/x", "value": float("nan")}]
    store.append(new_entry("r", 0, store=change)).result(5)

    assert len(store.runs()) == 2


def test_a_taken_position_is_a_storage_error(
    database: Database, opens: Callable[..., Store]
) -> None:
    database.add_run("r")
    store = opens()
    store.append(new_entry("r", 0)).result(5)

    with pytest.raises(StorageError):
        store.append(new_entry("r", 0)).result(5)


def test_many_may_open_a_new_journal_at_once(tmp_path: Path) -> None:
    problems: list[StorageError] = []
    for number in range(40):
        url = f"sqlite:///{tmp_path}/{number}.sqlite"
        go = threading.Barrier(6)

        def opens(url: str = url, go: threading.Barrier = go) -> None:
            go.wait()
            try:
                open_store(url, Settings()).close()
            except StorageError as e:
                problems.append(e)

        threads = [threading.Thread(target=opens) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert problems == []


def test_a_password_is_not_shown_wherever_it_stands() -> None:
    for url in ("postgresql://host/db?user=me&password=secret", "pg://me:/secret@h/d"):
        assert "secret" not in without_password(url)


def test_executors_with_like_names_are_two(store: Store) -> None:
    one = ExecutorLock.take(store, "a/b")
    two = ExecutorLock.take(store, "a_b")

    one.release()
    two.release()


def test_a_link_to_a_journal_is_the_same_journal(tmp_path: Path) -> None:
    (tmp_path / "j.sqlite").touch()
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "j.sqlite")
    store = open_store(f"sqlite:///{tmp_path}/j.sqlite", Settings())
    linked = open_store(f"sqlite:///{tmp_path}/link.sqlite", Settings())
    one = ExecutorLock.take(store, "x")

    with pytest.raises(ExecutorInUseError):
        ExecutorLock.take(linked, "x")

    one.release()
    store.close()
    linked.close()
