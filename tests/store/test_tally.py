"""The figures that an operator has of a journal."""

from __future__ import annotations

from collections.abc import Callable

from durable_notebook._config import Settings
from durable_notebook.store import Store, Tally


def test_a_journal_that_nothing_has_run_on_has_nothing(store: Store) -> None:
    assert store.tally() == Tally(runs={}, unread=0, oldest_at=None)


def test_it_is_had_by_who_only_looks(opens: Callable[..., Store]) -> None:
    opens()
    assert opens(Settings(migrate=False)).tally() == Tally()


def test_messages_to_runs_that_are_not_there_are_not_unread(store: Store) -> None:
    store.post("nobody", "{}").result()

    assert store.tally().unread == 0
