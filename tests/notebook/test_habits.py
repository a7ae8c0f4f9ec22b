"""What an IPython user expects of magics: Tab, `?`, unloading, `repr`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.notebook.conftest import DEFINITIONS
from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel

UNTIL = """
import asyncio
async def until(run, status):
    for _ in range(1000):
        if (info := await run.info()).status == status:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(info)
"""


@pytest.mark.parametrize(
    ("on_disk", "way_out"),
    [
        ("6.31.0", "Run '%pip install -U ipykernel' and restart the kernel."),
        ("7.4.0", "Restart the kernel: ipykernel 7.4.0 is installed by now."),
    ],
)
def test_an_old_kernel_is_refused(tmp_path: Path, on_disk: str, way_out: str) -> None:
    """Also where installing us has put a new ipykernel beside the one that runs."""
    with kernel(tmp_path) as notebook:
        notebook.run(
            "import importlib.metadata, ipykernel\n"
            "ipykernel.__version__ = '6.31.0'\n"
            f"importlib.metadata.version = lambda name: {on_disk!r}"
        )

        refused = notebook.run("%load_ext durable_notebook")

    assert refused.splitlines() == [
        "UsageError: durable_notebook needs ipykernel 7 or newer, and this kernel runs "
        f"6.31.0: forms would hang. {way_out}"
    ]


def test_tab_opens_nothing(tmp_path: Path) -> None:
    with kernel(tmp_path) as notebook:
        notebook.run("%load_ext durable_notebook")

        for line in ("%durable_resume ", "%durable_run ", "%durable_answer a "):
            notebook.complete(line)

        assert list(tmp_path.iterdir()) == []


def test_tab_offers_what_fits(notebook: Kernel) -> None:
    notebook.run(UNTIL)
    for run_id in ("older", "newer"):
        notebook.run(f"run = %durable_run Order --run-id {run_id} qty=1")
        notebook.run("await until(run, 'waiting')")
    notebook.run("%durable_answer older ok=True")
    notebook.run("older = %durable_resume older\nawait until(older, 'completed')")

    def offered(line: str) -> list[str]:
        ours = {"Order", "older", "newer", "qty=", "sku=", "ok="}
        return [m for m in notebook.complete(line) if m in ours or m[:2] == "--"]

    assert offered("%durable_run ") == ["Order", "--run-id", "--new"]
    assert offered("run = %durable_run Or") == ["Order"]
    assert offered("durable_run Order q") == ["qty="]
    assert offered("%durable_run Order qty=1 ") == ["sku=", "--run-id", "--new"]
    assert offered("%durable_run Order --n") == ["--new"]
    assert offered("%durable_run Order --new --") == ["--run-id"]
    assert offered("%durable_run --run-id ") == ["newer", "older"]
    assert offered("%durable_run Order --run-id new") == ["newer"]
    assert offered("%%durable_run --") == ["--run-id", "--new"]
    assert offered("%durable_graph ") == ["Order", "newer", "older"]
    assert offered("%durable_timeline ") == ["newer", "older"]
    assert offered("%durable_answer ") == ["newer"]
    assert offered("%durable_answer newer ") == ["ok="]
    assert offered("%durable_answer older ") == []
    assert offered("%durable_resume ") == ["newer"]
    assert offered("%durable_journal ") == ["newer", "older"]
    assert offered("%durable_restart --k") == ["--kill"]
    assert offered("print('%durable_run ") == []


@pytest.mark.parametrize("magic", ["run", "restart", "serve"])
def test_tab_offers_the_options_that_there_are(notebook: Kernel, magic: str) -> None:
    said = notebook.run(f"%durable_{magic} --nope")
    names = said.partition("The options are: ")[2].strip().rstrip(".").split(", ")

    offered = [m for m in notebook.complete(f"%durable_{magic} --") if m[:2] == "--"]

    assert sorted(offered) == sorted(names)


# -- repr ------------------------------------------------------------------------------


def test_a_run_is_a_line_in_later_cells(notebook: Kernel) -> None:
    notebook.run(UNTIL)
    notebook.run("run = %durable_run Order --run-id a qty=1")
    notebook.run("await until(run, 'waiting')")
    waiting = notebook.run("run")
    printed = notebook.run("print(run)")
    notebook.run("%durable_answer a ok=True")
    notebook.run("await run")
    ended = notebook.run("run")
    below = notebook.run("%durable_run Order --run-id a")

    line = "Run('a') · Order · waiting · waits for an answer: Answer"
    assert waiting == line
    assert printed.strip() == line
    assert ended == "Run('a') · Order · completed · 2 completed steps"
    assert "Run('a')" not in below


def test_a_run_of_a_closed_journal_is_its_id(notebook: Kernel) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    notebook.run("%unload_ext durable_notebook")

    assert notebook.run("run") == "Run('a')"
    assert "durable_run" not in notebook.run("%lsmagic")


# -- load and unload -------------------------------------------------------------------

TRACES = """
import gc, os, threading
def traces():
    gc.collect()
    shell = get_ipython()
    files = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
             if os.path.exists(f"/proc/self/fd/{n}")]
    return {
        "magics": [n for m in shell.magics_manager.magics.values() for n in m],
        "registry": list(shell.magics_manager.registry),
        "configurables": [type(c).__name__ for c in shell.configurables],
        "config": list(shell.config),
        "matchers": len(shell.Completer.custom_matchers),
        "hooks": {k: len(v) for k, v in shell.events.callbacks.items()},
        "names": [n for n in shell.user_ns if "durable" in n],
        "files": [f for f in files if "durable" in f],
        "loops": len([f for f in files if "eventpoll" in f]),
        "threads": sorted(t.name for t in threading.enumerate()),
    }
"""


def test_unloading_leaves_nothing_behind(tmp_path: Path) -> None:
    cycle = (
        "%load_ext durable_notebook\n"
        "%config DurableNotebook.idle_timeout = 5.0\n"
        "%durable_run Order qty=1\n"
        "%reload_ext durable_notebook\n"
        "%unload_ext durable_notebook"
    )
    with kernel(tmp_path) as notebook:
        notebook.run(TRACES)
        notebook.run(DEFINITIONS)
        notebook.run("%load_ext autoreload\n%unload_ext autoreload\n%config")
        notebook.run("before = traces()")
        first = notebook.run(cycle)
        notebook.run("once = traces()")
        second = notebook.run(cycle)
        notebook.run("twice = traces()")
        left = notebook.run(
            "print({k: (v, once[k]) for k, v in before.items() if v != once[k]})\n"
            "print({k: (v, twice[k]) for k, v in once.items() if v != twice[k]})"
        )
        used = notebook.run("%durable_runs")

    assert "TRACEBACK" not in first + second
    assert "1 unfinished run" in second
    assert left.split() == ["{}", "{}"]
    assert "not found" in used


def test_a_setting_does_not_outlive_its_extension(tmp_path: Path) -> None:
    with kernel(tmp_path) as notebook:
        notebook.run("%load_ext durable_notebook")
        notebook.run("%config DurableNotebook.idle_timeout = 5.0")
        notebook.run("%reload_ext durable_notebook")

        # None is no output.
        assert notebook.run("%config DurableNotebook.idle_timeout") == ""


# -- a terminal ------------------------------------------------------------------------


def test_a_terminal_has_lines_in_the_place_of_panels(tmp_path: Path) -> None:
    (tmp_path / "defined.py").write_text(DEFINITIONS + UNTIL)
    lines = [
        "%load_ext durable_notebook",
        "from defined import *",
        "run = %durable_run Order qty=1",
        "await until(run, 'waiting')",
        "run.timeline()",
        "run.graph()",
        "%durable_run Order qty=1",
        "run",
        "get_ipython().run_line_magic('durable_answer', run.run_id + ' ok=True')",
        "await run",
        "%durable_run Order qty=1",
        "%durable_runs",
        "%durable_doctor",
        "%unload_ext durable_notebook",
    ]
    ipython = Path(sys.executable).with_name("ipython")
    done = subprocess.run(
        [ipython, "--simple-prompt", "--no-banner", "--no-confirm-exit"],
        input="\n".join(lines),
        cwd=tmp_path,
        env=os.environ | {"IPYTHONDIR": str(tmp_path / "ipython"), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    said = done.stdout
    assert "started now" in said, said + done.stderr
    assert "Order · waiting · waits for an answer: Answer" in said
    assert "Ask(question='1 tea?')" in said
    assert "prepare: Go → Ask · 1 completed" in said
    assert "TimelineView" not in said
    assert re.search(r"Run (\S+) asks: .*1 tea.* %durable_answer \1 ok=\.\.\.", said)
    # Two cells showed the run before its end, and one when it had ended.
    assert said.count("is completed: [1, True]") == 2
    assert "completed before: 2 steps" in said
    assert re.search(r"run +workflow +status +steps", said)
    assert "Nothing stands still here: no run is unfinished." in said
    assert "Traceback" not in said + done.stderr


# -- help ------------------------------------------------------------------------------


def test_every_magic_helps(notebook: Kernel) -> None:
    names = notebook.run(
        "manager = get_ipython().magics_manager\n"
        "print(*sorted({n for k in manager.magics.values() for n in k\n"
        "               if n.startswith('durable_')}))"
    ).split()

    for name in names:
        text = notebook.run(
            f"info = get_ipython().object_inspect('%{name}')\nprint(info['docstring'])"
        )
        assert f"%{name}" in text, name
        # As `?` shows it: no markup, and as wide as a terminal.
        assert max(map(len, text.splitlines())) <= 80
    assert {"durable_run", "durable_runs", "durable_answer"} <= set(names)
