"""A lease is a row that says until when: taken once, renewed, and lost for good."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from store_samples import Database, new_entry

from durable_notebook._config import Settings
from durable_notebook._lease import LeaseTerms
from durable_notebook.engine import ExecutorLock
from durable_notebook.errors import (
    ExecutorInUseError,
    LostOwnershipError,
    NoFreeExecutorError,
    StorageError,
)
from durable_notebook.store import Lease, Store, open_store
from tests.bad_line import BadLine
from tests.postgres_server import PostgresServer

TWO = LeaseTerms(pool_size=2, acquire_timeout_s=0.0)
SHORT = LeaseTerms(pool_size=1, heartbeat_s=0.1, timeout_s=0.6)


@pytest.fixture
def database(postgres_url: str) -> Database:
    return Database(postgres_url)


@pytest.fixture
def leases() -> Iterator[Callable[[Store, LeaseTerms], Lease]]:
    """Takes leases, and gives them back."""
    taken: list[Lease] = []

    def take(store: Store, terms: LeaseTerms) -> Lease:
        lease = store.lease(terms)
        assert lease is not None
        taken.append(lease)
        return lease

    yield take
    for lease in taken:
        lease.release()


Leases = Callable[[Store, LeaseTerms], Lease]
Opens = Callable[..., Store]


@pytest.fixture
def far(bad_line: BadLine, database: Database) -> Iterator[Store]:
    """A store of a process whose line to the server may be cut."""
    store = open_store(bad_line.url(database.url), Settings(busy_timeout_s=0.1))
    yield store
    store.close()


Cuts = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def cut_off(
    bad_line: BadLine, postgres_server: PostgresServer, database: Database
) -> Cuts:
    """Its line is dead in this block."""

    @contextmanager
    def cut() -> Iterator[None]:
        bad_line.close_for_now()
        postgres_server.cut(database.url)
        yield
        bad_line.open_again()

    return cut


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline, "the state was not reached in time"
        threading.Event().wait(0.005)


def said_of_leases(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    return [text for text in said if text.startswith("The lease")]


def test_each_executor_of_a_pool_is_leased_once(opens: Opens, leases: Leases) -> None:
    one, two, three = opens(), opens(), opens()

    taken = [leases(store, TWO).executor_id for store in (one, two)]

    assert taken == ["executor-0", "executor-1"]
    assert three.lease(TWO) is None
    assert three.is_held("executor-0")
    assert not three.is_held("executor-2")


async def test_who_waits_in_vain_is_told_who_has_them(
    opens: Opens, leases: Leases
) -> None:
    one, two, three = opens(), opens(), opens()
    leases(one, TWO)
    leases(two, TWO)

    with pytest.raises(NoFreeExecutorError) as refused:
        await ExecutorLock.lease(three, TWO)

    assert [h.partition(" ")[0] for h in refused.value.holders] == [
        "executor-0",
        "executor-1",
    ]
    assert all(f"by process {os.getpid()} on " in h for h in refused.value.holders)
    assert "(last sign of life 0." in refused.value.holders[0]
    assert isinstance(refused.value, TimeoutError)


def test_a_lease_that_is_given_back_is_free_at_once(
    opens: Opens, leases: Leases
) -> None:
    one, two, three = opens(), opens(), opens()
    first = leases(one, TWO)
    leases(two, TWO)

    first.release()

    assert leases(three, TWO).executor_id == first.executor_id


def test_an_executor_with_unfinished_runs_is_leased_first(
    opens: Opens, database: Database, leases: Leases
) -> None:
    database.add_run("done", executor_id="executor-0", status="SUCCESS")
    database.add_run("r", executor_id="executor-2")

    taken = leases(opens(), LeaseTerms(pool_size=4))

    assert taken.executor_id == "executor-2"


def test_an_executor_that_somebody_is_otherwise_is_not_leased(
    opens: Opens, leases: Leases
) -> None:
    one, two = opens(), opens()
    lock = ExecutorLock.take(one, "executor-0")

    taken = leases(two, LeaseTerms(pool_size=2))
    again = two.lease(LeaseTerms(pool_size=1))
    lock.release()

    assert taken.executor_id == "executor-1"
    assert again is None
    assert two.leaseholders(LeaseTerms(pool_size=1))[0].startswith("executor-0 by")


def test_nobody_becomes_an_executor_that_is_leased(
    opens: Opens, leases: Leases
) -> None:
    one, two = opens(), opens()
    lease = leases(one, TWO)

    with pytest.raises(ExecutorInUseError):
        ExecutorLock.take(two, lease.executor_id)

    lease.release()
    ExecutorLock.take(two, lease.executor_id).release()


def test_a_lease_that_ran_out_is_over_once_somebody_is_the_executor_by_name(
    far: Store, cut_off: Cuts, opens: Opens, leases: Leases
) -> None:
    """Or its holder, that was only cut off, would renew it beside the other."""
    lease, other = leases(far, SHORT), opens()
    with cut_off():
        until(lambda: not other.is_held(lease.executor_id))
        lock = ExecutorLock.take(other, lease.executor_id)

    until(lambda: (problem := lease.problem()) and problem.is_taken)
    lock.release()


def test_a_lease_is_renewed(opens: Opens, database: Database, leases: Leases) -> None:
    """For longer than it lasts."""
    lease, other = leases(opens(), SHORT), opens()
    deadline = time.monotonic() + 2 * SHORT.timeout_s

    until(lambda: other.lease(SHORT) or time.monotonic() > deadline)

    assert lease.problem() is None
    assert other.lease(SHORT) is None


def test_a_connection_that_is_cut_in_between_loses_no_lease(
    opens: Opens, postgres_server: PostgresServer, database: Database, leases: Leases
) -> None:
    lease, other = leases(opens(), SHORT), opens()
    deadline = time.monotonic() + 3 * SHORT.timeout_s
    cuts = 0
    while time.monotonic() < deadline:
        cuts += postgres_server.cut(database.url) > 0
        threading.Event().wait(0.05)
        assert other.lease(SHORT) is None

    assert lease.problem() is None
    assert cuts > 3


def test_who_is_cut_off_knows_it_before_anybody_has_its_lease(
    far: Store,
    cut_off: Cuts,
    database: Database,
    opens: Opens,
    leases: Leases,
    caplog: pytest.LogCaptureFixture,
) -> None:
    database.add_run("r", executor_id="executor-0")
    lease, other = leases(far, SHORT), opens()
    with cut_off():
        while (taken := other.lease(SHORT)) is None:
            threading.Event().wait(0.005)
        problem, owned = lease.problem(), far.owners(["r"])
    until(lambda: (p := lease.problem()) and p.is_taken)
    until(lambda: len(said_of_leases(caplog)) > 1)
    said = said_of_leases(caplog)

    assert problem is not None
    assert owned == {}
    assert far.owners(["r"]) == {}
    with pytest.raises(LostOwnershipError):
        far.append(new_entry("r", 0)).result(timeout=10)
    assert not far.claim("r", "executor-0", "mine").result(timeout=10)
    assert other.claim("r", "executor-0", "theirs").result(timeout=10)
    assert said == [str(problem), str(lease.problem())]
    assert other.is_held("executor-0")
    taken.release()


def test_a_lease_that_nobody_took_meanwhile_is_renewed(
    far: Store, cut_off: Cuts, database: Database, leases: Leases
) -> None:
    database.add_run("r", executor_id="executor-0")
    lease = leases(far, SHORT)
    with cut_off():
        until(lambda: lease.problem() is not None)
        with pytest.raises(StorageError):
            far.runs()
        owned = far.owners(["r"])
    until(lambda: lease.problem() is None)

    assert owned == {}
    assert far.owners(["r"]) == {"r": "me"}
    far.append(new_entry("r", 0)).result(timeout=10)


def test_the_clock_of_a_process_decides_nothing(
    opens: Opens, database: Database, leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one that is a day ahead, nor one that is behind."""
    leases(opens(), LeaseTerms(pool_size=1))
    clock = time.time

    for off_s in (86_400, -86_400):
        monkeypatch.setattr(time, "time", lambda off_s=off_s: clock() + off_s)
        assert opens().lease(LeaseTerms(pool_size=1)) is None


TAKEN = "UPDATE durable_lease SET holder = gen_random_uuid()"
OVER = "UPDATE durable_lease SET expires_at = 0"


def test_of_an_entry_that_is_refused_nothing_is_consumed(
    opens: Opens, database: Database, leases: Leases
) -> None:
    """Its message would be taken for one that a rewound run has consumed."""
    database.add_run("r", executor_id="executor-0")
    store = opens()
    leases(store, LeaseTerms(pool_size=1))
    store.append(replace(new_entry("r", 0), consumed=3)).result(timeout=10)

    database.execute(TAKEN)
    with pytest.raises(LostOwnershipError):
        store.append(replace(new_entry("r", 1), consumed=7)).result(timeout=10)

    assert store.past("r").consumed == 3
    assert len(store.entries("r")) == 1


def test_a_lease_is_not_taken_while_an_entry_under_it_is_on_its_way(
    opens: Opens, database: Database, leases: Leases
) -> None:
    """Who takes it may leave a run alone for what its last entry says."""
    database.add_run("r", executor_id="executor-0")
    one, two = opens(), opens()
    leases(one, LeaseTerms(pool_size=1))
    database.execute(OVER)

    with psycopg.connect(database.url) as holding:
        lock = "SELECT 1 FROM dbos.workflow_status WHERE workflow_uuid = 'r' FOR UPDATE"
        holding.execute(lock)
        appended = one.append(new_entry("r", 0))
        until(lambda: waiting(database) == 1)
        refused = two.lease(LeaseTerms(pool_size=1))
        another = leases(two, LeaseTerms(pool_size=2))
        is_done = appended.done()
        holding.rollback()
    appended.result(timeout=10)
    taken = leases(opens(), LeaseTerms(pool_size=1))

    assert refused is None
    assert another.executor_id == "executor-1"
    assert not is_done
    assert taken.executor_id == "executor-0"
    assert len(two.entries("r")) == 1


def test_who_waits_for_a_lease_does_so_on_one_connection(
    opens: Opens,
    database: Database,
    leases: Leases,
    postgres_server: PostgresServer,
) -> None:
    """Which is made anew when it is lost."""
    terms = LeaseTerms(pool_size=1)
    one, two = opens(), opens()
    leases(one, terms)
    database.execute(OVER)

    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as looking:
        with psycopg.connect(database.url) as holding:
            holding.execute("SELECT 1 FROM dbos.durable_lease FOR UPDATE")
            before = clients(looking, database.url)
            tries = [two.lease(terms)]
            first = clients(looking, database.url)
            tries += [two.lease(terms), two.lease(terms)]
            last = clients(looking, database.url)
        postgres_server.cut(database.url)
        taken = leases(two, terms)

    assert tries == [None] * 3
    assert len(first) <= len(before) + 2  # One reads, one asks for the lease.
    assert last == first
    assert taken.executor_id == "executor-0"


def clients(connection: psycopg.Connection[Any], url: str) -> set[int]:
    """The processes of the server that serve a database's clients."""
    rows = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = %s"
        " AND backend_type = 'client backend'",
        (PostgresServer.name(url),),
    )
    return {row[0] for row in rows}


def waiting(database: Database) -> int:
    """How many clients wait for a lock."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        )
        return rows.rowcount


def test_a_lease_is_renewed_while_entries_under_it_are_on_their_way(
    opens: Opens, database: Database, leases: Leases
) -> None:
    database.add_run("r", executor_id="executor-0")
    store = opens()
    lease = leases(store, SHORT)
    renewed = "SELECT renewed_at FROM dbos.durable_lease"

    with psycopg.connect(database.url) as holding:
        lock = "SELECT 1 FROM dbos.workflow_status WHERE workflow_uuid = 'r' FOR UPDATE"
        holding.execute(lock)
        appended = store.append(new_entry("r", 0))
        until(lambda: waiting(database) == 1)
        before = holding.execute(renewed).fetchone()
        until(lambda: holding.execute(renewed).fetchone() != before)
        holding.rollback()

    appended.result(timeout=10)
    assert lease.problem() is None
