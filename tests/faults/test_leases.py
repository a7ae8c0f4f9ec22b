"""Processes that share a pool of executor ids: killed, stopped, woken up too late."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.crash import verdict
from tests.crash.backends import Backend
from tests.crash.bodies import Body, read_log
from tests.crash.child import Job
from tests.crash.expected import EXPECTED
from tests.crash.forkserver import Forkserver
from tests.faults.test_twins import stopped

# Long enough for a launch on a busy machine; a killed holder's is waited for.
LEASE = {
    "pool_size": 1,
    "heartbeat_s": 0.2,
    "timeout_s": 1.5,
    "acquire_timeout_s": 20.0,
}


@pytest.fixture
def url(postgres: Backend, folder: Path) -> Iterator[str]:
    found = postgres.opened(folder)
    yield found
    postgres.drop(found)


Jobs = Callable[..., Job]


@pytest.fixture
def job(folder: Path, url: str) -> Jobs:
    """Makes the jobs of one trial, under a lease."""

    def make(process: int, workflow: str = "counter", **options: object) -> Job:
        values = {"lease": LEASE, **options}
        return Job(workflow, str(folder), url, process, **values)  # type: ignore[arg-type]

    return make


def bodies_of(folder: Path) -> list[Body]:
    return [b for b in read_log(folder / "bodies") if b.step != "heard"]


def output_of(folder: Path, process: int) -> str:
    return (folder / f"output-{process}").read_text()


def is_right(backend: Backend, job: Job) -> list[str]:
    """What is wrong with how a run ended, for who has finished it."""
    stored = verdict.Stored.read(backend, job.url)
    outcome = verdict.outcome_of(Path(job.folder), job.process)
    return verdict.of_run(EXPECTED[job.workflow], stored, outcome)


@pytest.mark.parametrize("commit", [1, 4, 9])
def test_the_runs_of_a_killed_holder_go_on_where_its_lease_is_taken(
    two: list[Forkserver], job: Jobs, postgres: Backend, folder: Path, commit: int
) -> None:
    killed = two[0].run(job(1, kill_at=commit, when="after"))
    finished = verdict.Stored.read(postgres, job(1).url).finished

    done = two[0].run(job(2))

    assert (killed, done) == (-signal.SIGKILL, 0), output_of(folder, 2)
    assert is_right(postgres, job(2)) == []
    assert verdict.of_bodies(read_log(folder / "bodies"), [finished]) == []


@pytest.mark.parametrize(
    ("workflow", "body"), [("counter", 1), ("counter", 7), ("interview", 2)]
)
def test_a_holder_that_wakes_up_too_late_begins_no_body_more(
    two: list[Forkserver],
    job: Jobs,
    postgres: Backend,
    folder: Path,
    workflow: str,
    body: int,
) -> None:
    """Also of a run that was out of memory while it waited."""
    idle = {"idle_timeout_s": 0.0}
    with stopped(two[0], job(1, workflow, stop_at=body, **idle)) as code:
        done = two[1].run(job(2, workflow, **idle))
        finished = bodies_of(folder)
    twin = code.result(timeout=30)

    assert done == 0, output_of(folder, 2)
    assert is_right(postgres, job(2, workflow)) == []
    assert bodies_of(folder) == finished
    # What it had begun it may end; then it finds that it has lost, and how it ended.
    assert twin == 0, output_of(folder, 1)
    outcomes = [verdict.outcome_of(folder, n)["result"] for n in (1, 2)]
    assert outcomes[0] == outcomes[1]


def test_a_holder_that_wakes_up_begins_no_body_of_a_run_that_nobody_took(
    two: list[Forkserver], job: Jobs, postgres: Backend, folder: Path
) -> None:
    """Who has its lease by now does not know the workflow, so the run is unclaimed."""
    with stopped(two[0], job(1, stop_at=7)) as code:
        launched = two[1].run(job(2, only_launch=True, defined="after-launch"))
        begun = bodies_of(folder)
    woken = code.result(timeout=30)
    after = bodies_of(folder)

    done = two[1].run(job(3))

    assert launched == 0, output_of(folder, 2)
    assert woken == 1
    assert "so this one begins no step more" in output_of(folder, 1)
    # Who waits there hears either, whichever it looks at first.
    lost = re.compile("(LostOwnership|StrandedRun)Error: Run 'r1'")
    assert lost.search(output_of(folder, 1))
    assert after == begun
    assert done == 0, output_of(folder, 3)
    assert is_right(postgres, job(3)) == []


def test_a_third_process_is_refused_by_a_pool_of_two(
    two: list[Forkserver], job: Jobs, folder: Path
) -> None:
    pool = LEASE | {"pool_size": 2, "timeout_s": 60.0, "acquire_timeout_s": 0.3}

    codes = [
        two[0].run(job(n, only_launch=True, defined="after-launch", lease=pool))
        for n in (1, 2, 3)
    ]

    # The first two end without a word, and their leases last.
    assert codes == [0, 0, 1]
    said = output_of(folder, 3)
    pids = [(folder / f"pid-{n}").read_text() for n in (1, 2)]
    assert "NoFreeExecutorError: All 2 executor ids of the pool 'executor'" in said
    for number, pid in enumerate(pids):
        assert f"executor-{number} by process {pid} on " in said
    assert "with a larger 'pool_size' or 'acquire_timeout'" in said


def test_a_process_that_closes_gives_its_lease_back_at_once(
    two: list[Forkserver], job: Jobs, postgres: Backend, folder: Path
) -> None:
    pool = LEASE | {"timeout_s": 60.0, "acquire_timeout_s": 0.0}

    codes = [two[0].run(job(n, closes=True, lease=pool)) for n in (1, 2)]

    assert codes == [0, 0], output_of(folder, 2)
    with psycopg.connect(job(1).url) as connection:
        row = connection.execute("SELECT executor_id, holder FROM dbos.durable_lease")
        assert row.fetchall() == [("executor-0", None)]
