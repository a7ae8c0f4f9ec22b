"""What lesson 8 starts does not outlive the notebook that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
POSTGRES = Path(".durable_notebook/postgres")

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120)]

_NOTEBOOK = """
import os, sys
from pathlib import Path

from durable_notebook.notebook._local_postgres import LocalPostgres
from replica import Replica

os.environ["DURABLE_NOTEBOOK_URL"] = LocalPostgres(Path(sys.argv[1])).start()
replicas = [Replica(f"replica-{n}", "books:Translate") for n in (1, 2)]
print([r.url for r in replicas], flush=True)
sys.stdin.read()
"""
_BOOKS = """
from workflows import Workflow, step
from workflows.events import StartEvent, StopEvent


class Translate(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent()
"""


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "ended"])
def test_nothing_is_left_of_a_notebook(open_folder: Path, is_killed: bool) -> None:
    (open_folder / "books.py").write_text(_BOOKS)
    path = os.pathsep.join(map(str, (ROOT / "notebooks", open_folder)))
    with subprocess.Popen(
        [sys.executable, "-c", _NOTEBOOK, str(POSTGRES)],
        cwd=open_folder,
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as notebook:
        assert notebook.stdout is not None
        said = notebook.stdout.readline()
        started = psutil.Process(notebook.pid).children()
        server = psutil.Process(_server_pid(open_folder))
        if is_killed:
            notebook.send_signal(signal.SIGKILL)

    assert said.count("http://127.0.0.1:") == 2
    assert len(started) == 2
    _, left = psutil.wait_procs([*started, server], timeout=60)
    assert left == []


def _server_pid(folder: Path) -> int:
    return int((folder / POSTGRES / "postmaster.pid").read_text().split()[0])
