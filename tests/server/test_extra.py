"""Without the extra `server`, a program that asks for a server is told what to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys

# As if it were not installed.
sys.modules["llama_agents"] = None
from durable_notebook import DBOSRuntime

try:
    DBOSRuntime().{call}()
except Exception as e:
    print(type(e).__name__, e)
"""


@pytest.mark.parametrize("call", ["create_workflow_store", "build_server_runtime"])
def test_it_names_the_command(call: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(call=call)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert printed.stdout.startswith("ConfigError")
    assert "pip install 'durable-notebook[server]'" in printed.stdout
    assert printed.stderr == ""
