"""What every backend of the journal promises: entries, in order, by one owner."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait

import pytest
from store_samples import Database, new_entry

from durable_notebook.errors import (
    DamagedJournalError,
    JournalTooNewError,
    LostOwnershipError,
    StorageError,
)
from durable_notebook.journal._entry import Entry, RecordedEntry
from durable_notebook.store import NewEntry, Store


def append(store: Store, *entries: NewEntry) -> None:
    for entry in entries:
        store.append(entry).result(timeout=10)


def test_entries_come_back_in_order(store: Store, database: Database) -> None:
    database.add_run("r")
    append(store, *(new_entry("r", n, cursor=n) for n in range(12)))

    entries = store.entries("r")

    assert entries == [
        RecordedEntry(n, f"step {n}", Entry(session=1, at=2.5, cursor=n))
        for n in range(12)
    ]


def test_entries_behind_a_position_come_without_it(
    store: Store, database: Database
) -> None:
    database.add_run("r")
    append(store, *(new_entry("r", n) for n in range(4)))

    assert [e.position for e in store.entries("r", after=1)] == [2, 3]
    assert store.entries("r", after=3) == []


def test_the_last_entry_is_the_one_with_the_highest_position(
    store: Store, database: Database
) -> None:
    database.add_run("r")
    before = store.last_entry("r")
    append(store, *(new_entry("r", n) for n in range(11)))

    last = store.last_entry("r")

    assert before is None
    assert last is not None
    assert last.position == 10


def test_runs_do_not_see_each_other(store: Store, database: Database) -> None:
    database.add_run("a")
    database.add_run("b")

    append(store, new_entry("a", 0), new_entry("b", 0), new_entry("b", 1))

    assert [len(store.entries(run_id)) for run_id in ("a", "b", "c")] == [1, 2, 0]


@pytest.mark.parametrize("owner", ["another", None])
def test_an_execution_that_lost_the_run_writes_nothing(
    store: Store, database: Database, owner: str | None
) -> None:
    database.add_run("r")
    append(store, new_entry("r", 0))
    database.own("r", owner)

    with pytest.raises(LostOwnershipError) as refused:
        append(store, new_entry("r", 1))

    assert refused.value.run_id == "r"
    assert len(store.entries("r")) == 1


def test_a_run_that_is_not_there_takes_no_entry(
    store: Store, database: Database
) -> None:
    with pytest.raises(LostOwnershipError):
        append(store, new_entry("nobody", 0))

    assert store.entries("nobody") == []


def test_a_position_is_taken_once(store: Store, database: Database) -> None:
    database.add_run("r")
    append(store, new_entry("r", 0, cursor=1))

    refused = store.append(new_entry("r", 0, cursor=2)).exception(timeout=10)

    assert refused is not None
    assert [e.entry.cursor for e in store.entries("r")] == [1]


def test_a_refused_entry_does_not_take_others_with_it(
    store: Store, database: Database
) -> None:
    database.add_run("mine")
    database.add_run("lost", owner="another")

    futures = [
        store.append(new_entry(run_id, n))
        for n in range(50)
        for run_id in ("mine", "lost")
    ]
    wait(futures, timeout=10)

    assert len(store.entries("mine")) == 50
    assert store.entries("lost") == []
    assert all(isinstance(f.exception(), LostOwnershipError) for f in futures[1::2])


def test_many_appends_at_once_are_all_on_disk(
    opens: Callable[..., Store], database: Database
) -> None:
    store, reader = opens(), opens()
    runs = [f"run-{n}" for n in range(8)]
    for run_id in runs:
        database.add_run(run_id)
    futures: list[Future[None]] = []

    def write(run_id: str) -> None:
        futures.extend([store.append(new_entry(run_id, n)) for n in range(100)])

    threads = [threading.Thread(target=write, args=(run_id,)) for run_id in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait(futures, timeout=30)

    assert [future.exception() for future in futures] == [None] * 800
    for run_id in runs:
        assert [e.position for e in reader.entries(run_id)] == list(range(100))


def test_an_entry_is_seen_by_others_once_its_future_is_done(
    opens: Callable[..., Store], database: Database
) -> None:
    database.add_run("r")
    writer, reader = opens(), opens()

    for n in range(20):
        append(writer, new_entry("r", n))
        last = reader.last_entry("r")
        assert last is not None
        assert last.position == n


def test_a_row_that_is_no_entry_is_an_error_that_names_it(
    store: Store, database: Database
) -> None:
    database.add_run("r")
    append(store, new_entry("r", 0))
    database.execute("UPDATE operation_outputs SET output = :body", body='{"v":99}')

    with pytest.raises(JournalTooNewError, match="run 'r', position 0: journal format"):
        store.entries("r")
    database.execute("UPDATE operation_outputs SET output = :body", body='{"v":1')
    with pytest.raises(DamagedJournalError) as refused:
        store.entries("r")

    assert (refused.value.run_id, refused.value.position) == ("r", 0)


def test_nothing_is_written_once_the_journal_is_closed(
    opens: Callable[..., Store], database: Database
) -> None:
    database.add_run("r")
    store, reader = opens(), opens()
    store.close()

    with pytest.raises(StorageError, match="closed"):
        append(store, new_entry("r", 0))

    assert reader.entries("r") == []


def test_closing_finishes_what_was_handed_in(
    opens: Callable[..., Store], database: Database
) -> None:
    database.add_run("r")
    store, reader = opens(), opens()
    futures = [store.append(new_entry("r", n)) for n in range(600)]

    store.close()

    assert all(future.done() for future in futures)
    assert len(reader.entries("r")) == 600
