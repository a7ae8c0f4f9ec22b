"""A process is not killed but ends itself: Ctrl-C, a stopped loop, a cancelled task.

What it does on its way out (tasks are cancelled, `finally` blocks run, perhaps the
runtime is closed) must leave the run as a kill does: a new process finishes it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.fixtures import Try, commits_when_undisturbed, shown
from tests.crash.points import Ending
from tests.crash.trial import DEFINED, Kill, Trial

pytestmark = pytest.mark.timeout(240)


ENDINGS: list[tuple[str, Ending]] = [
    ("counter", "interrupt"),
    ("counter", "stop"),
    ("counter", "cancel"),
    ("interleaved", "interrupt"),
    ("interview", "stop"),
    ("panel", "cancel"),
]


@pytest.mark.parametrize(("workflow", "ending"), ENDINGS)
def test_an_end_at_any_commit_changes_nothing(
    attempt: Try, tmp_path: Path, workflow: str, ending: Ending
) -> None:
    commits = commits_when_undisturbed(attempt, tmp_path, workflow)

    wrong = attempt(
        [
            Trial(
                workflow,
                (Kill("after", commit, ending),),
                defined=DEFINED[commit % 2],
                closes=bool(commit % 3),
            )
            for commit in range(1, commits + 1)
        ]
    )

    assert not wrong, shown(wrong)
    ended = [f for f in tmp_path.glob("*/") if not (f / "outcome-1").exists()]
    assert len(ended) > commits // 2, "hardly a process was ended before its run was"
