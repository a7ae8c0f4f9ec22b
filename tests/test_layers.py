"""The layers hold, and the core loads nothing of a notebook or a server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import durable_notebook

PROJECT = Path(durable_notebook.__file__).parent.parent

LOADED = """
import sys
import durable_notebook
names = {"IPython", "ipywidgets", "ipykernel", "traitlets", "pandas"}
names |= {"llama_agents", "starlette", "uvicorn", "httpx"}
print(*sorted(names & sys.modules.keys()))
"""


def test_the_contracts_are_kept() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "0 broken" in linted.stdout


def test_importing_the_package_loads_nothing_of_a_notebook_or_a_server() -> None:
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOADED],
        capture_output=True,
        text=True,
        check=True,
    )

    assert printed.stdout.strip() == ""
    assert printed.stderr == ""


def test_sql_is_in_the_store_only() -> None:
    package = Path(durable_notebook.__file__).parent
    others = [p for p in package.rglob("*.py") if p.parent.name != "store"]

    found = [p.name for p in others if "sqlite3" in p.read_text("utf-8")]

    assert found == []
