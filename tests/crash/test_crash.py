"""Whatever dies where: a run that goes on ends as one that nobody interrupted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .expected import EXPECTED
from .fixtures import Try, commits_when_undisturbed, shown
from .trial import Trial, at_random, commits_of, every_point

SEEDS = range(int(os.environ.get("CRASH_SEEDS", "50")))

ASKING = [name for name, expected in EXPECTED.items() if expected.answers]

# The slowest part of the suite, and what differs is how a commit is made, not of what:
# every point of one, and of the others every third, before and after in turns.
ON_POSTGRES = {"counter": 1, "fanout": 3, "interview": 3}
RELEASED_ON_POSTGRES = {"panel": 3, "letters": 3}

pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize("workflow", EXPECTED)
def test_a_kill_at_any_commit_changes_nothing(
    attempt: Try, tmp_path: Path, workflow: str
) -> None:
    commits = commits_when_undisturbed(attempt, tmp_path, workflow)

    wrong = attempt(every_point(workflow, commits + 2))

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("workflow", ASKING)
def test_a_kill_at_any_commit_loses_no_answer_that_came_at_once(
    attempt: Try, tmp_path: Path, workflow: str
) -> None:
    """A script answers when the stream shows the question, on disk or not."""
    commits = commits_when_undisturbed(attempt, tmp_path, workflow, answers="at-once")

    wrong = attempt(every_point(workflow, commits + 2, answers="at-once"))

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("workflow", [*ASKING, "backoff"])
def test_a_kill_at_any_commit_of_a_run_that_is_released_changes_nothing(
    attempt: Try, tmp_path: Path, workflow: str
) -> None:
    """Whenever it waits, all of it leaves memory: after a kill it may be left alone."""
    idle = 0.0
    commits = commits_when_undisturbed(attempt, tmp_path, workflow, idle_timeout_s=idle)

    wrong = attempt(every_point(workflow, commits + 2, idle_timeout_s=idle))

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("workflow", ["counter", "fanout", "interview"])
def test_a_kill_at_any_commit_of_a_run_with_snapshots_changes_nothing(
    attempt: Try, tmp_path: Path, workflow: str
) -> None:
    """They are written beside the entries: their order differs from run to run."""
    commits = commits_when_undisturbed(attempt, tmp_path, workflow, snapshot_every=2)

    wrong = attempt(every_point(workflow, commits + 2, snapshot_every=2))

    assert not wrong, shown(wrong)


def test_a_kill_at_any_commit_of_the_first_launch_changes_nothing(
    attempt: Try, tmp_path: Path
) -> None:
    wrong = attempt([Trial("fails", fresh=True)])
    assert not wrong, shown(wrong)
    commits = len(commits_of(tmp_path / "0"))
    (tmp_path / "0").rename(tmp_path / "undisturbed")

    wrong = attempt(every_point("fails", commits, fresh=True))

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("seed", SEEDS)
def test_kills_that_follow_each_other_change_nothing(attempt: Try, seed: int) -> None:
    """The run is killed, its resume is killed, and perhaps what goes on after that."""
    wrong = attempt([at_random(seed)])

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("workflow", ON_POSTGRES)
def test_a_kill_at_any_commit_changes_nothing_on_postgres(
    attempt_on_postgres: Try, tmp_path: Path, workflow: str
) -> None:
    commits = commits_when_undisturbed(attempt_on_postgres, tmp_path, workflow)

    points = every_point(workflow, commits + 2)[:: ON_POSTGRES[workflow]]
    wrong = attempt_on_postgres(points)

    assert not wrong, shown(wrong)


@pytest.mark.parametrize("workflow", RELEASED_ON_POSTGRES)
def test_a_kill_at_any_commit_of_a_released_run_changes_nothing_on_postgres(
    attempt_on_postgres: Try, tmp_path: Path, workflow: str
) -> None:
    options = {"idle_timeout_s": 0.0}
    commits = commits_when_undisturbed(
        attempt_on_postgres, tmp_path, workflow, **options
    )

    points = every_point(workflow, commits + 2, **options)
    wrong = attempt_on_postgres(points[:: RELEASED_ON_POSTGRES[workflow]])

    assert not wrong, shown(wrong)
