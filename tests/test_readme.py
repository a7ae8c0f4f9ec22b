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


def script_in(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "counter.py"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_script_is_killed_and_goes_on(tmp_path: Path) -> None:
    (script,) = blocks("script")
    # At this pace a person is quick enough with the kill.
    assert "asyncio.sleep(0.2)" in script
    # The first one comes no further than its ninth step, however late the kill is.
    waits = "sleep(0.02 if ev.count < 8 else 60)"
    (tmp_path / "counter.py").write_text(script.replace("sleep(0.2)", waits))

    with script_in(tmp_path) as first:
        assert first.stdout is not None
        counted = [first.stdout.readline() for _ in range(8)]
        first.kill()
        counted += first.stdout.readlines()
    (tmp_path / "counter.py").write_text(script.replace("sleep(0.2)", "sleep(0.02)"))
    with script_in(tmp_path) as second:
        assert second.stdout is not None
        *rest, last = second.stdout.readlines()
    with script_in(tmp_path) as third:
        assert third.stdout is not None
        again = third.stdout.readlines()

    numbers = [int(line) for line in counted + rest]
    # The step that was interrupted is done again, and none before it.
    assert sorted(set(numbers)) == list(range(21))
    assert len(numbers) <= 22
    assert [last] == again == ["counted to 20\n"]
    assert (second.returncode, third.returncode) == (0, 0)


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
