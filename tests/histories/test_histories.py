"""Every journal that a released version wrote goes on to the same end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash import verdict
from tests.crash.backends import SqliteFiles
from tests.crash.child import Job
from tests.crash.expected import EXPECTED
from tests.crash.forkserver import Forkserver

from .record import HERE, JOURNALS

HISTORIES = sorted(HERE.glob("*/*.sql"))
WORKFLOWS = {name: workflow for name, workflow, _ in JOURNALS}


@pytest.fixture(scope="module")
def server() -> Iterator[Forkserver]:
    with Forkserver() as running:
        yield running


def test_there_are_some() -> None:
    assert {path.stem for path in HISTORIES} >= set(WORKFLOWS)


@pytest.mark.parametrize(
    "history", HISTORIES, ids=lambda p: f"{p.parent.name}-{p.stem}"
)
def test_a_recorded_run_goes_on_to_its_end(
    server: Forkserver, tmp_path: Path, history: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as database:
        database.executescript(history.read_text("utf-8"))
    workflow = WORKFLOWS[history.stem]
    files = SqliteFiles()
    url = files.fresh(tmp_path)
    before = verdict.Stored.read(files, url)

    code = server.run(Job(workflow, str(tmp_path), url, 3))

    assert code == 0, (tmp_path / "output-3").read_text()
    stored = verdict.Stored.read(files, url)
    outcome = verdict.outcome_of(tmp_path, 3)
    assert verdict.of_run(EXPECTED[workflow], stored, outcome) == []
    assert stored.entries[: len(before.entries)] == before.entries
    assert len(stored.entries) > len(before.entries) > 1
