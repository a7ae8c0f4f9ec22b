"""What every backend promises of runs: listing, reading, claiming."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from store_samples import Database, new_entry

from durable_notebook.errors import LostOwnershipError
from durable_notebook.store import Store


def test_runs_are_listed_newest_first(store: Store, database: Database) -> None:
    for n, run_id in enumerate("bca"):
        database.add_run(run_id, created_at=1_000 * (n + 1))

    assert [row.run_id for row in store.runs()] == ["a", "c", "b"]
    assert [row.run_id for row in store.runs(limit=2)] == ["a", "c"]
    assert store.runs(limit=0) == []


def test_a_run_is_read_with_its_last_entry(store: Store, database: Database) -> None:
    database.add_run("r", workflow="Counter", created_at=1_500)
    store.append(new_entry("r", 0, bodies={"i1": [0, 1, 1], "i2": [0, 1, 1]})).result()
    last = new_entry("r", 1, bodies={"i3": [0, 1, 1]}, cursor=4)
    store.append(last).result()

    row = store.run("r")

    assert row is not None
    assert (row.run_id, row.workflow, row.executor_id) == ("r", "Counter", "local")
    assert (row.dbos_status, row.created_at) == ("PENDING", 1.5)
    assert row.last_entry == last.body
    assert store.runs() == [row]


def test_a_run_without_entries_has_no_last_one(
    store: Store, database: Database
) -> None:
    database.add_run("r")

    row = store.run("r")

    assert row is not None
    assert row.last_entry is None


@pytest.mark.parametrize(
    "inputs",
    [
        '{"namedArgs":{},"positionalArgs":[{"x":1}]}',
        '{"positionalArgs":[1],"namedArgs":{"durable_notebook":1}}',
        '{"namedArgs":{},"positionalArgs":["{\\"durable_notebook\\":1}"]}',
        "gASVCgAAAAAAAACMBnBpY2tsZZQu",
    ],
)
def test_workflows_that_are_not_ours_are_not_runs(
    store: Store, database: Database, inputs: str
) -> None:
    database.add_run("theirs", inputs=inputs)

    assert store.runs() == []
    assert store.run("theirs") is None
    assert store.unfinished("local") == {}


def test_a_run_that_is_not_there_is_none(store: Store) -> None:
    assert store.run("nobody") is None
    assert store.last_entry("nobody") is None
    assert store.entries("nobody") == []


def test_a_run_has_the_runs_that_its_bodies_began(
    store: Store, database: Database
) -> None:
    inputs = '{"namedArgs":{},"positionalArgs":[{"durable_notebook":1%s}]}'
    began = inputs % ',"parent":["p","invocation_1"]'
    database.add_run("p", inputs=inputs % "")
    database.add_run("second", inputs=began, created_at=2_000)
    database.add_run("first", inputs=began, created_at=1_000)
    database.add_run("other", inputs=inputs % ',"parent":["q","invocation_1"]')

    assert [row.run_id for row in store.children("p")] == ["first", "second"]
    assert store.children("first") == []


def test_an_executor_goes_on_with_its_own_unfinished_runs(
    store: Store, database: Database
) -> None:
    database.add_run("newer", workflow="B", created_at=2_000)
    database.add_run("older", workflow="A", created_at=1_000)
    database.add_run("done", status="SUCCESS")
    database.add_run("failed", status="ERROR")
    database.add_run("cancelled", status="CANCELLED")
    database.add_run("elsewhere", executor_id="another")

    found = store.unfinished("local")

    assert list(found.items()) == [("older", "A"), ("newer", "B")]
    assert store.unfinished("another") == {"elsewhere": "Counter"}


def test_a_claim_shuts_the_execution_before_out(
    store: Store, database: Database
) -> None:
    database.add_run("r", owner="before")

    is_claimed = store.claim("r", "local", "now").result(timeout=10)

    assert is_claimed
    with pytest.raises(LostOwnershipError):
        store.append(new_entry("r", 0, owner="before")).result(timeout=10)
    store.append(new_entry("r", 0, owner="now")).result(timeout=10)
    assert len(store.entries("r")) == 1


@pytest.mark.parametrize(
    ("status", "executor_id"),
    [("SUCCESS", "local"), ("CANCELLED", "local"), ("PENDING", "another")],
)
def test_a_run_that_ended_or_is_anothers_is_not_claimed(
    store: Store, database: Database, status: str, executor_id: str
) -> None:
    database.add_run("r", owner="before", status=status, executor_id=executor_id)

    is_claimed = store.claim("r", "local", "now").result(timeout=10)

    assert not is_claimed
    with pytest.raises(LostOwnershipError):
        store.append(new_entry("r", 0, owner="now")).result(timeout=10)


def test_a_run_that_is_not_there_is_not_claimed(store: Store) -> None:
    assert not store.claim("nobody", "local", "now").result(timeout=10)


def test_of_two_claims_the_later_one_owns(
    opens: Callable[..., Store], database: Database
) -> None:
    database.add_run("r")
    one, other = opens(), opens()

    assert one.claim("r", "local", "first").result(timeout=10)
    assert other.claim("r", "local", "second").result(timeout=10)

    with pytest.raises(LostOwnershipError):
        one.append(new_entry("r", 0, owner="first")).result(timeout=10)
    other.append(new_entry("r", 0, owner="second")).result(timeout=10)
