"""What only the SQLite journal promises: its file, its locks, its schema."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from dbos import DBOS
from store_samples import Database, new_entry

from durable_notebook._config import Settings, sqlite_path
from durable_notebook.errors import ConfigError, JournalTooNewError, StorageError
from durable_notebook.store import Store, open_store
from durable_notebook.store._queries import migrations, statements

KNOWN = [(version, name) for version, name, _ in migrations("sqlite")]
QUICK = Settings(busy_timeout_s=0.2)


@pytest.fixture
def database(journal: Path) -> Database:
    """The backend that this is about."""
    found = Database(f"sqlite:///{journal}")
    DBOS.migrate(found.url)
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def writing(journal: Path) -> Iterator[sqlite3.Connection]:
    """Another program holds the write lock."""
    with closing(sqlite3.connect(journal, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        yield foreign
        foreign.rollback()


def test_a_journal_is_for_its_owner_only(tmp_path: Path) -> None:
    journal = tmp_path / "new" / "deep" / "journal.sqlite"

    store = open_store(f"sqlite:///{journal}", Settings())
    store.begin_session("local")
    files = sorted(path.name for path in journal.parent.iterdir())
    modes = {mode(path) for path in journal.parent.iterdir()}
    store.close()

    assert files == ["journal.sqlite", "journal.sqlite-shm", "journal.sqlite-wal"]
    assert modes == {0o600}
    assert mode(journal.parent) == 0o700


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir(mode=0o755)

    open_store(f"sqlite:///{folder}/journal.sqlite", Settings()).close()

    assert mode(folder) == 0o755


def test_a_new_journal_without_dbos_has_no_runs(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/journal.sqlite", Settings())

    found = (store.runs(), store.run("r"), store.unfinished("local"))
    rows = (store.entries("r"), store.last_entry("r"), store.mail("r", 0))
    store.close()

    assert found == ([], None, {})
    assert rows == ([], None, [])


def test_a_journal_is_a_wal(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite"

    open_store(f"sqlite:///{journal}", Settings()).close()

    with closing(sqlite3.connect(journal)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_migration_is_applied_once(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite"

    for _ in range(3):
        open_store(f"sqlite:///{journal}", Settings()).close()

    assert applied(journal) == [
        (version, name) for version, name, _ in migrations("sqlite")
    ]


def applied(journal: Path) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(journal)) as database:
        query = "SELECT version, name FROM durable_migration"
        return database.execute(query).fetchall()


PROCESS = """
import sys
from durable_notebook._config import Settings, sqlite_path
from durable_notebook.store import open_store
print("ready", flush=True)
sys.stdin.readline()
store = open_store(sys.argv[1], Settings())
print(store.begin_session("local"))
store.close()
"""


def test_two_processes_may_migrate_one_journal(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(journal)) as database:
        database.execute("PRAGMA journal_mode=WAL")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, f"sqlite:///{journal}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    sessions = [process.communicate(timeout=30)[0].strip() for process in processes]

    assert sorted(sessions) == ["1", "2"]
    assert applied(journal) == [
        (version, name) for version, name, _ in migrations("sqlite")
    ]


def test_a_newer_journal_is_refused_and_not_changed(tmp_path: Path) -> None:
    journal = tmp_path / "journal.sqlite"
    open_store(f"sqlite:///{journal}", Settings()).close()
    with closing(sqlite3.connect(journal)) as database:
        database.execute("INSERT INTO durable_migration VALUES (999, '0999_new', 0)")
        database.execute("DROP TABLE durable_mail")
        database.commit()
    before = journal.read_bytes()

    with pytest.raises(JournalTooNewError, match="pip install -U") as refused:
        open_store(f"sqlite:///{journal}", Settings())

    assert str(journal) in str(refused.value)
    assert journal.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_not_changed(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("my notes\n" * 500)

    with pytest.raises(StorageError, match=r"notes\.txt"):
        open_store(f"sqlite:///{notes}", Settings())

    assert notes.read_text() == "my notes\n" * 500


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        open_store(f"sqlite:///{tmp_path}", Settings())


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://h/d"])
def test_a_url_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        open_store(url, Settings())


@pytest.mark.parametrize("kind", ["append", "post", "claim"])
def test_a_lock_that_another_holds_is_a_storage_error(
    opens: Callable[..., Store], database: Database, journal: Path, kind: str
) -> None:
    database.add_run("r")
    store = opens(QUICK)
    writes = {
        "append": lambda: store.append(new_entry("r", 0)),
        "post": lambda: store.post("r", "tick"),
        "claim": lambda: store.claim("r", "local", "me"),
    }

    with writing(journal), pytest.raises(StorageError, match="locked") as refused:
        writes[kind]().result(timeout=10)

    assert refused.value.database == str(journal)
    assert (store.entries("r"), store.mail("r", 0)) == ([], [])
    writes[kind]().result(timeout=10)
    assert len(store.entries("r")) + len(store.mail("r", 0)) == (kind != "claim")


def test_a_write_waits_for_a_lock_that_is_given_back(
    opens: Callable[..., Store], database: Database, journal: Path
) -> None:
    database.add_run("r")
    store = opens(Settings(busy_timeout_s=30))
    with writing(journal):
        future = store.append(new_entry("r", 0))
        is_done = future.done()

    future.result(timeout=10)

    assert not is_done
    assert len(store.entries("r")) == 1


def test_readers_do_not_wait_for_a_writer(
    opens: Callable[..., Store], database: Database, journal: Path
) -> None:
    database.add_run("r")
    store = opens(Settings(busy_timeout_s=30))
    store.append(new_entry("r", 0)).result(timeout=10)

    with writing(journal):
        found = (store.run("r"), store.entries("r"), store.changed_outside())

    assert found[0] is not None
    assert len(found[1]) == 1


def test_threads_may_share_a_store(
    opens: Callable[..., Store], database: Database
) -> None:
    database.add_run("r")
    store = opens()
    found: list[int] = []

    def use(n: int) -> None:
        store.post("r", str(n)).result(timeout=10)
        found.append(len(store.mail("r", 0)))

    threads = [threading.Thread(target=use, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert max(found) == 8


@pytest.mark.parametrize(
    "name",
    [
        *("run", "children", "unfinished", "entries", "last_entry"),
        *("mail", "newest_mail", "owner"),
    ],
)
def test_what_is_asked_all_the_time_reads_no_other_runs(
    database: Database, store: Store, name: str
) -> None:
    """Ten thousand finished runs must not slow the next one."""
    query = statements("sqlite")[name]
    values = {"ours": "%", "run_id": "r", "executor_id": "e"}
    marks = ("r", 1)[: query.count("?")]

    with closing(sqlite3.connect(sqlite_path(database.url))) as connection:
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN {query}", marks if marks else values
        ).fetchall()

    # Of the runs that are not finished there are few, and DBOS keeps an index of them.
    scans = [row[3] for row in plan if row[3].startswith("SCAN")]
    assert [s for s in scans if "idx_workflow_status_pending" not in s] == []
    assert "idx_workflow_status_parent" in str(plan) or name != "children"
