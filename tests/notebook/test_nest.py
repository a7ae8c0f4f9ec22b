"""A script that calls `asyncio.run()`, pasted into a cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_notebook.notebook.magics.nest import _way_out

from .kernel import Kernel, kernel

SCRIPT = """
import asyncio
from workflows import Workflow, step
from workflows.events import StartEvent, StopEvent
from durable_notebook import DBOSRuntime

class Once(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        await asyncio.sleep(0.01)
        return StopEvent(result="done in a script")

async def main():
    async with DBOSRuntime(database_url="sqlite:///script.sqlite") as runtime:
        return await Once(runtime=runtime).run(run_id="once")

if __name__ == "__main__":
    print(asyncio.run(main()))
"""

ASKING = """
from workflows import Context, Workflow, step
from workflows.events import HumanResponseEvent, InputRequiredEvent, StartEvent
from workflows.events import StopEvent

class Approve(HumanResponseEvent):
    ok: bool

class Asking(Workflow):
    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        asked = InputRequiredEvent(prefix="May I?")
        answer = await ctx.wait_for_event(Approve, waiter_event=asked)
        return StopEvent(result=answer.ok)
"""


def test_the_refusal_says_what_to_write(notebook: Kernel) -> None:
    said = notebook.run(SCRIPT)

    assert "Write 'await main()' for 'asyncio.run(main())'" in said
    assert "or run %durable_nest once" in said


def test_a_pasted_script_runs_as_it_is(tmp_path: Path) -> None:
    with kernel(tmp_path) as notebook:
        notebook.run("%load_ext durable_notebook")
        said = notebook.run("%durable_nest")
        assert said == "asyncio.run() works in cells now, until the kernel restarts.\n"

        assert "done in a script" in notebook.run(SCRIPT)
        # The session's runs go on beside, and cells may still await.
        notebook.run(ASKING)
        notebook.run("run = %durable_run Asking --run-id a")
        notebook.run("%durable_answer a ok=True")
        assert "True" in notebook.run(
            "async def main():\n    return await run\nasyncio.run(main())"
        )
        assert "True" in notebook.run("await run")
        assert "takes nothing" in notebook.run("%durable_nest now")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("asyncio.run(main(1, 'a'))", "Write 'await main(1, 'a')' for"),
        ("loop.run_until_complete(work())", "Write 'await work()' for"),
        ("%time asyncio.run(main())", "use await, or run %durable_nest."),
        ("run_it()", "use await, or run %durable_nest."),
    ],
)
def test_what_to_write_is_read_off_the_cell(source: str, said: str) -> None:
    assert said in _way_out(source)
