"""A process is not killed but ends itself: Ctrl-C, a stopped loop, a cancelled task.

What it does on its way out (tasks are cancelled, `finally` blocks run, perhaps the
runtime is closed) must leave the run as a kill does: a new process finishes it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.backends import Backend
from tests.crash.bodies import Body, read_log
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
    attempt: Try, backend: Backend, tmp_path: Path, workflow: str, ending: Ending
) -> None:
    """On Postgres at every fifth, of each workflow at others."""
    commits = range(1, commits_when_undisturbed(attempt, tmp_path, workflow) + 1)
    if backend.name == "postgres":
        commits = commits[ENDINGS.index((workflow, ending)) % 5 :: 5]

    wrong = attempt(
        [
            Trial(
                workflow,
                (Kill("after", commit, ending),),
                defined=DEFINED[commit % 2],
                closes=bool(commit % 3),
            )
            for commit in commits
        ]
    )

    assert not wrong, shown(wrong)
    ended = [f for f in tmp_path.glob("*/") if not (f / "outcome-1").exists()]
    assert len(ended) > len(commits) // 2, "hardly a process ended before its run"


@pytest.mark.parametrize("workflow", ["counter", "fanout", "interleaved", "panel"])
def test_a_drain_at_any_commit_lets_no_body_be_done_again(
    attempt: Try, backend: Backend, tmp_path: Path, workflow: str
) -> None:
    """What has begun ends in the process that is told to end."""
    commits = range(1, commits_when_undisturbed(attempt, tmp_path, workflow) + 1)
    if backend.name == "postgres":
        commits = commits[::5]

    wrong = attempt(
        [
            Trial(
                workflow,
                (Kill("after", commit, "drain"),),
                defined=DEFINED[commit % 2],
            )
            for commit in commits
        ]
    )

    assert not wrong, shown(wrong)
    logs = {f.name: read_log(f / "bodies") for f in tmp_path.glob("*/")}
    assert not [name for name, log in logs.items() if _done_again(log)]
    drained = [f for f in tmp_path.glob("*/") if not (f / "outcome-1").exists()]
    assert len(drained) > len(commits) // 2, "hardly a process was told in time"


def _done_again(bodies: list[Body]) -> list[Body]:
    """The bodies that a process before had begun, but for those that wait."""
    before = [b.identity for b in bodies if b.process == 1]
    return [
        b
        for b in bodies
        if b.process == 2 and b.step not in ("ask", "heard") and b.identity in before
    ]
