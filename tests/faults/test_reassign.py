"""Runs that are given to another executor: killed at the commit, woken up too late."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from durable_notebook.client._journal import Journal
from tests.crash import verdict
from tests.crash.backends import Backend
from tests.crash.bodies import Body, read_log
from tests.crash.child import Job
from tests.crash.expected import EXPECTED
from tests.crash.forkserver import Forkserver
from tests.crash.points import When
from tests.faults.test_twins import stopped

ROOT = Path(__file__).parents[2]

# The command line, killed at a commit as the processes of a trial are.
COMMAND = """
import os, sys
from tests.crash import points
commit, when, log, *words = sys.argv[1:]
file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
points.install(points.Points(file, int(commit), when))
from durable_notebook.cli import main
sys.exit(main(words))
"""


def bodies_of(folder: Path) -> list[Body]:
    return [b for b in read_log(folder / "bodies") if b.step != "heard"]


def is_right(backend: Backend, job: Job) -> list[str]:
    """What is wrong with how a run ended, for who has finished it."""
    stored = verdict.Stored.read(backend, job.url)
    outcome = verdict.outcome_of(Path(job.folder), job.process)
    return verdict.of_run(EXPECTED[job.workflow], stored, outcome)


@pytest.mark.parametrize(
    ("workflow", "body"), [("counter", 1), ("counter", 7), ("interview", 2)]
)
def test_an_old_owner_that_wakes_up_begins_no_body_more(
    two: list[Forkserver],
    backend: Backend,
    folder: Path,
    url: str,
    workflow: str,
    body: int,
) -> None:
    """Its lock was lost while it was stopped, so that it counted as dead."""
    job = Job(workflow, str(folder), url, 1, executor_id="r1", stop_at=body)
    other = replace(job, process=2, executor_id="r2", stop_at=None)
    with stopped(two[0], job) as code:
        backend.free_executors(url)
        with Journal.open(url) as journal:
            given = journal.reassign("r1", "r2", journal.reassignable("r1", "r2"))
        done = two[1].run(other)
        finished = bodies_of(folder)
    twin = code.result(timeout=20)

    assert given == ["r1"]
    assert done == 0, (folder / "output-2").read_text()
    assert is_right(backend, other) == []
    assert bodies_of(folder) == finished
    assert twin == 0, (folder / "output-1").read_text()


def command(url: str, log: Path, commit: int, when: When, *more: str) -> int:
    """Carry out the command line, killed at a commit; gives the exit code."""
    words = ["reassign", "--from", "r1", "--to", "r2", "--database", url, *more]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, str(commit), when, str(log), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_its_commit_it_leaves_each_run_with_one_owner(
    two: list[Forkserver], backend: Backend, folder: Path, url: str, when: When
) -> None:
    """And whoever that is finishes it: parent and child go together, or stay."""
    job = Job("parent", str(folder), url, 1, executor_id="r1", kill_at=12, when="after")
    assert two[0].run(job) == -signal.SIGKILL
    log = folder / "commits-command"
    assert command(url, log, 0, when, "--dry-run") == 0
    # To open a database counts too; what it does is the one commit more.
    opening = len(log.read_text().splitlines())

    code = command(url, log, opening + 1, when)
    last = log.read_text().splitlines()[-1]
    query = "SELECT DISTINCT executor_id FROM workflow_status"
    ((owner,),) = backend.rows(url, query)[0]
    finishing = replace(job, process=2, executor_id=owner, kill_at=None)
    done = two[1].run(finishing)

    assert code == -signal.SIGKILL
    assert "UPDATE workflow_status" in last
    # In a pipeline a kill after the COMMIT may come before the server has heard it.
    assert owner == "r1" if when == "before" else owner in ("r1", "r2")
    assert done == 0, (folder / "output-2").read_text()
    assert is_right(backend, finishing) == []
