"""Two processes of one executor: the second is refused, a stopped first has lost.

The executor's lock is held for a process that is only stopped. Where the lock does not
hold (its file was removed, a network file system forgot it, its connection was cut),
the token inside each append does.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.crash import verdict
from tests.crash.backends import Backend
from tests.crash.bodies import Body, read_log
from tests.crash.child import Job
from tests.crash.expected import EXPECTED
from tests.crash.forkserver import Forkserver


@contextmanager
def stopped(server: Forkserver, job: Job) -> Iterator[Future[int]]:
    """A process that is stopped in one of its bodies, continued after the block."""
    with ThreadPoolExecutor(1) as pool:
        code = pool.submit(server.run, job)
        pid = wait_until_stopped(job.path(f"pid-{job.process}"), code)
        try:
            yield code
        finally:
            os.kill(pid, signal.SIGCONT)


def wait_until_stopped(file: Path, code: Future[int]) -> int:
    deadline = time.monotonic() + 20
    while True:
        assert not code.done(), "it ended and was not stopped"
        assert time.monotonic() < deadline, "it was not stopped in time"
        text = file.read_text() if file.exists() else ""
        stat = Path(f"/proc/{text}/stat")
        if text and stat.read_text().rpartition(")")[2].split()[0] == "T":
            return int(text)
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("workflow", "body"),
    [("counter", 1), ("counter", 7), ("fanout", 5), ("interview", 2)],
)
def test_a_twin_that_wakes_up_begins_no_body_more(
    servers: SimpleQueue[Forkserver],
    backend: Backend,
    folder: Path,
    url: str,
    workflow: str,
    body: int,
) -> None:
    one, two = servers.get(), servers.get()
    jobs = [Job(workflow, str(folder), url, n) for n in (1, 2, 3)]
    try:
        with stopped(one, replace(jobs[0], stop_at=body)) as code:
            refused = two.run(jobs[1])
            assert refused == 1
            said = (folder / "output-2").read_text()
            assert "ExecutorInUseError: Another live process is executor" in said
            backend.free_executors(url)
            done = two.run(jobs[2])
            finished = bodies_of(folder)
        twin = code.result(timeout=20)
    finally:
        servers.put(one)
        servers.put(two)

    assert done == 0, (folder / "output-3").read_text()
    assert (folder / "output-3").read_text() == ""
    stored = verdict.Stored.read(backend, url)
    outcome = verdict.outcome_of(folder, 3)
    assert verdict.of_run(EXPECTED[workflow], stored, outcome) == []
    # What it had begun it may end; then it finds that it has lost, and how it ended.
    assert bodies_of(folder) == finished
    assert twin == 0, (folder / "output-1").read_text()
    assert verdict.outcome_of(folder, 1)["result"] == outcome["result"]


def bodies_of(folder: Path) -> list[Body]:
    """The bodies that began; that one heard an answer is no body of its own."""
    return [b for b in read_log(folder / "bodies") if b.step != "heard"]


@pytest.mark.parametrize("number", range(5))
def test_two_executors_that_start_one_run_at_once_execute_it_once(
    servers: SimpleQueue[Forkserver],
    backend: Backend,
    folder: Path,
    url: str,
    number: int,
) -> None:
    both = [servers.get(), servers.get()]
    jobs = [
        Job("counter", str(folder), url, n, executor_id=f"executor-{n}") for n in (1, 2)
    ]
    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(Forkserver.run, both, jobs))
    for server in both:
        servers.put(server)

    said = [(folder / f"output-{n}").read_text() for n in (1, 2)]
    assert (codes, said) == ([0, 0], ["", ""])
    stored = verdict.Stored.read(backend, url)
    for process in (1, 2):
        outcome = verdict.outcome_of(folder, process)
        assert verdict.of_run(EXPECTED["counter"], stored, outcome) == []
    bodies = [b.identity for b in bodies_of(folder)]
    assert len(bodies) == len(set(bodies)), "a body ran in both"
