"""What the suites that kill and disturb processes share: forkservers, and trials."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from tests.postgres_server import PostgresServer

from .backends import BACKENDS, Backend, PostgresDatabases, SqliteFiles
from .child import Job
from .forkserver import Forkserver
from .trial import Trial, commits_of

JOBS = int(os.environ.get("CRASH_JOBS", "2"))

# The folder of the trial that counts the commits of a run.
UNDISTURBED = "undisturbed"

Try = Callable[[list[Trial]], list[str]]


@pytest.fixture(scope="session")
def servers() -> Iterator[SimpleQueue[Forkserver]]:
    """The forkservers that have nothing to do."""
    idle: SimpleQueue[Forkserver] = SimpleQueue()
    started = [Forkserver() for _ in range(JOBS)]
    for server in started:
        idle.put(server)
    yield idle
    for server in started:
        server.close()


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    """Files; the one to copy was launched on once, so nothing is to be migrated."""
    return launched_once(SqliteFiles(), tmp_path_factory.mktemp("opened"))


@pytest.fixture(scope="session")
def postgres(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
) -> Backend:
    """The same on Postgres."""
    backend = PostgresDatabases(postgres_server)
    return launched_once(backend, tmp_path_factory.mktemp("opened"))


def launched_once(backend: Backend, folder: Path) -> Backend:
    url = backend.fresh(folder)
    # Its own: a test may have every idle one before it asks for a database.
    with Forkserver() as server:
        assert server.run(Job("counter", str(folder), url, 0, only_launch=True)) == 0
    backend.keep(url)
    return backend


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each kind of database."""
    found: Backend = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def attempt(servers: SimpleQueue[Forkserver], backend: Backend, tmp_path: Path) -> Try:
    """Run trials."""
    return attempts(servers, backend, tmp_path)


def attempts(servers: SimpleQueue[Forkserver], backend: Backend, tmp_path: Path) -> Try:
    """Run trials side by side; gives what is wrong, and how to see it again."""

    def one(trial: Trial, folder: Path) -> str:
        server = servers.get()
        try:
            problems = trial.run(server, folder, backend)
        finally:
            servers.put(server)
        shown = f"{trial}{' --postgres' * (backend.name == 'postgres')}"
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
    (tmp_path / "0").rename(tmp_path / UNDISTURBED)
    return count
