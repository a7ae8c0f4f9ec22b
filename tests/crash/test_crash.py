"""Whatever dies where: a run that goes on ends as one that nobody interrupted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from tests.postgres_server import PostgresServer

from .backends import Backend, PostgresDatabases, SqliteFiles
from .child import Job
from .expected import EXPECTED
from .forkserver import Forkserver
from .trial import Trial, at_random, commits_of, every_point

JOBS = int(os.environ.get("CRASH_JOBS", "2"))
SEEDS = range(int(os.environ.get("CRASH_SEEDS", "25")))

ASKING = [name for name, expected in EXPECTED.items() if expected.answers]

# The slowest part of the suite, and what differs is how a commit is made, not of what:
# every point of one, and of the others every third, before and after in turns.
ON_POSTGRES = {"counter": 1, "fanout": 3, "interview": 3}

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
def sqlite(
    servers: SimpleQueue[Forkserver], tmp_path_factory: pytest.TempPathFactory
) -> Backend:
    """Files; the one to copy was launched on once, so nothing is to be migrated."""
    return launched_once(SqliteFiles(), servers, tmp_path_factory.mktemp("opened"))


@pytest.fixture(scope="module")
def postgres(
    servers: SimpleQueue[Forkserver],
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
) -> Backend:
    """The same on Postgres."""
    backend = PostgresDatabases(postgres_server)
    return launched_once(backend, servers, tmp_path_factory.mktemp("opened"))


def launched_once(
    backend: Backend, servers: SimpleQueue[Forkserver], folder: Path
) -> Backend:
    server, url = servers.get(), backend.fresh(folder)
    assert server.run(Job("counter", str(folder), url, 0, only_launch=True)) == 0
    servers.put(server)
    backend.keep(url)
    return backend


@pytest.fixture
def attempt(servers: SimpleQueue[Forkserver], sqlite: Backend, tmp_path: Path) -> Try:
    """Run trials on SQLite."""
    return attempts(servers, sqlite, tmp_path)


@pytest.fixture
def attempt_on_postgres(
    servers: SimpleQueue[Forkserver], postgres: Backend, tmp_path: Path
) -> Try:
    """Run trials on Postgres."""
    return attempts(servers, postgres, tmp_path)


def attempts(servers: SimpleQueue[Forkserver], backend: Backend, tmp_path: Path) -> Try:
    """Run trials side by side; gives what is wrong, and how to see it again."""

    def one(trial: Trial, folder: Path) -> str:
        server = servers.get()
        try:
            problems = trial.run(server, folder, backend)
        finally:
            servers.put(server)
        shown = f"on {backend.name}: {trial}"
        return "\n".join([shown, *problems]) if problems else ""

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


@pytest.mark.parametrize("workflow", ON_POSTGRES)
def test_a_kill_at_any_commit_changes_nothing_on_postgres(
    attempt_on_postgres: Try, tmp_path: Path, workflow: str
) -> None:
    commits = commits_when_undisturbed(attempt_on_postgres, tmp_path, workflow)

    points = every_point(workflow, commits + 2)[:: ON_POSTGRES[workflow]]
    wrong = attempt_on_postgres(points)

    assert not wrong, shown(wrong)
