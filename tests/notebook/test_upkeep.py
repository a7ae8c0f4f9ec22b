"""Magics that cancel, fork, rewind and delete, in a real kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.notebook.conftest import DEFINITIONS
from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel

BROKEN = """
class Broken(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        raise ValueError("tray 2 is empty")
"""
MENDED = BROKEN.replace('raise ValueError("tray 2 is empty")', "return StopEvent('ok')")
MENDED = MENDED.replace("StopEvent('ok')", "StopEvent(result='ok')")
ENDED = "try: print(await run)\nexcept ValueError as e: print('FAILED', e)"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("kept")) as running:
        running.run("%load_ext durable_notebook")
        running.run(DEFINITIONS)
        yield running


def test_a_failed_run_is_mended_and_does_its_last_turn_again(kept: Kernel) -> None:
    """Also where the class was known to nobody since a restart."""
    kept.run(BROKEN + "run = %durable_run Broken --run-id b")
    assert "FAILED tray 2" in kept.run(ENDED)
    kept.run("%durable_restart")

    kept.run(MENDED)
    kept.run("run = %durable_rewind b")

    assert "ok" in kept.run(ENDED)


def test_a_class_that_was_run_again_is_taken_by_a_fork(kept: Kernel) -> None:
    kept.run(BROKEN + "run = %durable_run Broken --run-id c")
    kept.run(ENDED)

    kept.run(MENDED)
    shown = kept.run("run = %durable_fork c --position 0 --new-run-id d")

    assert "forked from c" in shown
    assert "ok" in kept.run(ENDED)
    assert "FAILED" in kept.run("run = %durable_resume c\n" + ENDED)


def test_a_run_is_cancelled_and_deleted(kept: Kernel) -> None:
    kept.run("run = %durable_run Order --run-id o qty=1")

    said = kept.run("%durable_cancel o")
    kept.run("try: await run\nexcept BaseException: pass")
    deleted = kept.run("%durable_delete o")

    assert said == "Run o was asked to end.\n"
    assert deleted == "Run o is deleted.\n"
    assert "UsageError: No run 'o'" in kept.run("%durable_cancel o")


def test_several_runs_are_deleted_all_or_none(kept: Kernel) -> None:
    for name in ("x", "y"):
        kept.run(f"run = %durable_run Order --run-id {name} qty=1")
        kept.run(f"%durable_cancel {name}")
        kept.run("try: await run\nexcept BaseException: pass")

    refused = kept.run("%durable_delete x never y")
    said = kept.run("%durable_delete --missing-ok x never y x")

    assert "UsageError: No run 'never'" in refused
    # Lines may come in two messages.
    assert " ".join(said.split()) == "Run x is deleted. Run y is deleted."
    assert kept.run("%durable_delete --missing-ok x") == ""


def test_a_run_is_paused_and_goes_on(kept: Kernel) -> None:
    kept.run("run = %durable_run Order --run-id p qty=1")

    said = kept.run("%durable_pause p")
    paused = kept.run("print((await run.info()).status)")
    shown = kept.run("run = %durable_resume p\n%durable_answer p ok=True")

    assert said == "Run p is paused. Go on with it: %durable_resume p\n"
    assert paused == "paused\n"
    assert "Order · run p" in shown
    assert "[1, True]" in kept.run("print(await run)")
    assert "UsageError: Run 'p' has already ended" in kept.run("%durable_pause p")


@pytest.mark.parametrize(
    "verb", ["cancel", "pause", "fork", "rewind", "delete", "reassign"]
)
def test_a_run_must_be_named(kept: Kernel, verb: str) -> None:
    said = kept.run(f"%durable_{verb}")

    assert said.startswith(f"UsageError: Name the run: %durable_{verb} RUN.")


def test_a_position_is_a_number(kept: Kernel) -> None:
    assert "takes a number" in kept.run("%durable_fork b --position last")
