"""What a process life interrupts goes on in the next as if nothing had happened."""

from __future__ import annotations

import pytest
from process_lives import launched

from durable_notebook.testing import CASES, Case, compare_lives


@pytest.fixture(params=["sqlite", "postgres"])
def journal_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_ends_and_reads_as_without_interruption(
    case: Case, journal_url: str, no_leaks: None
) -> None:
    assert await compare_lives(case, lambda: launched(journal_url)) == []
