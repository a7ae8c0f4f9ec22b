"""Every block of the README runs, as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.notebook.kernel import kernel

README = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(
        rf"^```python {kind}\n(.*?)^```", README, re.MULTILINE | re.DOTALL
    )


def test_the_script_runs_and_runs_again(tmp_path: Path) -> None:
    (script,) = blocks("script")
    (tmp_path / "counter.py").write_text(script)

    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "counter.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert (done.returncode, done.stdout) == (0, "20\n"), done.stderr


@pytest.mark.kernel
def test_the_cells_run_and_survive_a_kill(tmp_path: Path) -> None:
    definition, run = blocks("notebook")
    with kernel(tmp_path) as first:
        first.run(definition)
        first.run(run)
        first.run("while not (await run.info()).prompts: pass")

    with kernel(tmp_path) as second:
        second.run(definition)
        second.run(run)
        second.run("%durable_answer order-17 approved=True")
        result = second.run("print(await run)")
        journal = second.run("%durable_journal order-17")

    assert "sent: True, 40 euros" in result
    assert journal.count("prepare") == 1


def test_it_is_short() -> None:
    assert len(README.splitlines()) < 150
