"""What an IPython user expects of magics: Tab, `?`, unloading, `repr`."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def test_tab_opens_nothing(tmp_path: Path) -> None:
    with kernel(tmp_path) as notebook:
        notebook.run("%load_ext durable_notebook")

        assert not any("run" in m for m in notebook.complete("%durable_resume "))
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
    assert offered("%durable_answer ") == ["newer"]
    assert offered("%durable_answer newer ") == ["ok="]
    assert offered("%durable_answer older ") == []
    assert offered("%durable_resume ") == ["newer"]
    assert offered("%durable_journal ") == ["newer", "older"]
    assert offered("%durable_restart --") == ["--kill"]
    assert offered("print('%durable_run ") == []


@pytest.mark.parametrize("magic", ["run", "restart", "serve"])
def test_tab_offers_the_options_that_there_are(notebook: Kernel, magic: str) -> None:
    said = notebook.run(f"%durable_{magic} --nope")
    names = said.partition("The options are: ")[2].strip().rstrip(".").split(", ")

    offered = [m for m in notebook.complete(f"%durable_{magic} --") if m[:2] == "--"]

    assert sorted(offered) == sorted(names)
