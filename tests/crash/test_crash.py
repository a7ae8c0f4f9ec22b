"""Whatever dies where: a run that goes on ends as one that nobody interrupted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from .child import Job
from .expected import EXPECTED
from .forkserver import Forkserver
from .trial import Trial, at_random, commits_of, every_point

JOBS = int(os.environ.get("CRASH_JOBS", "2"))
SEEDS = range(int(os.environ.get("CRASH_SEEDS", "25")))

ASKING = [name for name, expected in EXPECTED.items() if expected.answers]

Try = Callable[[list[Trial]], list[str]]

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def servers() -> Iterator[SimpleQueue[Forkserver]]:
    """The forkservers that have nothing to do."""
    idle: SimpleQueue[Forkserver] = SimpleQueue()
    started = [Forkserver() for _ in range(JOBS)]
    for server in started:
        idle.put(server)
    yield idle
    for server in started:
        server.close()


@pytest.fixture(scope="module")
def opened(
    servers: SimpleQueue[Forkserver], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with a database that was launched on once: nothing is to be migrated."""
    folder = tmp_path_factory.mktemp("opened")
    server = servers.get()
    assert server.run(Job("counter", str(folder), 0, only_launch=True)) == 0
    servers.put(server)
    return folder


@pytest.fixture
def attempt(servers: SimpleQueue[Forkserver], opened: Path, tmp_path: Path) -> Try:
    """Run trials side by side; gives what is wrong, and how to see it again."""

    def one(trial: Trial, folder: Path) -> str:
        server = servers.get()
        try:
            problems = trial.run(server, folder, opened)
        finally:
            servers.put(server)
        return "\n".join([str(trial), *problems]) if problems else ""

    def every(trials: list[Trial]) -> list[str]:
        folders = [tmp_path / str(number) for number in range(len(trials))]
        with ThreadPoolExecutor(JOBS) as pool:
            return [said for said in pool.map(one, trials, folders) if said]

    return every


def shown(wrong: list[str]) -> str:
    return f"{len(wrong)} trials went wrong\n\n" + "\n\n".join(wrong)


def commits_when_undisturbed(
    attempt: Try, tmp_path: Path, workflow: str, **options: Any
) -> int:
    wrong = attempt([Trial(workflow, **options)])
    assert not wrong, shown(wrong)
    count = len(commits_of(tmp_path / "0"))
    (tmp_path / "0").rename(tmp_path / "undisturbed")
    return count


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
