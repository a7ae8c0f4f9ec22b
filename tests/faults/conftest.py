"""Every fault must leave the process as it found it."""

from __future__ import annotations

import pytest

from tests.crash.fixtures import attempt, postgres, servers, sqlite

__all__ = ["attempt", "postgres", "servers", "sqlite"]


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(no_leaks: None) -> None:
    pass
