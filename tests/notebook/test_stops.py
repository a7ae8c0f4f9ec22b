"""`%durable_restart --at STEP --before|--after`: a stop exactly at one commit."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbclient.exceptions import DeadKernelError

from durable_notebook.client._journal import Journal
from tests.notebook.conftest import DEFINITIONS as ORDER
from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel

DEFINITIONS = """
from pathlib import Path
from workflows import Context, Workflow, step
from workflows.events import Event, StartEvent, StopEvent

def note(what):
    with Path("bodies.txt").open("a") as file:
        file.write(what + "\\n")

class Charged(Event):
    pass

class Again(Event):
    left: int

class Order(Workflow):
    @step
    async def charge(self, ctx: Context, ev: StartEvent) -> Charged:
        await ctx.store.set("paid", 40)
        note("charge")
        return Charged()

    @step
    async def ship(self, ev: Charged) -> StopEvent:
        note("ship")
        return StopEvent(result="on its way")

class Count(Workflow):
    @step
    async def begin(self, ev: StartEvent) -> Again:
        return Again(left=4)

    @step
    async def count(self, ctx: Context, ev: Again) -> Again | StopEvent:
        note(f"count {ev.left}")
        async with ctx.store.edit_state() as state:
            state["n"] = state.get("n", 0) + 1
        return Again(left=ev.left - 1) if ev.left else StopEvent(result=state["n"])
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Kernel]:
    with kernel(tmp_path) as running:
        running.run("%load_ext durable_notebook")
        running.run(DEFINITIONS)
        yield running


def bodies(folder: Path) -> list[str]:
    return (folder / "bodies.txt").read_text().splitlines()


def on_disk(folder: Path, run_id: str = "a") -> list[tuple[str, str]]:
    """What the journal has of a run, as steps and states, read from outside."""
    with Journal.open(
        f"sqlite:///{folder / '.durable_notebook' / 'journal.sqlite'}"
    ) as journal:
        rows = journal.attempts(journal.info(run_id))
        return [(row.step, str(row.status)) for row in rows]


def shown(notebook: Kernel, place: int) -> str:
    """What stands now in the output of a cell that was run."""
    outputs = notebook.outputs()[place].outputs
    return "".join(output.get("data", {}).get("text/plain", "") for output in outputs)


def until_shown(notebook: Kernel, place: int, text: str) -> str:
    """The same, once it has a text: what is displayed is read while a cell runs."""
    deadline = time.monotonic() + 10
    while text not in shown(notebook, place):
        assert time.monotonic() < deadline, shown(notebook, place)
        notebook.run("")
    return shown(notebook, place)


@pytest.mark.parametrize(
    ("when", "expected"),
    [("before", ["charge", "charge", "ship"]), ("after", ["charge", "ship"])],
)
def test_a_restart_comes_exactly_at_the_commit(
    notebook: Kernel, tmp_path: Path, when: str, expected: list[str]
) -> None:
    armed = notebook.run(f"%durable_restart a --at charge --{when}")
    place = len(notebook.outputs()) - 1
    said = notebook.run("run = %durable_run Order --run-id a\nprint(await run)")

    journal = notebook.run("%durable_journal a")

    assert f"{when} the commit of charge" in armed
    assert "on its way" in said
    assert bodies(tmp_path) == expected
    assert "session 2 begins" in journal
    # After the commit the journal has it that `ship` begins; nobody saw it begin.
    interrupted = [line for line in journal.splitlines() if "interrupted" in line]
    assert len(interrupted) == 1
    assert ("charge" if when == "before" else "ship") in interrupted[0][:20]
    assert "Stopped" in until_shown(notebook, place, "restarted")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_comes_exactly_at_the_commit(tmp_path: Path, when: str) -> None:
    with kernel(tmp_path) as first:
        first.run("%load_ext durable_notebook")
        first.run(f"%durable_restart a --at charge --{when} --kill")
        first.run(DEFINITIONS)
        with pytest.raises(DeadKernelError):
            first.run("run = %durable_run Order --run-id a\nprint(await run)")
        at_the_kill = on_disk(tmp_path), bodies(tmp_path)

    # Run All once more, with the very same cells.
    with kernel(tmp_path) as second:
        second.run("%load_ext durable_notebook")
        again = second.run(f"%durable_restart a --at charge --{when} --kill")
        second.run(DEFINITIONS)
        said = second.run("run = %durable_run Order --run-id a\nprint(await run)")
        place = next(i for i, c in enumerate(second.outputs()) if "--at" in c.source)
        if when == "before":
            until_shown(second, place, "was interrupted there before")

    if when == "before":
        assert at_the_kill == ([("charge", "interrupted")], ["charge"])
        assert bodies(tmp_path) == ["charge", "charge", "ship"]
    else:
        rows = [("charge", "completed"), ("ship", "interrupted")]
        assert at_the_kill == (rows, ["charge"])
        assert bodies(tmp_path) == ["charge", "ship"]
        assert "is past that" in again
    assert "on its way" in said


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_nth_execution_is_counted_in_the_journal(
    notebook: Kernel, tmp_path: Path, when: str
) -> None:
    notebook.run(f"%durable_restart --at count:2 --{when}")
    notebook.run(f"%durable_restart --at count:4 --{when}")
    said = notebook.run("run = %durable_run Count --run-id a\nprint(await run)")

    repeated = ["count 3", "count 1"] if when == "before" else []
    assert sorted(bodies(tmp_path)) == sorted(
        [f"count {n}" for n in range(5)] + repeated
    )
    assert said.strip().endswith("5")
    assert "session 3 begins" in notebook.run("%durable_journal a")


def test_a_cell_that_looks_at_the_run_goes_on_over_the_restart(
    notebook: Kernel,
) -> None:
    notebook.run("%durable_restart --at count:3 --before")
    said = notebook.run(
        "import asyncio\n"
        "run = %durable_run Count --run-id a\n"
        "while (await run.info()).status != 'completed':\n"
        "    await asyncio.sleep(0)\n"
        "print(len(await run.journal()))"
    )

    assert said.strip().endswith("7")


def test_other_runs_go_on_after_the_restart(notebook: Kernel, tmp_path: Path) -> None:
    notebook.run("%durable_restart a --at charge --before")
    notebook.run("b = %durable_run Count --run-id b")
    notebook.run("a = %durable_run Order --run-id a")

    said = notebook.run("print(await a, await b)")

    assert "on its way 5" in said


def test_a_stop_that_no_run_comes_to_says_so(notebook: Kernel) -> None:
    notebook.run("%durable_restart a --at count --before")
    place = len(notebook.outputs()) - 1
    notebook.run("run = %durable_run Order --run-id a\nawait run")

    assert "never came to count" in until_shown(notebook, place, "has ended")
    again = notebook.run("%durable_restart a --at count --before")
    assert "has ended" in again


def test_a_plain_restart_takes_stops_back(notebook: Kernel, tmp_path: Path) -> None:
    notebook.run("b = %durable_run Count --run-id b\nawait b")
    notebook.run("%durable_restart --at charge --before --kill")
    said = notebook.run("%durable_restart")
    notebook.run("a = %durable_run Order --run-id a\nawait a")

    assert "1 stop taken back" in said
    assert bodies(tmp_path)[-2:] == ["charge", "ship"]


def test_nothing_is_watched_while_no_stop_is_set(notebook: Kernel) -> None:
    watched = (
        "durable = next(c for c in get_ipython().configurables"
        " if hasattr(c, 'panels_of'))\n"
        "print('append' in vars(durable.session.runtime.store))"
    )
    before = notebook.run(watched)
    notebook.run("%durable_restart --at charge --before")
    during = notebook.run(watched)
    notebook.run("a = %durable_run Order --run-id a\nawait a")
    after = notebook.run(watched)

    assert [before.strip(), during.strip(), after.strip()] == ["False", "True", "False"]


def test_a_terminal_restarts_too(tmp_path: Path) -> None:
    """There is no loop between its cells, and no place to redraw."""
    (tmp_path / "cells.ipy").write_text(
        f"%load_ext durable_notebook\n{DEFINITIONS}\n"
        "%durable_restart a --at charge --before\n"
        "run = %durable_run Order --run-id a\n"
        "print(await run)\n"
        "%durable_journal a\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor"],
        input="%run cells.ipy\n",
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "Stopped before the commit of charge" in done.stdout, done.stdout
    assert "on its way" in done.stdout
    assert bodies(tmp_path) == ["charge", "charge", "ship"]


def test_a_cell_that_answers_outlasts_a_stop(notebook: Kernel) -> None:
    notebook.run(ORDER)
    notebook.run("%durable_restart p --at prepare --after")
    notebook.run("%durable_restart p --at finish --before")
    said = notebook.run(
        "import asyncio\n"
        "run = %durable_run Order --run-id p qty=1\n"
        "while not (await run.info()).prompts:\n"
        "    await asyncio.sleep(0)\n"
        "await run.answer(ok=True)\n"
        "print(await run)\n"
        "print(max(row.session for row in await run.journal()))"
    )

    assert said.strip().endswith("[1, True]\n3")


def test_mistakes_name_the_way_out_and_tab_what_there_is(notebook: Kernel) -> None:
    for line, remedy in {
        "--at charge": "--before or --after",
        "--at charge --before --after": "--before or --after",
        "--before": "--at STEP",
        "a": "--at STEP",
        "--at charge:x --before": "a number from 1",
        "--at charge:0 --before": "a number from 1",
        "--at :2 --before": "--at STEP",
    }.items():
        text = notebook.run(f"%durable_restart {line}")

        assert text.startswith("UsageError:"), text
        assert remedy in text, text

    notebook.run("a = %durable_run Order --run-id a\nawait a")

    def offered(line: str) -> list[str]:
        ours = {"charge", "ship", "begin", "count", "a"}
        return [m for m in notebook.complete(line) if m in ours or m[:2] == "--"]

    assert offered("%durable_restart --at ") == ["charge", "ship", "begin", "count"]
    assert offered("%durable_restart --at ch") == ["charge"]
    assert offered("%durable_restart a --at charge --") == [
        "--before",
        "--after",
        "--kill",
    ]
    assert offered("%durable_restart ") == [
        "a",
        "--at",
        "--before",
        "--after",
        "--kill",
    ]
