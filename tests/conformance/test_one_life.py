"""Our runtime does what the default one does, in one process life."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from process_lives import launched

from durable_notebook import DBOSRuntime
from durable_notebook.testing import CASES, Case, compare


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime(journal_url: str) -> AsyncIterator[DBOSRuntime]:
    async with launched(journal_url) as runtime:
        yield runtime


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_is_like_the_default_runtime(case: Case, runtime: DBOSRuntime) -> None:
    assert await compare(case, runtime) == []
