"""The disk is full at one write, and until somebody makes room.

The run stands still with a StorageError, nothing is lost, and the same process goes
on with it once there is room; so does a next one.
"""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from durable_notebook._config import Settings
from durable_notebook.errors import StorageError
from durable_notebook.store import open_store
from tests.crash.backends import Backend
from tests.crash.fixtures import Try, commits_when_undisturbed, shown
from tests.crash.points import Ending, When
from tests.crash.trial import DEFINED, Kill, Trial

pytestmark = pytest.mark.timeout(240)

WAYS: list[tuple[str, Ending, When]] = [
    ("counter", "full", "before"),
    # The commit is made, and reported as failed.
    ("counter", "full", "after"),
    ("panel", "full", "before"),
    ("panel", "limit", "before"),
]


@pytest.mark.parametrize(("workflow", "ending", "when"), WAYS)
def test_a_full_disk_at_any_write_changes_nothing(
    attempt: Try, tmp_path: Path, workflow: str, ending: Ending, when: When
) -> None:
    commits = commits_when_undisturbed(attempt, tmp_path, workflow)

    wrong = attempt(
        [
            Trial(workflow, (Kill(when, commit, ending),), defined=DEFINED[commit % 2])
            for commit in range(1, commits + 1)
        ]
    )

    assert not wrong, shown(wrong)
    refused = list(tmp_path.glob("*/refused-1"))
    assert len(refused) > commits // 2, "hardly a write was refused"


@pytest.fixture
def backend(sqlite: Backend) -> Backend:
    """The backend that this is about."""
    return sqlite


class Stubborn(sqlite3.Connection):
    """A connection whose first rollback fails, as one on a broken disk can."""

    has_failed = False

    def rollback(self) -> None:
        if not self.has_failed:
            self.has_failed = True
            raise sqlite3.OperationalError("disk I/O error")
        super().rollback()


def test_a_rollback_that_fails_does_not_end_the_writer(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or every later write would wait for ever."""
    connect = partial(sqlite3.connect, factory=Stubborn)
    monkeypatch.setattr(sqlite3, "connect", connect)
    store = open_store(f"sqlite:///{journal}", Settings())
    unbindable: Any = object()

    with pytest.raises(StorageError):
        store.post(unbindable, "tick").result(timeout=5)

    assert store.post("r", "tick").result(timeout=5) == 1
    store.close()
