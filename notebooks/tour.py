"""Run lesson 1 in real kernels, with its kill, and check what it promises.

`make tour` runs it on a copy and prints the journal; `make notebooks` keeps the
outputs in the notebook. Exits 0 only if no completed step ran twice and the results
are right.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from durable_notebook import Client, DBOSRuntime
from durable_notebook.views import frames

LESSON = Path(__file__).with_name("01_crash_and_resume.ipynb")
_BEGAN = time.monotonic()


def say(text: str) -> None:
    """Print a line of progress with the time since the beginning."""
    print(f"[{time.monotonic() - _BEGAN:5.1f} s] {text}", flush=True)


class Life(NotebookClient):
    """One kernel that runs the notebook from its first cell."""

    async def async_execute_cell(
        self, cell: Any, cell_index: int, **options: Any
    ) -> Any:
        if cell.cell_type == "code":
            say(f"  {cell.source.strip().splitlines()[0][:68]}")
        return await super().async_execute_cell(cell, cell_index, **options)


def run_notebook(notebook: Any, folder: Path) -> bool:
    """Run all cells in a new kernel. False if the kernel died on the way."""
    life = Life(notebook, timeout=60, resources={"metadata": {"path": str(folder)}})
    try:
        life.execute()
    except DeadKernelError:
        return False
    return True


async def read_journals(folder: Path) -> dict[str, Any]:
    """Read the runs' journals as a script does: no notebook is needed for it."""
    url = f"sqlite:///{folder / '.durable_notebook' / 'journal.sqlite'}"
    async with DBOSRuntime(database_url=url, executor_id="tour") as runtime:
        client = Client(runtime)
        return {
            info.run_id: frames.journal(info, await client.run(info.run_id).journal())
            for info in await client.runs()
        }


def check(journals: dict[str, Any], ledger: str, notebook: Any) -> list[str]:
    """What is not as the lesson promises, in plain words."""
    counter = journals["counter-run-1"]
    interrupted = list(counter[counter["status"] == "interrupted"]["received"])
    done = counter[counter["status"] == "completed"]["received"]
    sessions = sorted(set(counter["session"]))
    lines = ledger.splitlines()
    facts = {
        f"the counter is {counter.run.status}": counter.run.status == "completed",
        f"steps completed twice: {_twice(done)}": not _twice(done),
        f"the sessions of the counter are {sessions}": sessions == [1, 2],
        f"interrupted were {interrupted}": len(interrupted) == 1,
        f"the ledger is {lines}": lines == ["charged 40", "charged 40", "shipped"],
    }
    wrong = [text for text, is_right in facts.items() if not is_right]
    return wrong or check_second_life(notebook, interrupted[0])


def check_second_life(notebook: Any, interrupted: str) -> list[str]:
    """What the second kernel printed that it should not have, or the reverse."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in outputs)
    panels = [output.get("data", {}).get("text/plain", "") for output in outputs]
    # What steps print is on the panel of their run, under a line for each life.
    again = "".join(panel.partition("── session 2\n")[2] for panel in panels)
    # On a slow machine the kill lands a tick later than the lesson says.
    first = int("".join(re.findall(r"\d+", interrupted))) + 1
    ticks = [int(n) for n in re.findall(r"\[Tick +(\d+)\]", again)]
    facts = {
        "no 'final_count = 20' was printed": "Result: final_count = 20" in printed,
        "a step printed into a cell": "[Tick" not in printed,
        "'[Start]' was printed again": "[Start]" not in again,
        f"the second life printed the ticks {ticks}": ticks == [*range(first, 21)],
    }
    return [text for text, is_right in facts.items() if not is_right]


def _twice(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def main() -> int:
    """Run the lesson twice and tell what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="keep the outputs")
    save = parser.parse_args().save
    with tempfile.TemporaryDirectory(prefix="durable-tour-") as name:
        folder = Path(name)
        copy = folder / LESSON.name
        shutil.copy(LESSON, copy)
        say("A kernel runs the notebook.")
        if run_notebook(nbformat.read(copy, as_version=4), folder):
            say("WRONG: the first kernel was to die and did not.")
            return 1
        say("The kernel is dead (SIGKILL in the middle of a step). A new one runs it.")
        notebook = nbformat.read(copy, as_version=4)
        if not run_notebook(notebook, folder):
            say("WRONG: the second kernel died too.")
            return 1
        say("The run is complete. Its journal, both lives:")
        journals = asyncio.run(read_journals(folder))
        print(f"\n{journals['counter-run-1']}\n\n{journals['order-1']}\n")
        wrong = check(journals, (folder / "ledger.txt").read_text(), notebook)
    for problem in wrong:
        say(f"WRONG: {problem}.")
    if not wrong:
        say("No completed step ran twice, the counter is exact: final_count = 20.")
    if save and not wrong:
        nbformat.write(notebook, LESSON)
        say(f"Outputs kept in {LESSON.name}.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
