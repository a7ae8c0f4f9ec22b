"""Every fault must leave the process as it found it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.crash.backends import Backend
from tests.crash.fixtures import attempt, backend, postgres, servers, sqlite
from tests.crash.forkserver import Forkserver

__all__ = ["attempt", "backend", "postgres", "servers", "sqlite"]


@pytest.fixture(params=["sqlite", "postgres"])
def journal_url(request: pytest.FixtureRequest, journal: Path) -> str:
    """A journal on each backend; nothing has run on it yet."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{journal}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the processes of a trial share."""
    found = tmp_path / "trial"
    found.mkdir()
    return found


@pytest.fixture
def url(backend: Backend, folder: Path) -> Iterator[str]:
    """A database of the trial."""
    found = backend.opened(folder)
    yield found
    backend.drop(found)


@pytest.fixture
def two(servers: SimpleQueue[Forkserver]) -> Iterator[list[Forkserver]]:
    """Where two processes of a trial come from, that live side by side."""
    found = [servers.get(), servers.get()]
    yield found
    for server in found:
        servers.put(server)


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(no_leaks: None) -> None:
    pass
