"""What every backend promises of the runs with which a server's handler went on."""

from __future__ import annotations

from collections.abc import Callable

from store_samples import Database

from durable_notebook.store import Store


def test_a_handler_has_its_runs_newest_first(store: Store) -> None:
    store.put_handler("h", "z").result()
    store.put_handler("h", "a").result()
    store.put_handler("other", "m").result()

    assert store.handler_runs("h") == ["a", "z"]
    assert store.handler_runs("nobody") == []
    assert list(store.handlers().items()) == [("z", "h"), ("a", "h"), ("m", "other")]


def test_a_run_belongs_to_one_handler(store: Store) -> None:
    store.put_handler("h", "r").result()
    store.put_handler("other", "r").result()

    assert store.handlers() == {"r": "h"}


def test_a_deleted_run_is_no_handler_s(store: Store, database: Database) -> None:
    for run_id in ("r", "kept"):
        database.add_run(run_id)
        store.put_handler("h", run_id).result()
    row = store.run("r")
    assert row is not None

    store.delete([row]).result()

    assert store.handler_runs("h") == ["kept"]


def test_what_was_deleted_with_dbos_is_swept(
    opens: Callable[..., Store], database: Database
) -> None:
    store = opens()
    database.add_run("kept")
    for run_id in ("kept", "gone", "on-its-way"):
        store.put_handler("h", run_id).result()
    database.execute(
        "UPDATE durable_handler SET recorded_at = recorded_at - 3600"
        " WHERE run_id IN ('kept', 'gone')"
    )

    store.sweep().result()

    assert store.handler_runs("h") == ["on-its-way", "kept"]
