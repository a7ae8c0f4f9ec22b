"""Each test of a server leaves the process as it found it."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["sqlite", "postgres"])
def journal_url(request: pytest.FixtureRequest) -> str:
    """A journal on each backend; nothing has run on it yet."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(no_leaks: None) -> None:
    pass
