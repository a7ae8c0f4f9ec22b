"""Whatever dies where: a run that goes on ends as one that nobody interrupted."""

from __future__ import annotations

import os
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from .backends import Backend
from .expected import EXPECTED
from .fixtures import UNDISTURBED, Try, attempts, commits_when_undisturbed, shown
from .forkserver import Forkserver
from .trial import (
    BEGINS_A_RUN,
    Trial,
    at_random,
    backend_of,
    commits_of,
    every_point,
)

SEEDS = range(int(os.environ.get("CRASH_SEEDS", "50")))

ASKING = [name for name, expected in EXPECTED.items() if expected.answers]

# What differs on Postgres is how a commit is made, and what is committed hardly does:
# every fifth point will do for most changes, before and after in turns, and for each
# workflow others. Launching makes the same commits whatever runs: one workflow of each
# way to wait is killed there too. With CRASH_EVERYWHERE every point is tried.
EVERYWHERE = bool(os.environ.get("CRASH_EVERYWHERE"))
EVERY_ON_POSTGRES = 1 if EVERYWHERE else 5
KILLED_AT_LAUNCH = ("counter", "interview")

pytestmark = pytest.mark.timeout(600)


def points(
    attempt: Try, backend: Backend, folder: Path, workflow: str, **options: Any
) -> list[Trial]:
    """The points of a run that nobody disturbs, and two behind it; on Postgres some."""
    last = commits_when_undisturbed(attempt, folder, workflow, **options) + 2
    first = 1
    if not (EVERYWHERE or workflow in KILLED_AT_LAUNCH):
        labels = commits_of(folder / UNDISTURBED)
        first += next(n for n, label in enumerate(labels) if BEGINS_A_RUN in label)
    found = every_point(workflow, range(first, last + 1), **options)
    if backend.name != "postgres":
        return found
    start = list(EXPECTED).index(workflow) % EVERY_ON_POSTGRES
    return found[start::EVERY_ON_POSTGRES]


@pytest.mark.parametrize("workflow", EXPECTED)
def test_a_kill_at_any_commit_changes_nothing(
    attempt: Try, backend: Backend, tmp_path: Path, workflow: str
) -> None:
    wrong = attempt(points(attempt, backend, tmp_path, workflow))

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("workflow", ASKING)
def test_a_kill_at_any_commit_loses_no_answer_that_came_at_once(
    attempt: Try, backend: Backend, tmp_path: Path, workflow: str
) -> None:
    """A script answers when the stream shows the question, on disk or not."""
    at_once = {"answers": "at-once"}
    wrong = attempt(points(attempt, backend, tmp_path, workflow, **at_once))

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("workflow", [*ASKING, "backoff"])
def test_a_kill_at_any_commit_of_a_run_that_is_released_changes_nothing(
    attempt: Try, backend: Backend, tmp_path: Path, workflow: str
) -> None:
    """Whenever it waits, all of it leaves memory: after a kill it may be left alone."""
    idle = {"idle_timeout_s": 0.0}
    wrong = attempt(points(attempt, backend, tmp_path, workflow, **idle))

    assert not wrong, shown(wrong)


@pytest.mark.parametrize(
    ("workflow", "idle_timeout_s"),
    [("counter", None), ("interview", None), ("interview", 0.0)],
)
def test_a_kill_at_any_commit_of_a_leased_executor_changes_nothing(
    servers: SimpleQueue[Forkserver],
    postgres: Backend,
    tmp_path: Path,
    workflow: str,
    idle_timeout_s: float | None,
) -> None:
    """Whose lease runs out before the next process takes it."""
    attempt = attempts(servers, postgres, tmp_path)
    leased = {"leased": True, "idle_timeout_s": idle_timeout_s}
    wrong = attempt(points(attempt, postgres, tmp_path, workflow, **leased))

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("workflow", ["counter", "fanout", "interview"])
def test_a_kill_at_any_commit_of_a_run_with_snapshots_changes_nothing(
    attempt: Try, backend: Backend, tmp_path: Path, workflow: str
) -> None:
    """They are written beside the entries: their order differs from run to run."""
    often = {"snapshot_every": 2}
    wrong = attempt(points(attempt, backend, tmp_path, workflow, **often))

    assert not wrong, shown(wrong)


def test_a_kill_at_any_commit_of_the_first_launch_changes_nothing(
    attempt: Try, backend: Backend, tmp_path: Path
) -> None:
    commits = commits_when_undisturbed(attempt, tmp_path, "fails", fresh=True)

    found = every_point("fails", range(1, commits + 1), fresh=True)
    if backend.name == "postgres" and not EVERYWHERE:
        found = found[::15]  # They are the slowest: each makes a database.
    wrong = attempt(found)

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("seed", SEEDS)
def test_kills_that_follow_each_other_change_nothing(
    servers: SimpleQueue[Forkserver],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    seed: int,
) -> None:
    """The run is killed, its resume is killed, and perhaps what goes on after that."""
    backend: Backend = request.getfixturevalue(backend_of(seed))

    wrong = attempts(servers, backend, tmp_path)([at_random(seed)])

    assert not wrong, shown(wrong)
