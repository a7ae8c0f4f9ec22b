"""The process lives of the runtime tests serve here too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_server import PostgresServer

sys.path.append(str(Path(__file__).parent.parent / "runtime"))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def journal_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """One journal for all cases: making one takes longer than a case does."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('cases')}/journal.sqlite"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.copy(request.getfixturevalue("postgres_template"))
    yield url
    server.drop(url)
