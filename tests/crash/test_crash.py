"""Whatever dies where: a run that goes on ends as one that nobody interrupted."""

from __future__ import annotations

import os
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from .backends import Backend
from .expected import EXPECTED
from .fixtures import Try, attempts, commits_when_undisturbed, shown
from .forkserver import Forkserver
from .trial import Trial, at_random, backend_of, commits_of, every_point

SEEDS = range(int(os.environ.get("CRASH_SEEDS", "50")))

ASKING = [name for name, expected in EXPECTED.items() if expected.answers]

# What differs on Postgres is how a commit is made, and what is committed hardly does;
# launching makes the same commits for each workflow. So every fifth point will do for
# most changes, before and after in turns, and for each workflow others.
EVERY_ON_POSTGRES = int(os.environ.get("CRASH_POSTGRES_EVERY", "5"))

pytestmark = pytest.mark.timeout(600)


def points(
    backend: Backend, workflow: str, commits: int, **options: Any
) -> list[Trial]:
    """Every point of a run, or on Postgres some."""
    found = every_point(workflow, commits, **options)
    if backend.name != "postgres":
        return found
    first = list(EXPECTED).index(workflow) % EVERY_ON_POSTGRES
    return found[first::EVERY_ON_POSTGRES]


@pytest.mark.parametrize("workflow", EXPECTED)
def test_a_kill_at_any_commit_changes_nothing(
    attempt: Try, backend: Backend, tmp_path: Path, workflow: str
) -> None:
    commits = commits_when_undisturbed(attempt, tmp_path, workflow)

    wrong = attempt(points(backend, workflow, commits + 2))

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("workflow", ASKING)
def test_a_kill_at_any_commit_loses_no_answer_that_came_at_once(
    attempt: Try, backend: Backend, tmp_path: Path, workflow: str
) -> None:
    """A script answers when the stream shows the question, on disk or not."""
    at_once = {"answers": "at-once"}
    commits = commits_when_undisturbed(attempt, tmp_path, workflow, **at_once)

    wrong = attempt(points(backend, workflow, commits + 2, **at_once))

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("workflow", [*ASKING, "backoff"])
def test_a_kill_at_any_commit_of_a_run_that_is_released_changes_nothing(
    attempt: Try, backend: Backend, tmp_path: Path, workflow: str
) -> None:
    """Whenever it waits, all of it leaves memory: after a kill it may be left alone."""
    idle = {"idle_timeout_s": 0.0}
    commits = commits_when_undisturbed(attempt, tmp_path, workflow, **idle)

    wrong = attempt(points(backend, workflow, commits + 2, **idle))

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
    commits = commits_when_undisturbed(attempt, tmp_path, workflow, **leased)

    wrong = attempt(points(postgres, workflow, commits + 2, **leased))

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("workflow", ["counter", "fanout", "interview"])
def test_a_kill_at_any_commit_of_a_run_with_snapshots_changes_nothing(
    attempt: Try, backend: Backend, tmp_path: Path, workflow: str
) -> None:
    """They are written beside the entries: their order differs from run to run."""
    often = {"snapshot_every": 2}
    commits = commits_when_undisturbed(attempt, tmp_path, workflow, **often)

    wrong = attempt(points(backend, workflow, commits + 2, **often))

    assert not wrong, shown(wrong)


def test_a_kill_at_any_commit_of_the_first_launch_changes_nothing(
    attempt: Try, backend: Backend, tmp_path: Path
) -> None:
    wrong = attempt([Trial("fails", fresh=True)])
    assert not wrong, shown(wrong)
    commits = len(commits_of(tmp_path / "0"))
    (tmp_path / "0").rename(tmp_path / "undisturbed")

    found = points(backend, "fails", commits, fresh=True)
    if backend.name == "postgres" and EVERY_ON_POSTGRES > 1:
        found = found[::3]  # They are the slowest: each makes a database.
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
