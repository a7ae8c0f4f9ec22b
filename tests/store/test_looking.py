"""What somebody may do who only looks: nothing is created, changed or held."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from store_samples import Database, new_entry

from durable_notebook._config import Settings, is_postgres
from durable_notebook.errors import (
    ConfigError,
    JournalTooNewError,
    LostOwnershipError,
    StorageError,
)
from durable_notebook.store import Store, open_store

LOOKING = Settings(migrate=False)


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="version 0"):
        open_store(f"sqlite:///{tmp_path}/new/journal.sqlite", LOOKING)

    assert list(tmp_path.iterdir()) == []


def test_a_database_of_another_program_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "theirs.sqlite"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()

    with pytest.raises(ConfigError):
        open_store(f"sqlite:///{path}", LOOKING)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_database_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be looked at" * 40)

    with pytest.raises(StorageError, match=r"notes\.txt could not be used"):
        open_store(f"sqlite:///{path}", LOOKING)


def test_a_newer_journal_is_refused_and_stays_as_it_is(
    opens: Callable[..., Store], database: Database
) -> None:
    opens().close()
    database.execute(
        "INSERT INTO durable_migration (version, name, applied_at)"
        " VALUES (99, 'later', 1.0)"
    )

    with pytest.raises(JournalTooNewError, match="version 99"):
        opens(LOOKING)


def test_what_another_process_writes_is_read(
    opens: Callable[..., Store], database: Database
) -> None:
    writer = opens()
    database.add_run("r")
    writer.append(new_entry("r", 0)).result()

    looking = opens(LOOKING)

    assert [row.run_id for row in looking.runs()] == ["r"]
    assert [e.position for e in looking.entries("r")] == [0]


def test_the_newest_life_of_each_executor_is_known(store: Store) -> None:
    store.add_executor("notebook-1", "/work/a.ipynb")
    store.begin_session("notebook-1")
    other = store.begin_session("local")
    newest = store.begin_session("notebook-1")

    lives = store.lives()

    assert {name: life.session for name, life in lives.items()} == {
        "notebook-1": newest,
        "local": other,
    }
    assert lives["notebook-1"].notebook == "/work/a.ipynb"
    assert lives["local"].notebook is None
    assert lives["local"].pid > 0


def test_many_who_look_are_never_taken_for_the_executor(store: Store) -> None:
    hold = store.hold("local")
    assert hold is not None
    hold.release()
    seen: list[bool] = []

    def look() -> None:
        seen.extend(store.is_held("local") for _ in range(200))

    lookers = [threading.Thread(target=look) for _ in range(4)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()

    assert len(seen) == 800
    assert not any(seen)


def test_an_executor_begins_while_others_look(store: Store, database: Database) -> None:
    """On Postgres nobody who looks has the lock at any time."""
    first = store.hold("local")
    assert first is not None
    first.release()
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            store.is_held("local")

    looker = threading.Thread(target=look)
    looker.start()
    holds = []
    for _ in range(20 if is_postgres(database.url) else 100):
        hold = store.hold("local")
        holds.append(hold is not None)
        if hold is not None:
            hold.release()
    done.set()
    looker.join()

    assert all(holds)


def test_a_refused_message_is_emptied_and_its_key_is_free(
    store: Store, database: Database
) -> None:
    database.add_run("r", owner="me")
    refused = store.post("r", json.dumps({"n": 1}), "answer:0").result()
    assert refused is not None
    assert store.post("r", "{}", "answer:0").result() is None

    store.refuse_mail("r", "me", refused).result()
    again = store.post("r", json.dumps({"n": 2}), "answer:0").result()

    assert again is not None
    assert [(m.sequence, m.tick) for m in store.mail("r", 0)] == [
        (refused, ""),
        (again, '{"n": 2}'),
    ]


def test_who_has_lost_a_run_refuses_no_message_of_it(
    store: Store, database: Database
) -> None:
    """Its class may be an old one, and the message right for who has the run."""
    database.add_run("r", owner="another")
    sequence = store.post("r", json.dumps({"n": 1}), "answer:0").result()
    assert sequence is not None

    with pytest.raises(LostOwnershipError):
        store.refuse_mail("r", "me", sequence).result()

    assert [m.tick for m in store.mail("r", 0)] == ['{"n": 1}']
