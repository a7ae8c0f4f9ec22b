"""What steps print and display is on the panel of their run, and in no cell."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel

NOISY = """
import sys, asyncio
from pathlib import Path
from IPython.display import HTML, clear_output, display
from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent

class Half(Event):
    pass

class Noisy(Workflow):
    @step
    async def first(self, ev: StartEvent) -> Half:
        print("gone")
        clear_output()
        print("printed <b>", ev.get("name"))
        print("to stderr", file=sys.stderr, flush=True)
        display(HTML("<i>shown</i>"))
        display({"a": 1})
        return Half()

    @step
    def second(self, ev: Half) -> StopEvent:
        print("in a thread")
        while not Path("go").exists():
            pass
        return StopEvent(result="done")
"""

PRINTED = (
    "printed <b> n\n"
    "to stderr\n"
    "<IPython.core.display.HTML object>\n"
    "{'a': 1}\n"
    "in a thread\n"
)


def shown(notebook: Kernel, starts: str) -> str:
    """What the outputs of a cell show by now."""
    cell = next(c for c in notebook.outputs() if c.source.startswith(starts))
    return "\n".join(
        o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs
    )


def test_prints_are_on_the_panel_of_their_run(tmp_path: Path) -> None:
    with kernel(tmp_path) as notebook:
        notebook.run("%load_ext durable_notebook")
        notebook.run(NOISY)
        notebook.run("run = %durable_run Noisy --run-id n name='n'")
        later = notebook.run(
            "print('mine')\n"
            "display('my own')\n"
            "while 'thread\\n' not in await run.output():\n"
            "    await asyncio.sleep(0.02)\n"
            "print(await run.output())"
        )
        (tmp_path / "go").touch()
        notebook.run("await run")

        assert later == f"mine\n\n'my own'\n{PRINTED}\n"
        panel = shown(notebook, "run = ")
        assert PRINTED.strip() in panel
        html = "".join(
            o.data.get("text/html", "")
            for c in notebook.outputs()
            if c.source.startswith("run = ")
            for o in c.outputs
        )
        assert "printed &lt;b&gt; n" in html

    with kernel(tmp_path) as notebook:
        notebook.run("%load_ext durable_notebook")
        notebook.run(NOISY)
        panel = notebook.run("run = %durable_run Noisy --run-id n name='n'")

        assert "replayed: from session 1\n" + PRINTED.strip() in panel


def test_unloading_takes_the_streams_back(tmp_path: Path) -> None:
    with kernel(tmp_path) as notebook:
        streams = "(type(sys.stdout).__name__, 'publish' in vars(ip.display_pub))"
        notebook.run("import sys; ip = get_ipython()")
        assert notebook.run(streams) == "('OutStream', False)"
        notebook.run("%load_ext durable_notebook")
        assert notebook.run(streams) == "('_Stream', True)"
        notebook.run("%reload_ext durable_notebook")
        assert notebook.run(streams) == "('_Stream', True)"
        assert notebook.run("%%capture got\nprint('x')") == ""
        assert notebook.run("got.stdout") == "'x\\n'"
        notebook.run("%unload_ext durable_notebook")
        assert notebook.run(streams) == "('OutStream', False)"
        assert notebook.run("print('as ever', file=sys.stderr)") == "as ever\n"


WORKING = """
from durable_notebook import Progress
from workflows import Context

class Answered(Event):
    raw: dict

class Working(Workflow):
    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> Answered:
        return Answered(raw={"usage": {"prompt_tokens": 12000, "total_tokens": 12400}})

    @step
    async def work(self, ctx: Context, ev: Answered) -> StopEvent:
        n = 0
        while not Path("go").exists():
            n += 1
            ctx.write_event_to_stream(Progress(done=3, total=10, label=f"page {n}"))
            await asyncio.sleep(0.05)
        return StopEvent(result="done")
"""


def test_progress_and_what_was_kept_are_on_the_panel(tmp_path: Path) -> None:
    with kernel(tmp_path) as notebook:
        notebook.run("%load_ext durable_notebook")
        notebook.run(NOISY + WORKING)
        notebook.run("run = %durable_run Working --run-id w")
        # nbclient hears of a panel only while a cell runs: what is drawn between two
        # is lost to it, so the progress changes until one is seen.
        deadline = time.monotonic() + 20
        while "page " not in shown(notebook, "run = ") and time.monotonic() < deadline:
            notebook.run("await asyncio.sleep(0.3)")
        assert "3 of 10 (30%) · page " in shown(notebook, "run = ")
        assert "kept from before" not in shown(notebook, "run = ")

    with kernel(tmp_path) as notebook:
        notebook.run("%load_ext durable_notebook")
        notebook.run(NOISY + WORKING)
        panel = notebook.run("run = %durable_run Working --run-id w")
        assert "1 step" in panel
        assert "and 12,400 tokens kept from before" in panel
        (tmp_path / "go").touch()
        notebook.run("await run")
        journal = notebook.run("%durable_journal w")
        assert "12,400 tokens (12,000 in, 0 out): ask 12,400" in journal
