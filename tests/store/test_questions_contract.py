"""What every backend tells of the runs that ask, and of the answers they get."""

from __future__ import annotations

from store_samples import Database, new_entry

from durable_notebook.store import Store


def test_a_message_is_found_by_its_key(store: Store) -> None:
    first = store.post("r", "one", "answer:0", by="Ada").result(10)
    store.post("r", "two").result(10)
    store.post("other", "three", "answer:0").result(10)

    found = store.keyed_mail("r", "answer:0")

    assert found is not None
    assert (found.sequence, found.tick, found.by) == (first, "one", "Ada")
    assert found.sent_at > 1_700_000_000
    assert store.keyed_mail("r", "answer:1") is None


def test_a_message_that_was_emptied_still_says_when_and_by_whom(store: Store) -> None:
    sequence = store.post("r", "one", "answer:0", by="Ada").result(10)
    assert sequence is not None
    store.forget_mail("r", sequence).result(10)

    found = store.keyed_mail("r", "answer:0")

    assert found is not None
    assert (found.tick, found.by) == ("", "Ada")


def test_a_head_moves_with_each_entry_and_goes_with_the_run(
    store: Store, database: Database
) -> None:
    database.add_run("a")
    database.add_run("b", status="SUCCESS")
    first = store.heads()
    store.append(new_entry("a", 0)).result(10)
    second = store.heads()

    assert first.keys() == second.keys() == {"a"}
    assert first["a"] != second["a"]
