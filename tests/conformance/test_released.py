"""A run that leaves memory whenever it waits does what the default runtime does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from process_lives import launched

from durable_notebook import DBOSRuntime
from durable_notebook.testing import (
    Case,
    _callers,
    _retries,
    _waits,
    compare,
    compare_lives,
)

WAITING = [*_waits.CASES, *_callers.CASES, *_retries.CASES]


@pytest_asyncio.fixture(loop_scope="function")
async def runtime(journal_url: str) -> AsyncIterator[DBOSRuntime]:
    async with launched(journal_url, idle_timeout=0) as runtime:
        yield runtime


@pytest.mark.parametrize("case", WAITING, ids=lambda case: case.name)
async def test_is_like_the_default_runtime(case: Case, runtime: DBOSRuntime) -> None:
    assert await compare(case, runtime) == []


@pytest.mark.parametrize("case", _waits.CASES, ids=lambda case: case.name)
async def test_goes_on_in_the_next_life(
    case: Case, journal_url: str, no_leaks: None
) -> None:
    lives = compare_lives(case, lambda: launched(journal_url, idle_timeout=0))

    assert await lives == []
