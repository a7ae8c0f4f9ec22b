"""After a restart and a changed class, what the notebook has today counts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.notebook.conftest import DEFINITIONS
from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel

HANGING = """
class Middle(Event):
    pass

class Report(Workflow):
    @step
    async def collect(self, ev: StartEvent) -> Middle:
        return Middle()

    @step
    async def check(self, ev: Middle) -> StopEvent:
        await asyncio.sleep(3600)
        return StopEvent(result="at last")
"""
RENAMED = HANGING.replace("def check", "def proofread")
MENDED = HANGING.replace("        await asyncio.sleep(3600)\n", "")
ASKED = "while not (await run.info()).prompts: await asyncio.sleep(0.02)"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("kept")) as running:
        running.run("%load_ext durable_notebook")
        running.run(DEFINITIONS)
        yield running


def test_a_refused_run_is_resumed_with_the_class_that_was_put_back(
    kept: Kernel,
) -> None:
    """As its error says: restore the steps, and resume."""
    kept.run(HANGING + "report = %durable_run Report --run-id r")
    kept.run("while (await report.info()).steps < 1: await asyncio.sleep(0.02)")
    kept.run(RENAMED)
    kept.run("%durable_restart")
    assert "does not fit" in kept.run(
        "try: await report\nexcept Exception as e: print(e)"
    )

    kept.run(MENDED)
    kept.run("report = %durable_resume r")

    assert kept.run("print(await report)") == "at last\n"


def test_the_panel_of_a_run_that_went_on_has_each_step_once(kept: Kernel) -> None:
    kept.run("run = %durable_run Order --run-id o qty=1\n" + ASKED)

    kept.run("%durable_restart\n" + ASKED + "\nawait run.answer(ok=True)\nawait run")

    cells = kept.outputs()[-1].outputs
    pages = [str(o.data.get("text/html", "")) for o in cells if "data" in o]
    (panel,) = (page for page in pages if "finish" in page)
    assert re.findall(r">(prepare|finish)<", panel) == ["prepare", "finish"]


def test_a_run_object_outlasts_a_reload_of_the_extension(kept: Kernel) -> None:
    kept.run("run = %durable_run Order --run-id p qty=1\n" + ASKED)

    kept.run("%unload_ext durable_notebook")
    said = kept.run("await run.info()")
    kept.run("%load_ext durable_notebook")

    assert "is not loaded in this kernel any more. Load it again: " in said
    assert kept.run("print((await run.info()).run_id)") == "p\n"
