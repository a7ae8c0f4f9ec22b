"""The disk is full at one write, and until somebody makes room.

The run stands still with a StorageError, nothing is lost, and the same process goes
on with it once there is room; so does a next one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.fixtures import Try, commits_when_undisturbed, shown
from tests.crash.points import Ending, When
from tests.crash.trial import DEFINED, Kill, Trial

pytestmark = pytest.mark.timeout(240)

WAYS: list[tuple[str, Ending, When]] = [
    ("counter", "full", "before"),
    # The commit is made, and reported as failed.
    ("counter", "full", "after"),
    ("panel", "full", "before"),
    ("panel", "limit", "before"),
]


@pytest.mark.parametrize(("workflow", "ending", "when"), WAYS)
def test_a_full_disk_at_any_write_changes_nothing(
    attempt: Try, tmp_path: Path, workflow: str, ending: Ending, when: When
) -> None:
    commits = commits_when_undisturbed(attempt, tmp_path, workflow)

    wrong = attempt(
        [
            Trial(workflow, (Kill(when, commit, ending),), defined=DEFINED[commit % 2])
            for commit in range(1, commits + 1)
        ]
    )

    assert not wrong, shown(wrong)
    refused = list(tmp_path.glob("*/refused-1"))
    assert len(refused) > commits // 2, "hardly a write was refused"
