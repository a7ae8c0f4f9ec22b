"""What every backend promises of runs: listing, reading, claiming."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from store_samples import Database, new_entry

from durable_notebook.errors import LostOwnershipError, StorageError
from durable_notebook.store import OURS, Enqueued, Past, Pending, Store


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


def test_ids_that_follow_another_are_found(store: Store, database: Database) -> None:
    for run_id in ("a", "a-2", "a-10", "a.2", "a.2-3", "ab", "A-2", "b-2", "%-2"):
        database.add_run(run_id)

    assert set(store.numbered("a")) == {"a", "a-2", "a-10"}
    assert set(store.numbered("a.2")) == {"a.2", "a.2-3"}
    assert store.numbered("%") == ["%-2"]
    assert store.numbered("nope") == []


def test_a_run_has_the_runs_that_its_bodies_began(
    store: Store, database: Database
) -> None:
    database.add_run("p")
    database.add_run("second", parent="p", created_at=2_000)
    database.add_run("first", parent="p", created_at=1_000)
    database.add_run("other", parent="q")
    database.add_run("theirs", parent="p", inputs='{"positionalArgs":[]}')
    database.add_run("torn", inputs=OURS.replace("%", "1,"))

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


def enqueue(database: Database, run_id: str, **columns: object) -> None:
    """What DBOS writes when its tools resume, rewind or fork a run."""
    values = {"executor_id": None, "queue_name": "_dbos_internal_queue", **columns}
    names = ", ".join(f"{name} = :{name}" for name in values)
    database.execute(
        f"UPDATE workflow_status SET status = 'ENQUEUED', owner_xid = NULL, {names}"
        " WHERE workflow_uuid = :run_id",
        run_id=run_id,
        **values,
    )


def test_enqueued_runs_are_for_everybody_to_see(
    store: Store, database: Database
) -> None:
    for n, run_id in enumerate("cab"):
        database.add_run(run_id, created_at=1_000 * (n + 1))
    database.add_run("theirs", inputs="{}")
    enqueue(database, "c")
    enqueue(database, "a", executor_id="you")
    enqueue(database, "b", executor_id="me", queue_name="Counter")
    database.add_run("user's", created_at=500)
    enqueue(database, "user's", queue_name="a queue of the user's")
    enqueue(database, "theirs")

    assert store.enqueued() == [
        Enqueued("c", "Counter", None, False),
        Enqueued("a", "Counter", "you", False),
        Enqueued("b", "Counter", "me", True),
    ]
    found = {row.run_id: row.waits_for_place for row in store.runs()}
    assert found == {"a": False, "b": True, "c": False, "user's": False}


@pytest.mark.parametrize(
    ("columns", "instead_of", "is_given"),
    [
        ({}, None, True),
        ({"executor_id": "me"}, None, True),
        ({"executor_id": "you"}, None, False),
        ({"executor_id": "you"}, "you", True),
        ({"queue_name": "a queue of the user's"}, None, False),
        ({"queue_name": "Counter", "executor_id": "me"}, None, True),
        ({"queue_name": "Counter", "executor_id": "you"}, "you", False),
        ({"queue_name": "Counter"}, None, False),
    ],
)
def test_an_enqueued_run_goes_to_who_may_take_it(
    store: Store,
    database: Database,
    columns: dict[str, object],
    instead_of: str | None,
    is_given: bool,
) -> None:
    database.add_run("r")
    enqueue(database, "r", **columns)

    claimed = store.claim("r", "me", "token", instead_of=instead_of).result()
    twice = store.claim("r", "third", "other").result()

    row = store.run("r")
    assert row is not None
    assert (claimed, twice) == (is_given, False)
    if is_given:
        assert (row.dbos_status, row.executor_id) == ("PENDING", "me")
        assert (row.owner, row.recoveries) == ("token", 1)


def test_a_claim_of_a_run_that_waited_is_no_recovery(
    store: Store, database: Database
) -> None:
    database.add_run("r", executor_id="me")

    assert store.claim("r", "me", "one").result()
    assert store.claim("r", "me", "two", is_counted=False).result()

    row = store.run("r")
    assert row is not None
    assert (row.owner, row.recoveries) == ("two", 1)


def test_pending_runs_tell_whether_there_is_something_to_do(
    store: Store, database: Database
) -> None:
    for run_id in ("a", "b", "not asked for"):
        database.add_run(run_id, executor_id="me")
    database.add_run("gone", executor_id="me", status="CANCELLED")
    database.add_run("theirs", executor_id="other")
    entry = new_entry("a", 0, rest=0.0)
    store.append(entry).result()
    newest = [store.post("a", "{}").result() for _ in range(2)][-1]

    found = store.pending(["a", "b", "gone", "theirs", "nobody"], "me")

    assert sorted(found, key=lambda pending: pending.run_id) == [
        Pending("a", entry.body, newest),
        Pending("b", None, 0),
    ]


@pytest.mark.parametrize("is_fork", [True, False])
def test_a_fork_does_not_keep_the_end_of_its_original(
    store: Store, database: Database, is_fork: bool
) -> None:
    database.add_run("r")
    store.append(new_entry("r", 0)).result()
    store.append(new_entry("r", 1, end={"status": "completed"})).result()
    enqueue(database, "r", forked_from="x" if is_fork else None)

    store.claim("r", "me", "token").result()

    assert len(store.entries("r")) == (1 if is_fork else 2)


@pytest.mark.parametrize(
    ("output", "is_kept"),
    [
        ("{torn", True),
        ('"end"', True),
        ('{"end": null}', True),
        (r'{"end": {"result": "\u0000"}}', False),
        (r'{"at": "\\u0000\ud800", "end": {}}', False),
    ],
)
def test_a_fork_loses_no_row_that_is_no_end(
    store: Store, database: Database, output: str, is_kept: bool
) -> None:
    database.add_run("r")
    store.append(new_entry("r", 0)).result()
    database.execute("UPDATE operation_outputs SET output = :output", output=output)
    enqueue(database, "r", forked_from="x")

    assert store.claim("r", "me", "token").result()

    row = store.run("r")
    assert row is not None
    assert row.last_entry == (output if is_kept else None)


def test_owners_are_of_the_runs_that_exist(store: Store, database: Database) -> None:
    database.add_run("a", owner="me")
    database.add_run("b", owner=None)

    assert store.owners(["a", "b", "gone"]) == {"a": "me", "b": None}


def test_a_deleted_run_leaves_no_row_behind(store: Store, database: Database) -> None:
    for run_id in ("r", "kept"):
        database.add_run(run_id)
        store.append(new_entry(run_id, 0)).result()
        store.post(run_id, "{}").result()
    row = store.run("r")
    assert row is not None

    store.delete([row]).result()

    kept = store.run("kept")
    assert store.runs() == [kept]
    assert store.entries("r") == []
    assert store.mail("r", 0) == []
    assert len(store.mail("kept", 0)) == len(store.entries("kept")) == 1


def test_a_run_that_was_taken_meanwhile_is_not_deleted(
    store: Store, database: Database
) -> None:
    rows = []
    for run_id in ("a", "b"):
        database.add_run(run_id)
        rows.append(store.run(run_id))
    database.own("b", "somebody else")

    with pytest.raises(LostOwnershipError):
        store.delete([row for row in rows if row is not None]).result()

    assert len(store.runs()) == 2


def test_what_dbos_deletes_is_swept(store: Store, database: Database) -> None:
    database.add_run("r")
    database.add_run("gone")
    store.post("r", "{}").result()
    store.post("gone", "{}").result()
    database.execute("DELETE FROM workflow_status WHERE workflow_uuid = 'gone'")

    store.sweep().result()

    assert store.mail("gone", 0) == []
    assert len(store.mail("r", 0)) == 1


def test_the_size_of_a_run_is_that_of_its_bytes(
    store: Store, database: Database
) -> None:
    database.add_run("r")
    database.add_run("other")
    row = store.run("r")
    before = store.sizes(["r"])
    entry = new_entry("r", 0, starts=["Łódź"])
    store.append(entry).result()
    store.post("r", '"東京"').result()
    after = store.sizes(["r", "other"])

    assert row is not None
    assert before == {"r": len(row.inputs)}
    assert after["r"] - before["r"] == len(entry.body.encode()) + 8
    assert after["other"] == before["r"]


# -- what outlives entries ------------------------------------------------------------


def test_it_is_known_how_far_messages_were_consumed(
    store: Store, database: Database
) -> None:
    database.add_run("r")
    store.append(new_entry("r", 0)).result(timeout=10)
    before = store.past("r")
    store.append(replace(new_entry("r", 1), consumed=7)).result(timeout=10)

    lost = store.append(replace(new_entry("r", 2, owner="another"), consumed=9))

    with pytest.raises(LostOwnershipError):
        lost.result(timeout=10)

    assert before == Past()
    assert store.past("r") == Past(consumed=7)
    assert store.past("nobody") == Past()


def test_an_entry_that_is_refused_has_consumed_nothing(
    store: Store, database: Database
) -> None:
    database.add_run("r")
    store.append(new_entry("r", 0)).result(timeout=10)

    with pytest.raises(StorageError):
        store.append(replace(new_entry("r", 0), consumed=7)).result(timeout=10)

    assert store.past("r") == Past()


def test_messages_are_taken_back_as_far_as_they_were_consumed(
    store: Store, database: Database
) -> None:
    database.add_run("r")
    database.add_run("other")
    sent = [store.post("r", text, text).result(timeout=10) for text in "abc"]
    of_other = store.post("other", "x").result(timeout=10)
    store.append(replace(new_entry("r", 0), consumed=sent[1])).result(timeout=10)

    with pytest.raises(LostOwnershipError):
        store.take_back_mail("r", "another", sent[0]).result(timeout=10)
    refused = store.mail("r", 0)
    store.take_back_mail("r", "me", sent[0]).result(timeout=10)

    assert [mail.tick for mail in refused] == ["a", "b", "c"]
    assert [mail.tick for mail in store.mail("r", 0)] == ["a", "c"]
    assert store.past("r") == Past(consumed=sent[0])
    assert [mail.sequence for mail in store.mail("other", 0)] == [of_other]
    assert store.post("r", "again", "b").result(timeout=10) is not None


@pytest.mark.parametrize("status", ["PENDING", "ENQUEUED"])
def test_it_is_known_when_tools_have_set_a_run_going(
    store: Store, database: Database, status: str
) -> None:
    database.add_run("r", status=status)
    database.execute(
        "UPDATE workflow_status SET queue_name = '_dbos_internal_queue'"
        " WHERE status = 'ENQUEUED'"
    )
    began = time.time() - 0.001  # It is noted in milliseconds.

    assert store.claim("r", "local", "now").result(timeout=10)

    found = store.past("r").set_going_at
    if status == "PENDING":
        assert found is None
    else:
        assert found is not None
        assert began <= found <= time.time()


# -- code -----------------------------------------------------------------------------


def test_code_stays_as_long_as_a_run_names_it(store: Store, database: Database) -> None:
    for run_id in ("one", "two"):
        database.add_run(run_id)
        first = replace(new_entry(run_id, 0), code=("digest", "text"))
        store.append(first).result(timeout=10)
    own = replace(new_entry("two", 1), code=("own", "text of two"))
    store.append(own).result(timeout=10)

    found = []
    for run_id in ("one", "two"):
        row = store.run(run_id)
        assert row is not None
        store.delete([row]).result(timeout=10)
        found.append((store.code("digest"), store.code("own")))

    assert found == [("text", "text of two"), (None, None)]


def test_code_goes_when_its_runs_are_deleted_together(
    store: Store, database: Database
) -> None:
    for run_id in ("one", "two"):
        database.add_run(run_id)
        first = replace(new_entry(run_id, 0), code=("digest", "text"))
        store.append(first).result(timeout=10)

    store.delete(store.runs()).result(timeout=10)

    assert store.code("digest") is None


def test_a_fork_keeps_the_code_of_its_original(
    store: Store, database: Database
) -> None:
    database.add_run("r")
    first = replace(new_entry("r", 0), code=("digest", "text"))
    store.append(first).result(timeout=10)
    database.add_run("f", status="ENQUEUED", executor_id="local")
    database.execute(
        "UPDATE workflow_status SET forked_from = 'r',"
        " queue_name = '_dbos_internal_queue' WHERE workflow_uuid = 'f'"
    )
    store.claim("f", "local", "now").result(timeout=10)

    row = store.run("r")
    assert row is not None
    store.delete([row]).result(timeout=10)

    assert store.code("digest") == "text"


def test_what_others_have_deleted_is_swept_with_its_code(
    store: Store, database: Database
) -> None:
    for run_id, digest in (("gone", "old"), ("there", "new")):
        database.add_run(run_id)
        entry = replace(new_entry(run_id, 0), code=(digest, "text"), consumed=3)
        store.append(entry).result(timeout=10)
    for table in ("operation_outputs", "workflow_input", "workflow_status"):
        database.execute(f"DELETE FROM {table} WHERE workflow_uuid = 'gone'")

    store.sweep().result(timeout=10)

    assert (store.code("old"), store.code("new")) == (None, "text")
    assert (store.past("gone"), store.past("there")) == (Past(), Past(consumed=3))


def test_a_mark_is_another_when_the_row_is(store: Store, database: Database) -> None:
    for n, run_id in enumerate("ba"):
        database.add_run(run_id, created_at=1_000 * (n + 1))
    database.add_run("theirs", inputs='{"namedArgs":{},"positionalArgs":[{"x":1}]}')
    before = store.marks()

    assert list(before) == ["a", "b"]
    assert store.marks() == before

    store.append(new_entry("a", 0)).result()
    appended = store.marks()
    database.own("b", "you")
    taken = store.marks()

    assert (appended["a"] != before["a"], appended["b"]) == (True, before["b"])
    assert (taken["b"] != before["b"], taken["a"]) == (True, appended["a"])

    store.pause("a").result()

    assert store.marks()["a"] != taken["a"]


def test_rows_of_some_runs_are_those_of_the_list(
    store: Store, database: Database
) -> None:
    for run_id in ("a", "b", "c"):
        database.add_run(run_id)

    found = store.rows(["a", "c", "nobody"])

    assert sorted(row.run_id for row in found) == ["a", "c"]
    assert all(row == store.run(row.run_id) for row in found)
    assert store.rows([]) == []


def test_a_pause_is_kept_until_somebody_goes_on(
    store: Store, database: Database, opens: Callable[..., Store]
) -> None:
    for run_id in "ab":
        database.add_run(run_id)
    other = opens()
    other.changed_outside()

    assert store.pause("a").result()
    row = store.run("a")
    assert row is not None
    assert row.paused_at is not None
    assert row.is_paused
    assert store.past("a") == Past(paused_at=row.paused_at)
    assert store.pause("a").result()
    assert store.run("a") == row
    assert store.paused() == {"a"}
    assert [each.run_id for each in store.runs() if each.is_paused] == ["a"]
    deadline = time.monotonic() + 10
    while not other.changed_outside():
        assert time.monotonic() < deadline
        time.sleep(0.001)

    assert other.go_on("a").result()
    assert not other.go_on("a").result()
    assert not other.go_on("b").result()
    assert store.paused() == set()
    past = store.past("a")
    assert past.paused_at is None
    assert past.set_going_at is not None


def test_a_run_that_has_ended_is_not_paused(store: Store, database: Database) -> None:
    database.add_run("ended", status="SUCCESS")

    assert not store.pause("ended").result()
    assert not store.pause("nobody").result()
    assert store.paused() == set()


def test_a_run_that_is_set_going_is_not_paused(
    store: Store, database: Database
) -> None:
    database.add_run("r")
    store.pause("r").result()
    database.execute(
        "UPDATE workflow_status SET status = 'ENQUEUED',"
        " queue_name = '_dbos_internal_queue' WHERE workflow_uuid = 'r'"
    )
    row = store.run("r")
    assert row is not None
    assert not row.is_paused

    assert store.claim("r", "local", "token").result()

    assert store.paused() == set()
