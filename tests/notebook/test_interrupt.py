"""The ■ of a cell that awaits a run ends the waiting, and never the run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.notebook.kernel import Kernel

pytestmark = pytest.mark.kernel

SLOW = """
from pathlib import Path
from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent

class Half(Event):
    pass

class Slow(Workflow):
    @step
    async def first(self, ev: StartEvent) -> Half:
        with Path("first").open("a") as file:
            file.write("1")
        while not Path("go").exists():
            await asyncio.sleep(0.01)
        return Half()

    @step
    async def second(self, ev: Half) -> StopEvent:
        Path("second").touch()
        return StopEvent(result="done")

def under(run_id):
    durable = next(c for c in get_ipython().configurables if hasattr(c, "panels_of"))
    return durable.panels_of(run_id)[0]

def buttons():
    import gc, ipywidgets
    found = (b for b in gc.get_objects() if isinstance(b, ipywidgets.Button))
    return {b.description: b for b in found}

def press_soon():
    import signal, threading
    # To the thread of the cell: that is where a system gives it to.
    main = threading.main_thread().ident
    press = threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT))
    asyncio.get_running_loop().call_later(0.1, press.start)

async def until(is_so):
    for _ in range(500):
        if is_so():
            return is_so()
        await asyncio.sleep(0.02)
    raise TimeoutError(is_so)
"""


@pytest.fixture
def slow(notebook: Kernel, tmp_path: Path) -> Kernel:
    notebook.run(SLOW)
    notebook.run("run = %durable_run Slow --run-id s")
    deadline = time.monotonic() + 20
    while not (tmp_path / "first").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return notebook


def interrupted(notebook: Kernel, awaits: str) -> str:
    """Run a cell that awaits, and interrupt it when it does, as ■ does."""
    return notebook.run(f"press_soon()\n{awaits}")


def test_the_run_goes_on_and_is_paused_by_a_click(slow: Kernel, tmp_path: Path) -> None:
    text = interrupted(slow, "await run")

    assert "CancelledError" in text or "KeyboardInterrupt" in text
    assert "Run s goes on; only the waiting has ended." in text
    assert "await run.pause()" in text
    slow.run("await until(lambda: {'Pause it', 'Let it go on'} <= buttons().keys())")
    slow.run("buttons()['Pause it'].click()")
    slow.run("await until(lambda: 'Go on' in buttons())\nPath('go').touch()")
    assert "('paused', 1)" in slow.run(
        "for _ in range(500):\n"
        "    i = await run.info()\n"
        "    if i.steps: break\n"
        "    await asyncio.sleep(0.02)\n"
        "(str(i.status), i.steps)"
    )
    assert not (tmp_path / "second").exists()

    slow.run("buttons()['Go on'].click()")
    assert "done" in slow.run("await run")
    assert (tmp_path / "first").read_text() == "1"


def test_the_text_says_it_without_widgets(slow: Kernel, tmp_path: Path) -> None:
    interrupted(slow, "await run")
    slow.run("await until(lambda: 'Pause it' in buttons())\nawait asyncio.sleep(0.1)")

    panel = next(
        cell
        for cell in slow.outputs()
        if cell.source.startswith("run = %durable_run Slow")
    )
    texts = [output.data.get("text/plain") for output in panel.outputs]
    assert "The run goes on. Pause it: await run.pause()" in texts
    slow.run("buttons()['Let it go on'].click()\nPath('go').touch()")
    assert "done" in slow.run("await run")


def test_a_time_out_asks_nothing(slow: Kernel, tmp_path: Path) -> None:
    text = slow.run("await asyncio.wait_for(run.result(), 0.1)")

    assert "TimeoutError" in text
    assert "goes on" not in text
    (tmp_path / "go").touch()
    assert "done" in slow.run("await run")


def test_other_cells_are_interrupted_as_ever(slow: Kernel, tmp_path: Path) -> None:
    text = interrupted(slow, "await asyncio.sleep(1)")

    assert "goes on" not in text
    (tmp_path / "go").touch()
    assert "done" in slow.run("await run")
