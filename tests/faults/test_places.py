"""A limit on runs at once, over kills of the process: nobody loses its turn."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

IDS = [f"run-{n}" for n in range(6)]

# A body notes that it began and, once there is a file with its name, that it ends.
PROCESS = """
import asyncio, sys
from pathlib import Path
from workflows import Workflow, step
from workflows.events import StartEvent, StopEvent
from durable_notebook import DBOSRuntime

url, folder = sys.argv[1], Path(sys.argv[2])

def note(text):
    with (folder / "log").open("a") as log:
        print(text, file=log)

class Crowded(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        note(f"begin {ev.name}")
        while not (folder / ev.name).exists():
            await asyncio.sleep(0.005)
        note(f"end {ev.name}")
        return StopEvent(result=ev.name)

async def main():
    async with DBOSRuntime(database_url=url) as runtime:
        crowded = Crowded(num_concurrent_runs=2, timeout=None, runtime=runtime)
        names = [f"run-{n}" for n in range(6)]
        handlers = [crowded.run(run_id=name, name=name) for name in names]
        while not all(runtime.store.run(name) for name in names):
            await asyncio.sleep(0.005)
        note("recorded")
        note(" ".join(["done", *(await asyncio.gather(*handlers))]))

asyncio.run(main())
"""


class Life:
    """A process that runs the six."""

    def __init__(self, url: str, folder: Path) -> None:
        self._log = folder / "log"
        self._log.unlink(missing_ok=True)
        self._process = subprocess.Popen([sys.executable, "-c", PROCESS, url, folder])

    def log(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []

    def until(self, *lines: str) -> None:
        deadline = time.monotonic() + 60
        while not set(lines) <= set(self.log()):
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.005)

    def kill(self) -> list[str]:
        self._process.kill()
        self._process.wait(timeout=10)
        return self.log()

    def end(self) -> list[str]:
        assert self._process.wait(timeout=60) == 0
        return self.log()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, journal: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{journal}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "places"
    found.mkdir()
    return found


def began(log: list[str]) -> list[str]:
    return [line.split()[1] for line in log if line.startswith("begin")]


def most_at_once(log: list[str]) -> int:
    inside, most = 0, 0
    for line in log:
        inside += line.startswith("begin") - line.startswith("end")
        most = max(most, inside)
    return most


def test_after_kills_the_interrupted_go_on_and_then_those_that_waited(
    url: str, folder: Path
) -> None:
    first = Life(url, folder)
    first.until("begin run-0", "begin run-1", "recorded")
    logs = [first.kill()]

    (folder / "run-0").touch()
    second = Life(url, folder)
    second.until("begin run-1", "begin run-2", "end run-0")
    logs.append(second.kill())

    third = Life(url, folder)
    third.until("begin run-1", "begin run-2")
    for n, run_id in enumerate(IDS[1:], 3):
        (folder / run_id).touch()
        third.until(
            f"end {run_id}", *(f"begin run-{m}" for m in range(1, min(n + 1, 6)))
        )
    logs.append(third.end())

    assert [sorted(began(log)[:2]) for log in logs] == [
        ["run-0", "run-1"],
        ["run-0", "run-1"],
        ["run-1", "run-2"],
    ]
    assert [began(log)[2:] for log in logs] == [
        [],
        ["run-2"],
        ["run-3", "run-4", "run-5"],
    ]
    assert [most_at_once(log) for log in logs] == [2, 2, 2]
    assert logs[-1][-1] == " ".join(["done", *IDS])
    ends = Counter(line for log in logs for line in log if line.startswith("end"))
    assert ends == {f"end {run_id}": 1 for run_id in IDS}
