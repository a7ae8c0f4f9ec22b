"""What only the Postgres journal promises: its schema, its locks, its outages."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest
from store_samples import Database, new_entry

from durable_notebook._config import Settings
from durable_notebook.errors import (
    ConfigError,
    JournalTooNewError,
    LostOwnershipError,
    StorageError,
)
from durable_notebook.store import OURS, Store, open_store
from durable_notebook.store._postgres_connection import Connection
from durable_notebook.store._postgres_server import Server
from durable_notebook.store._queries import migrations, statements
from tests.bad_line import BadLine, Loss
from tests.postgres_server import PostgresServer

QUICK = Settings(busy_timeout_s=0.2)
MARKED = [{"op": "add", "path": "/x", "value": "the marker"}]
KNOWN = [(version, name) for version, name, _ in migrations("postgres")]


@pytest.fixture
def database(postgres_url: str) -> Database:
    """The backend that this is about."""
    return Database(postgres_url)


@pytest.fixture
def new_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a database that does not exist."""
    url = postgres_server.new_url()
    yield url
    postgres_server.drop(url)


def until(is_so: Callable[[], object]) -> None:
    """Wait for a state, with a deadline."""
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, "the state was not reached in time"
        time.sleep(0.002)


# -- schema ---------------------------------------------------------------------------


def test_a_database_that_is_not_there_is_created(new_url: str) -> None:
    store = open_store(new_url, Settings())

    found = (store.runs(), store.run("r"), store.unfinished("local"))
    rows = (store.entries("r"), store.last_entry("r"), store.mail("r", 0))
    store.close()

    assert found == ([], None, {})
    assert rows == ([], None, [])


def test_many_may_open_a_new_journal_at_once(postgres_server: PostgresServer) -> None:
    problems: list[Exception] = []
    for _ in range(5):
        url = postgres_server.new_url()
        go = threading.Barrier(6)

        def opens(url: str = url, go: threading.Barrier = go) -> None:
            go.wait()
            try:
                open_store(url, Settings()).close()
            except Exception as e:
                problems.append(e)

        threads = [threading.Thread(target=opens) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        postgres_server.drop(url)

    assert problems == []


def applied(url: str, schema: str = "dbos") -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        query = f"SELECT version, name FROM {schema}.durable_migration"
        return connection.execute(query.encode()).fetchall()


def test_a_migration_is_applied_once(new_url: str) -> None:
    for _ in range(3):
        open_store(new_url, Settings()).close()

    assert applied(new_url) == KNOWN


def test_the_tables_are_in_the_schema_that_was_named(new_url: str) -> None:
    store = open_store(new_url, Settings(schema='odd "name'))

    store.post("r", "tick").result(timeout=10)

    assert len(store.mail("r", 0)) == 1
    store.close()
    assert applied(new_url, '"odd ""name"') == KNOWN


def test_a_newer_journal_is_refused_and_not_changed(new_url: str) -> None:
    open_store(new_url, Settings()).close()
    Database(new_url).execute("INSERT INTO durable_migration VALUES (99, 'new', 0)")
    Database(new_url).execute("DROP TABLE durable_mail")

    with pytest.raises(JournalTooNewError, match="pip install -U"):
        open_store(new_url, Settings())

    with psycopg.connect(new_url) as connection:
        query = "SELECT to_regclass('dbos.durable_mail')"
        assert connection.execute(query).fetchone() == (None,)


def test_a_server_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as refused:
        open_store(f"postgresql://me:secret@/db?host={tmp_path}", Settings())

    assert "secret" not in str(refused.value) + repr(refused.value)
    assert "me:***@" in str(refused.value)


def test_commits_wait_for_the_disk_whatever_the_role_prefers(
    database: Database, opens: Callable[..., Store], postgres_server: PostgresServer
) -> None:
    database.execute("ALTER ROLE postgres SET synchronous_commit = off")
    try:
        store = opens()
        store.post("r", "tick").result(timeout=10)

        rows = store._server.connect()  # type: ignore[attr-defined]
        found = rows.execute("SHOW synchronous_commit").fetchone()
        rows.close()
    finally:
        database.execute("ALTER ROLE postgres RESET synchronous_commit")
    assert found == ("on",)


def test_tables_that_may_not_be_made_are_not(new_url: str) -> None:
    settings = Settings(migrate=False)
    with pytest.raises(StorageError, match="does not exist"):
        open_store(new_url, settings)
    open_store(new_url, Settings()).close()
    with psycopg.connect(new_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA dbos CASCADE")

    with pytest.raises(ConfigError, match=r"await runtime\.run_migrations\(\)"):
        open_store(new_url, settings)

    with psycopg.connect(new_url) as connection:
        found = connection.execute("SELECT to_regnamespace('dbos')").fetchone()
    assert found == (None,)
    open_store(new_url, Settings()).close()
    open_store(new_url, settings).close()


# -- locks ----------------------------------------------------------------------------


def test_a_lock_that_another_holds_is_an_error_of_that_run_only(
    database: Database, opens: Callable[..., Store]
) -> None:
    database.add_run("locked")
    database.add_run("free")
    store = opens(QUICK)

    with psycopg.connect(database.url) as foreign:
        foreign.execute(
            "SELECT 1 FROM dbos.workflow_status WHERE workflow_uuid = 'locked'"
            " FOR UPDATE"
        )
        first = store.append(new_entry("locked", 0))
        others = [store.append(new_entry("free", n)) for n in range(3)]
        with pytest.raises(StorageError, match="lock timeout"):
            first.result(timeout=20)
        wait(others, timeout=20)

    assert [future.exception() for future in others] == [None] * 3
    store.append(new_entry("locked", 0)).result(timeout=10)
    assert len(store.entries("locked")) == 1


def test_a_lock_on_all_is_waited_for_once_and_not_by_each_write(
    database: Database, opens: Callable[..., Store]
) -> None:
    """Twenty runs that are refused are so together, not one patience after another."""
    runs = [f"r{n}" for n in range(20)]
    for run_id in runs:
        database.add_run(run_id)
    store = opens(Settings(busy_timeout_s=1.0))

    with psycopg.connect(database.url) as foreign:
        foreign.execute("LOCK TABLE dbos.operation_outputs IN EXCLUSIVE MODE")
        futures = [store.append(new_entry(run_id, 0)) for run_id in runs]
        done, _ = wait(futures, timeout=10)

    assert len(done) == len(runs)
    for future in futures:
        with pytest.raises(StorageError, match="lock timeout"):
            future.result(timeout=0)
    again = [store.append(new_entry(run_id, 0)) for run_id in runs]
    wait(again, timeout=20)
    assert [future.exception() for future in again] == [None] * len(runs)


def test_an_owner_that_changes_meanwhile_is_waited_for(
    database: Database, opens: Callable[..., Store]
) -> None:
    """The other execution has taken the run and not yet committed that."""
    database.add_run("r", owner="before")
    store = opens()

    with psycopg.connect(database.url) as foreign:
        foreign.execute("UPDATE dbos.workflow_status SET owner_xid = 'now'")
        future = store.append(new_entry("r", 0, owner="before"))
        with psycopg.connect(database.url, autocommit=True) as looking:
            query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            until(lambda: looking.execute(query).fetchone())
        foreign.commit()

    with pytest.raises(LostOwnershipError):
        future.result(timeout=10)
    assert store.entries("r") == []


def test_no_message_becomes_visible_behind_a_later_one(
    opens: Callable[..., Store],
) -> None:
    """Whoever reads behind the highest sequence it has seen misses nothing."""
    stores = [opens() for _ in range(4)]
    reader, seen, cursor = opens(), [], 0

    def post(store: Store, name: int) -> None:
        for n in range(50):
            futures = [store.post(f"r{m}", f"{name}.{n}.{m}") for m in range(4)]
            wait(futures, timeout=30)

    threads = [
        threading.Thread(target=post, args=(store, n)) for n, store in enumerate(stores)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for mail in reader.mail("r0", cursor):
            seen.append(mail.tick)
            cursor = mail.sequence
    seen += [mail.tick for mail in reader.mail("r0", cursor)]

    assert sorted(seen) == sorted(f"{i}.{n}.0" for i in range(4) for n in range(50))


def test_what_a_run_writes_while_it_is_deleted_is_deleted(
    database: Database, opens: Callable[..., Store]
) -> None:
    """Its execution has written an entry and not yet committed that."""
    database.add_run("r")
    store = opens()
    row = store.run("r")
    assert row is not None

    with psycopg.connect(database.url) as foreign:
        foreign.execute("SELECT 1 FROM dbos.workflow_status FOR SHARE")
        foreign.execute(
            "INSERT INTO dbos.operation_outputs"
            " (workflow_uuid, function_id, function_name, output)"
            " VALUES ('r', 1, 'late', '{}')"
        )
        future = store.delete([row])
        with psycopg.connect(database.url, autocommit=True) as looking:
            query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            until(lambda: looking.execute(query).fetchone())
        foreign.commit()

    future.result(timeout=10)
    assert store.run("r") is None
    assert store.last_entry("r") is None


def test_as_many_connections_are_open_at_once_as_was_asked(
    database: Database, opens: Callable[..., Store], postgres_server: PostgresServer
) -> None:
    before = postgres_server.connections(database.url)

    opens(Settings(pool_min_size=7))

    assert postgres_server.connections(database.url) == before + 7 + 2


@pytest.mark.parametrize("size", [None, 1])
def test_readers_share_a_few_connections(
    database: Database,
    opens: Callable[..., Store],
    postgres_server: PostgresServer,
    size: int | None,
) -> None:
    database.add_run("r")
    store = opens(Settings(pool_size=size))
    most = 0

    def read() -> None:
        nonlocal most
        for _ in range(10):
            assert store.run("r") is not None
        most = max(most, postgres_server.connections(database.url))

    threads = [threading.Thread(target=read) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 2 < most <= 2 + (size or 4)


# -- outages --------------------------------------------------------------------------


def test_reads_writes_and_news_survive_a_cut(
    database: Database, opens: Callable[..., Store], postgres_server: PostgresServer
) -> None:
    database.add_run("r")
    store, other = opens(), opens()
    store.append(new_entry("r", 0)).result(timeout=10)

    for n in range(1, 4):
        store.run("r")
        assert postgres_server.cut(database.url) > 0

        assert store.last_entry("r") is not None
        store.append(new_entry("r", n)).result(timeout=10)
        other.post("r", "news").result(timeout=10)
        until(store.changed_outside)
    assert len(store.entries("r")) == 4
    assert len(store.mail("r", 0)) == 3


def test_a_connection_that_is_cut_while_it_is_made_is_made_again(
    store: Store,
    database: Database,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a loop too, where no server is waited for."""
    is_cut = iter([True])
    reader = threading.current_thread()

    def connect(server: Server, silence_s: float | None = None) -> Connection:
        # The store's own threads connect again too, meanwhile.
        if threading.current_thread() is reader and next(is_cut, False):
            raise psycopg.errors.AdminShutdown("terminating connection")
        return make(server, silence_s)

    async def read() -> object:
        return store.run("r")

    database.add_run("r")
    store.run("r")
    postgres_server.cut(database.url)
    make = Server.connect
    monkeypatch.setattr(Server, "connect", connect)

    assert asyncio.run(read())
    assert not next(is_cut, False)


def test_what_is_written_under_cuts_is_there_once(
    database: Database, opens: Callable[..., Store], postgres_server: PostgresServer
) -> None:
    runs = [f"r{n}" for n in range(4)]
    for run_id in runs:
        database.add_run(run_id)
    store, end = opens(), threading.Event()
    cuts = 0

    def cut() -> None:
        nonlocal cuts
        while not end.wait(0.01):
            cuts += postgres_server.cut(database.url) > 0

    cutting = threading.Thread(target=cut)
    cutting.start()
    futures: list[Future[Any]] = []
    for n in range(100):
        step: list[Future[Any]] = [store.append(new_entry(r, n)) for r in runs]
        step += [store.post(r, str(n)) for r in runs]
        step.append(store.post("keyed", "yes", f"answer:{n}"))
        wait(step, timeout=60)
        futures += step
    end.set()
    cutting.join()

    assert [future.exception() for future in futures] == [None] * 900
    assert cuts > 3
    for run_id in runs:
        assert [e.position for e in store.entries(run_id)] == list(range(100))
        assert [m.tick for m in store.mail(run_id, 0)] == [str(n) for n in range(100)]
    keyed = [future.result() for future in futures[8::9]]
    assert keyed == [m.sequence for m in store.mail("keyed", 0)]


@pytest.fixture
def over_line(database: Database, bad_line: BadLine) -> Iterator[Store]:
    """A store that reaches its database over the bad line."""
    found = open_store(bad_line.url(database.url), Settings())
    yield found
    found.close()


@pytest.mark.parametrize("loss", get_args(Loss))
def test_an_entry_is_written_once_whatever_is_lost(
    database: Database, over_line: Store, bad_line: BadLine, loss: Loss
) -> None:
    database.add_run("r")
    over_line.append(new_entry("r", 0)).result(timeout=10)
    bad_line.break_at("the marker", loss)

    entry = new_entry("r", 1, store=MARKED)
    over_line.append(entry).result(timeout=20)

    assert bad_line.broke.is_set()
    assert [e.position for e in over_line.entries("r")] == [0, 1]
    over_line.append(new_entry("r", 2)).result(timeout=10)


@pytest.mark.parametrize("loss", get_args(Loss))
@pytest.mark.parametrize("key", [None, "answer:0"])
def test_a_message_is_posted_once_whatever_is_lost(
    over_line: Store, bad_line: BadLine, loss: Loss, key: str | None
) -> None:
    bad_line.break_at("the marker", loss)

    sequence = over_line.post("r", "the marker", key).result(timeout=20)

    assert bad_line.broke.is_set()
    assert [m.sequence for m in over_line.mail("r", 0)] == [sequence]


def test_a_batch_that_breaks_is_written_once(
    database: Database, over_line: Store, bad_line: BadLine
) -> None:
    database.add_run("r")
    bad_line.break_at("the marker", "answer")

    futures = [over_line.append(new_entry("r", n, store=MARKED)) for n in range(300)]
    wait(futures, timeout=60)

    assert bad_line.broke.is_set()
    assert [future.exception() for future in futures] == [None] * 300
    assert len(over_line.entries("r")) == 300


@pytest.mark.parametrize("loss", get_args(Loss))
def test_a_snapshot_is_written_whatever_is_lost(
    database: Database, over_line: Store, bad_line: BadLine, loss: Loss
) -> None:
    database.add_run("r")
    bad_line.break_at("the marker", loss)

    over_line.put_snapshot("r", "me", "the marker").result(timeout=20)

    assert bad_line.broke.is_set()
    assert over_line.snapshot("r") == "the marker"


def test_a_claim_whose_answer_is_lost_is_made(
    database: Database, over_line: Store, bad_line: BadLine
) -> None:
    database.add_run("r", owner="before")
    bad_line.break_at("the marker", "answer")

    assert over_line.claim("r", "local", "the marker").result(timeout=20)

    over_line.append(new_entry("r", 0, owner="the marker")).result(timeout=10)


@pytest.mark.parametrize("loss", get_args(Loss))
def test_a_run_is_deleted_whatever_is_lost(
    database: Database, over_line: Store, bad_line: BadLine, loss: Loss
) -> None:
    database.add_run("the marker")
    row = over_line.run("the marker")
    assert row is not None
    bad_line.break_at("the marker", loss)

    over_line.delete([row]).result(timeout=20)

    assert bad_line.broke.is_set()
    assert over_line.runs() == []


def test_an_entry_that_the_server_still_works_at_is_written_once(
    database: Database, over_line: Store, bad_line: BadLine
) -> None:
    """The client is cut off, while the server waits for a lock to write its entry."""
    database.add_run("r")
    bad_line.break_at("the marker", "client")

    with psycopg.connect(database.url) as foreign:
        foreign.execute("SELECT 1 FROM dbos.workflow_status FOR UPDATE")
        entry = new_entry("r", 0, store=MARKED)
        future = over_line.append(entry)
        with psycopg.connect(database.url, autocommit=True) as looking:
            query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            until(bad_line.broke.is_set)
            until(lambda: looking.execute(query).rowcount >= 1)
        foreign.commit()

    future.result(timeout=20)
    assert len(over_line.entries("r")) == 1


def test_a_server_that_restarts_is_waited_for(
    database: Database, opens: Callable[..., Store], postgres_server: PostgresServer
) -> None:
    database.add_run("r")
    store = opens()
    store.append(new_entry("r", 0)).result(timeout=10)
    hold = store.hold("mine")
    assert hold is not None

    postgres_server.stop()
    futures: list[Future[Any]] = [store.append(new_entry("r", n)) for n in (1, 2, 3)]
    futures.append(store.post("r", "tick"))
    postgres_server.start()
    wait(futures, timeout=30)

    assert [future.exception() for future in futures] == [None] * 4
    assert len(store.entries("r")) == 4
    assert len(store.mail("r", 0)) == 1
    until(lambda: opens().is_held("mine"))
    until(store.changed_outside)


def test_a_read_waits_no_longer_when_the_journal_is_closed(
    opens: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opens()
    waiting: set[threading.Thread] = set()
    problems: list[str] = []

    def refuse(*_: object) -> Connection:
        waiting.add(threading.current_thread())
        raise psycopg.OperationalError("the server is not there")

    def read() -> None:
        with pytest.raises(StorageError) as refused:
            store.run("r")
        problems.append(refused.value.problem)

    monkeypatch.setattr(Server, "connect", refuse)
    # Four wait for the server, and the others for their turn.
    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    until(lambda: len(waiting) == 4)
    store.close()
    for reader in readers:
        reader.join(10)

    assert problems == ["the journal was closed"] * 6


def test_a_server_that_stays_away_is_a_storage_error(
    database: Database, opens: Callable[..., Store], postgres_server: PostgresServer
) -> None:
    database.add_run("r")
    store = opens(QUICK)

    postgres_server.stop()
    try:
        futures: list[Future[Any]] = [store.append(new_entry("r", 0))]
        futures.append(store.post("r", "tick"))
        wait(futures, timeout=30)
        with pytest.raises(StorageError):
            store.run("r")
    finally:
        postgres_server.start()

    assert [type(future.exception()) for future in futures] == [StorageError] * 2
    store.append(new_entry("r", 0)).result(timeout=10)
    store.post("r", "tick").result(timeout=10)
    assert (len(store.entries("r")), len(store.mail("r", 0))) == (1, 1)


# -- executors ------------------------------------------------------------------------


def test_an_executor_is_kept_over_a_cut(
    database: Database, opens: Callable[..., Store], postgres_server: PostgresServer
) -> None:
    store, other = opens(), opens()
    hold = store.hold("mine")
    assert hold is not None

    postgres_server.cut(database.url)

    until(lambda: other.is_held("mine"))
    until(lambda: _refused(other, "mine"))
    hold.release()
    assert not other.is_held("mine")


def _refused(store: Store, executor_id: str) -> bool:
    try:
        return store.hold(executor_id) is None
    except StorageError:
        return False  # Its own connection is not back yet.


def test_an_executor_that_another_took_meanwhile_is_reported(
    database: Database,
    opens: Callable[..., Store],
    postgres_server: PostgresServer,
    bad_line: BadLine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = open_store(bad_line.url(database.url), Settings())
    assert store.hold("mine") is not None
    bad_line.close_for_now()
    postgres_server.cut(database.url)
    other = opens()
    until(lambda: other.hold("mine") is not None)

    bad_line.open_again()
    until(lambda: "'mine'" in caplog.text)

    assert caplog.text.count("somebody else is it now") == 1
    store.close()


# -- many runs ------------------------------------------------------------------------


def test_the_children_of_a_run_are_found_without_the_other_runs(
    database: Database,
) -> None:
    """Ten thousand finished runs must not matter to a body that goes on."""
    with psycopg.connect(database.url) as connection:
        connection.execute("SET search_path TO dbos")
        connection.execute(
            "INSERT INTO workflow_status (workflow_uuid, name, status, created_at,"
            " updated_at) SELECT 'r' || n, 'W', 'SUCCESS', n, n"
            " FROM generate_series(1, 10000) n"
        )
        connection.execute(
            "INSERT INTO workflow_input (workflow_uuid, inputs, retention_timestamp)"
            " SELECT 'r' || n, '{}', n FROM generate_series(1, 10000) n"
        )
        connection.execute("ANALYZE workflow_status, workflow_input")
        query = b"EXPLAIN " + statements("postgres")["children"].encode()
        plan = connection.execute(query, {"run_id": "r1", "ours": OURS}).fetchall()

    assert "idx_workflow_status_parent" in str(plan)
    assert "Seq Scan" not in str(plan)


def test_what_a_client_had_locked_that_is_gone_is_free_after_a_moment(
    database: Database, store: Store
) -> None:
    """The server hears of a client that is cut off much later, or never."""
    database.add_run("r")
    gone = Server(database.url, Settings()).connect()
    gone.execute("BEGIN")
    gone.execute("SELECT 1 FROM workflow_status WHERE workflow_uuid = 'r' FOR UPDATE")

    store.append(new_entry("r", 0)).result(timeout=20)

    assert len(store.entries("r")) == 1
    gone.close()
