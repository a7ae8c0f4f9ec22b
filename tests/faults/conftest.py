"""Every fault must leave the process as it found it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.fixtures import attempt, backend, postgres, servers, sqlite

__all__ = ["attempt", "backend", "postgres", "servers", "sqlite"]


@pytest.fixture(params=["sqlite", "postgres"])
def journal_url(request: pytest.FixtureRequest, journal: Path) -> str:
    """A journal on each backend; nothing has run on it yet."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{journal}"


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(no_leaks: None) -> None:
    pass
