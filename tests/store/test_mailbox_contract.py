"""What every backend promises of messages, sessions and executors."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from durable_notebook.store import Mail, Store


def post(store: Store, run_id: str, tick: str, key: str | None = None) -> int | None:
    return store.post(run_id, tick, key).result(timeout=10)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for a state, with a deadline."""
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline, "the state was not reached in time"
        time.sleep(0.001)


def test_mail_is_read_in_the_order_in_which_it_was_posted(store: Store) -> None:
    sequences = [post(store, "r", str(n)) for n in range(12)]

    mail = store.mail("r", 0)

    assert [m.tick for m in mail] == [str(n) for n in range(12)]
    assert [m.sequence for m in mail] == sequences == sorted(set(sequences))


def test_mail_behind_a_sequence_comes_without_it(store: Store) -> None:
    first, second = post(store, "r", "a"), post(store, "r", "b")
    assert first is not None
    assert second is not None

    assert store.mail("r", first) == [Mail(second, "b")]
    assert store.mail("r", second) == []


def test_mail_is_for_one_run(store: Store) -> None:
    post(store, "a", "for a")
    post(store, "b", "for b")

    assert [m.tick for m in store.mail("a", 0)] == ["for a"]
    assert [m.tick for m in store.mail("b", 0)] == ["for b"]


def test_an_empty_mailbox_has_no_mail(store: Store) -> None:
    assert store.newest_mail() == 0
    assert store.mailed(0) == {}
    assert store.mail("r", 0) == []


def test_it_is_known_which_runs_have_new_mail(store: Store) -> None:
    first = post(store, "a", "old")
    second = post(store, "b", "old")
    third = post(store, "b", "new")
    assert first is not None
    assert third is not None

    assert store.mailed(0) == {"a": first, "b": third}
    assert store.mailed(first) == {"b": third}
    assert store.mailed(third) == {}
    assert store.newest_mail() == third
    assert second != third


def test_a_key_is_taken_once_in_a_run(store: Store) -> None:
    first = post(store, "r", "yes", "answer:0")
    second = post(store, "r", "no", "answer:0")
    elsewhere = post(store, "other", "no", "answer:0")
    next_one = post(store, "r", "yes", "answer:1")

    assert second is None
    assert None not in (first, elsewhere, next_one)
    assert [m.tick for m in store.mail("r", 0)] == ["yes", "yes"]


def test_a_message_without_a_key_is_always_new(store: Store) -> None:
    first, second = post(store, "r", "same"), post(store, "r", "same")

    assert first != second
    assert len(store.mail("r", 0)) == 2


def test_of_many_answers_at_once_one_counts(opens: Callable[..., Store]) -> None:
    stores = [opens() for _ in range(4)]
    sequences: list[int | None] = []

    def answer(store: Store, text: str) -> None:
        sequences.append(post(store, "r", text, "answer:0"))

    threads = [
        threading.Thread(target=answer, args=(store, str(n)))
        for n, store in enumerate(stores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(sequence is not None for sequence in sequences) == 1
    assert len(stores[0].mail("r", 0)) == 1


def test_a_commit_of_another_process_is_noticed_once(
    opens: Callable[..., Store],
) -> None:
    here, elsewhere = opens(), opens()
    here.changed_outside()
    before = here.changed_outside()

    post(elsewhere, "r", "news")

    assert not before
    until(here.changed_outside)
    assert not here.changed_outside()


def test_sessions_count_up(opens: Callable[..., Store]) -> None:
    one, other = opens(), opens()

    sessions = [store.begin_session("local") for store in (one, other, one)]

    assert sessions == [1, 2, 3]


def test_a_notebook_finds_its_own_executor_first(store: Store, tmp_path: Path) -> None:
    here, moved = tmp_path / "here.ipynb", tmp_path / "moved.ipynb"
    here.touch()
    there = tmp_path / "there.ipynb"
    there.touch()
    store.add_executor("of-there", str(there))
    store.add_executor("of-moved", str(moved))
    store.add_executor("of-here", str(here))
    store.add_executor("of-a-script", None)

    assert store.executor_for(str(here)) == ["of-here", "of-moved"]
    assert store.executor_for(str(tmp_path / "new.ipynb")) == ["of-moved"]


def test_of_a_notebooks_executors_the_first_comes_first(
    store: Store, tmp_path: Path
) -> None:
    """A second kernel on a notebook does not become what the notebook is."""
    here, moved = str(tmp_path / "here.ipynb"), str(tmp_path / "moved.ipynb")
    Path(here).touch()
    for executor_id in ("a1", "a2"):
        store.add_executor(executor_id, here)
    for executor_id in ("b1", "b2"):
        store.add_executor(executor_id, moved)

    assert store.executor_for(here) == ["a1", "a2", "b1", "b2"]


def test_an_executor_follows_its_notebook(store: Store, tmp_path: Path) -> None:
    before, after = str(tmp_path / "before.ipynb"), str(tmp_path / "after.ipynb")
    store.add_executor("mine", before)

    store.add_executor("mine", after)

    assert store.executor_for(after) == ["mine"]
    Path(after).touch()
    assert store.executor_for(before) == []
