"""Restart and Run All: a cell finds its run again, in real kernels."""

from __future__ import annotations

import re
import shutil
import time
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from tests.notebook.conftest import DEFINITIONS
from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel

# What a body writes it does: a line that is there twice was done twice.
LEDGER = (
    DEFINITIONS
    + """
import pathlib

def did(what):
    with open("ledger.txt", "a") as ledger:
        ledger.write(what + chr(10))

class Half(Event):
    pass

class Count(Workflow):
    @step
    async def one(self, ev: StartEvent) -> Half:
        did("count one")
        await asyncio.sleep(0.01)
        return Half()

    @step
    async def two(self, ev: Half) -> StopEvent:
        did("count two")
        return StopEvent(result="counted")

class Slow(Workflow):
    @step
    async def one(self, ev: StartEvent) -> Half:
        did("slow one")
        return Half()

    @step
    async def two(self, ev: Half) -> StopEvent:
        while not pathlib.Path("go").exists():
            await asyncio.sleep(0.02)
        did("slow two")
        return StopEvent(result="slowly")

class Quick(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        did(f"quick {ev.get('n', 0)}")
        return StopEvent(result=ev.get("n", 0))

class Fails(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        if not pathlib.Path("mended").exists():
            raise ValueError("broken")
        return StopEvent(result="mended")

async def until(run, status):
    for _ in range(1000):
        if (info := await run.info()).status == status:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(info)

async def ended(run):
    try:
        return await run
    except ValueError as e:
        return repr(e)
"""
)

NOTEBOOK = {
    "load": "%load_ext durable_notebook",
    "define": LEDGER,
    "count": "count = %durable_run Count",
    "slow": "slow = %durable_run Slow",
    "order": "order = %durable_run Order qty=1",
}


def run_all(notebook: Kernel, *, with_ids: bool = True) -> dict[str, str]:
    return {
        name: notebook.run(source, name if with_ids else None)
        for name, source in NOTEBOOK.items()
    }


# How many forms are open in the notebook, once there is one.
FORMS = """
import asyncio, time
from durable_notebook.notebook._form import FormView
from ipywidgets.widgets.widget import _instances
def forms():
    return sum(isinstance(w, FormView) for w in list(_instances.values()))
deadline = time.monotonic() + 20
while not forms() and time.monotonic() < deadline:
    await asyncio.sleep(0.02)
print(forms())
"""


def run_id(panel: str) -> str:
    found = re.search(r" · run (\S+) · ", panel)
    assert found, panel
    return found.group(1)


def ledger(folder: Path) -> Counter[str]:
    return Counter((folder / "ledger.txt").read_text().splitlines())


@pytest.fixture
def again(tmp_path: Path):
    with kernel(tmp_path) as running:
        running.run("%load_ext durable_notebook")
        running.run(LEDGER)
        yield running


@pytest.mark.parametrize("with_ids", [True, False], ids=["cell ids", "none"])
def test_restart_and_run_all_does_nothing_twice(tmp_path: Path, with_ids: bool) -> None:
    with kernel(tmp_path) as first:
        began = run_all(first, with_ids=with_ids)
        first.run("await until(count, 'completed'); await until(order, 'waiting')")
        first.run("while not any(a.step == 'two' for a in await slow.journal()): pass")

    with kernel(tmp_path) as second:
        found = run_all(second, with_ids=with_ids)
        forms = second.run(FORMS)
        (tmp_path / "go").touch()
        results = second.run("print(await count, await slow)")
        second.run(f"%durable_answer {run_id(found['order'])} ok=True")
        results += second.run("print(await order)")

    # Shown by the class's cell when it went on, and then by its own cell.
    assert forms.split() == ["1"]
    for name in ("count", "slow", "order"):
        assert run_id(found[name]) == run_id(began[name])
    assert re.search(
        r"completed in an earlier session: 2 steps and \d.* not done again; "
        "--new starts afresh",
        found["count"],
    ), found["count"]
    assert "result: 'counted'" in found["count"]
    assert "resumed in session 2: no completed step runs again" in found["slow"]
    assert "waits for an answer: Answer" in found["order"]
    assert "counted slowly" in results
    assert "[1, True]" in results
    assert ledger(tmp_path) == Counter(
        ["count one", "count two", "slow one", "slow two"]
    )


def test_a_run_that_ended_before_its_cell_ran_is_said_to_have_been_resumed(
    tmp_path: Path,
) -> None:
    """A step did run again, so nothing is said of all of them being spared."""
    with kernel(tmp_path) as first:
        first.run("%load_ext durable_notebook")
        first.run(LEDGER)
        first.run("slow = %durable_run Slow --run-id s")
        first.run("while not any(a.step == 'two' for a in await slow.journal()): pass")
    (tmp_path / "go").touch()

    with kernel(tmp_path) as second:
        second.run("%load_ext durable_notebook")
        second.run(LEDGER)
        second.run("slow = %durable_resume s")
        second.run("await until(slow, 'completed')")
        panel = second.run("slow = %durable_run Slow --run-id s")

    said = "resumed in session 2 and completed: no completed step ran again"
    assert f"{said}; another --run-id starts afresh" in panel, panel


@pytest.mark.parametrize("work", ["", "await asyncio.to_thread(len, '')"])
def test_a_kernel_that_is_shut_down_interrupts_its_runs(
    tmp_path: Path, work: str
) -> None:
    """Python takes the notebook's names and its threads away before it ends."""
    define = LEDGER.replace(
        "await asyncio.sleep(0.02)", work or "await asyncio.sleep(0)"
    )
    with kernel(tmp_path, is_killed=False) as first:
        first.run("%load_ext durable_notebook")
        first.run(define)
        first.run("slow = %durable_run Slow")
        first.run("while not any(a.step == 'two' for a in await slow.journal()): pass")

    with kernel(tmp_path) as second:
        loaded = second.run("%load_ext durable_notebook")

    assert "1 unfinished run" in loaded, loaded


def test_new_starts_afresh_and_is_what_the_cell_means_from_then_on(
    again: Kernel, tmp_path: Path
) -> None:
    panel = again.run("run = %durable_run Quick n=1", "c")
    again.run("await run")

    attached = again.run("run = %durable_run Quick n=1", "c")
    afresh = again.run("run = %durable_run Quick n=1 --new", "c")
    again.run("await run")
    after = again.run("run = %durable_run Quick n=1", "c")

    first = run_id(panel)
    assert run_id(attached) == first
    assert "completed before: 1 step and" in attached
    assert "--new starts afresh" in attached
    assert "started now" in afresh
    assert run_id(afresh) == run_id(after) == f"{first}-2"
    assert ledger(tmp_path) == Counter({"quick 1": 2})


def test_other_fields_are_another_run_and_no_error(again: Kernel) -> None:
    one = again.run("%durable_run Order qty=1", "c")
    two = again.run("%durable_run Order qty=2", "c")
    back = again.run("qty = 1\n%durable_run Order qty=qty", "c")

    assert "started now" in two
    assert run_id(back) == run_id(one) != run_id(two)
    assert "attached to the run that is under way" in back


def test_cells_that_say_the_same_are_told_apart_by_their_ids(again: Kernel) -> None:
    ids = [run_id(again.run("%durable_run Quick", c)) for c in ("a", "b", "a")]
    no_ids = [run_id(again.run("%durable_run Quick")) for _ in range(2)]

    assert ids[0] == ids[2] != ids[1]
    assert no_ids[0] == no_ids[1]
    assert no_ids[0] not in ids


def test_each_iteration_of_a_loop_has_its_own_run(
    again: Kernel, tmp_path: Path
) -> None:
    loop = (
        "runs = []\n"
        "for n in (1, 1, 2):\n"
        "    run = %durable_run Quick n=n\n"
        "    runs.append(run)\n"
        "print('IDS', *(r.run_id for r in runs), 'GAVE', *[await r for r in runs])"
    )
    said = [again.run(loop, "c") for _ in range(2)]
    afresh = [again.run(loop.replace("n=n", "n=n --new"), "c"), again.run(loop, "c")]

    ids, given = zip(
        *(re.search(r"IDS (.*) GAVE (.*)", s).groups() for s in said + afresh),
        strict=True,
    )
    assert set(given) == {"1 1 2"}
    assert ids[0] == ids[1]
    one, other, two = ids[0].split()
    assert other == f"{one}.2"
    assert ids[2] == ids[3] == f"{one}-2 {other}-2 {two}-2"
    assert ledger(tmp_path) == Counter({"quick 1": 4, "quick 2": 2})


def test_a_cell_magic_finds_its_run_after_its_body_was_edited(again: Kernel) -> None:
    cell = (
        "%%durable_run text='hello'\n"
        "class Shout(Workflow):\n"
        "    @step\n"
        "    async def shout(self, ev: StartEvent) -> StopEvent:\n"
        "        return StopEvent(result=ev.text.upper())\n"
        "Shout"
    )
    first = again.run(cell)
    again.run("await until(_, 'completed')")
    second = again.run(cell.replace("upper()", "lower()"))

    assert run_id(first) == run_id(second)
    assert "result: 'HELLO'" in second


def test_what_failed_or_was_cancelled_says_both_ways_on(
    again: Kernel, tmp_path: Path
) -> None:
    fails = "run = %durable_run Fails"
    again.run(fails, "f")
    again.run("await ended(run)")
    failed = again.run(fails, "f")
    again.run("order = %durable_run Order qty=1", "o")
    again.run("await order.cancel(); await until(order, 'cancelled')")
    cancelled = again.run("order = %durable_run Order qty=1", "o")

    (tmp_path / "mended").touch()
    again.run("await run.client.rewind(run.run_id)")
    rewound = again.run("print(await run)")

    assert "failed before: nothing runs again; --new starts afresh; " in failed
    assert f"%durable_rewind {run_id(failed)} does its last step again" in failed
    assert "ValueError: broken" in failed
    assert "cancelled before: nothing runs again; --new starts afresh" in cancelled
    assert "mended" in rewound


def test_a_run_that_does_not_fit_todays_code_names_the_way_out(
    tmp_path: Path,
) -> None:
    slow = "slow = %durable_run Slow"
    with kernel(tmp_path) as first:
        first.run("%load_ext durable_notebook")
        first.run(LEDGER)
        first.run(slow, "s")
        first.run("while not any(a.step == 'two' for a in await slow.journal()): pass")

    with kernel(tmp_path) as second:
        second.run("%load_ext durable_notebook")
        second.run(LEDGER.replace("two(self, ev: Half)", "last(self, ev: Half)"))
        refused = second.run(slow, "s")
        afresh = second.run(slow + " --new", "s")

    assert "does not fit today's workflow" in refused, refused
    assert "--new" in refused, refused
    assert "started now" in afresh


def test_new_and_a_name_do_not_go_together(again: Kernel) -> None:
    said = again.run("%durable_run Quick --new --run-id a")

    assert said.startswith("UsageError: --new gives the run an id of its own.")


def test_a_value_that_cannot_be_stored_is_refused_as_ever(again: Kernel) -> None:
    said = again.run("%durable_run Quick n=object()")

    assert said.startswith("UsageError:"), said


# -- which notebook it is -----------------------------------------------------------


def ask(folder: Path, notebook: str, *, define: str = LEDGER) -> str:
    with kernel(folder, notebook=notebook) as running:
        running.run("%load_ext durable_notebook")
        running.run(define)
        panel = running.run("run = %durable_run Order qty=1", "c")
        running.run("await until(run, 'waiting')")
        return panel


def write(path: Path) -> None:
    nbformat.write(nbformat.v4.new_notebook(), path)


def test_a_renamed_notebook_has_its_runs_and_a_copy_has_others(tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb")
    first = ask(tmp_path, "work/a.ipynb")
    shutil.copy(tmp_path / "a.ipynb", tmp_path / "copy.ipynb")
    copied = ask(tmp_path, "work/copy.ipynb")
    (tmp_path / "a.ipynb").rename(tmp_path / "b.ipynb")
    renamed = ask(tmp_path, "work/b.ipynb")
    again = ask(tmp_path, "work/copy.ipynb")

    assert run_id(renamed) == run_id(first) != run_id(copied) == run_id(again)
    assert "started now" in copied
    assert "resumed in session" in renamed


def test_a_kernel_restarted_after_a_rename_is_told_the_old_name(
    tmp_path: Path,
) -> None:
    write(tmp_path / "Untitled.ipynb")
    first = ask(tmp_path, "Untitled.ipynb")
    (tmp_path / "Untitled.ipynb").rename(tmp_path / "report.ipynb")

    restarted = ask(tmp_path, "Untitled.ipynb")
    opened = ask(tmp_path, "report.ipynb")

    assert run_id(first) == run_id(restarted) == run_id(opened)


def test_a_new_notebook_of_an_old_name_is_another(tmp_path: Path) -> None:
    """`Untitled.ipynb` gets its name, and the next one is called so tomorrow."""
    write(tmp_path / "Untitled.ipynb")
    with kernel(tmp_path, notebook="Untitled.ipynb") as running:
        running.run("%load_ext durable_notebook")
        running.run(LEDGER)
        first = running.run("run = %durable_run Order qty=1", "c")
        (tmp_path / "Untitled.ipynb").rename(tmp_path / "report.ipynb")
        write(tmp_path / "Untitled.ipynb")
        running.run("await until(run, 'waiting')")

    other = ask(tmp_path, "Untitled.ipynb")
    again = ask(tmp_path, "report.ipynb")

    assert run_id(other) != run_id(first) == run_id(again)


def test_no_form_outlives_the_journal(again: Kernel) -> None:
    again.run("run = %durable_run Order qty=1\nawait until(run, 'waiting')")
    opened = again.run(FORMS)

    again.run("%unload_ext durable_notebook")

    assert opened.split() == ["1"]
    assert again.run("print(forms())").split() == ["0"]


MADE = """
from workflows import Context, Workflow, step
from workflows.events import HumanResponseEvent, StartEvent, StopEvent

class Reply(HumanResponseEvent):
    pass

class Model(Workflow):
    def __init__(self, name="plain", **options):
        super().__init__(**options)
        self.name = name

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await ctx.wait_for_event(Reply)
        return StopEvent(result=self.name)
"""


def test_a_run_goes_on_with_the_instance_that_it_had(tmp_path: Path) -> None:
    """Two of one class differ in how they were made, which no journal knows."""
    make = "large = Model('large', timeout=None)\nsmall = Model('small', timeout=None)"
    runs = "".join(
        f"{name} = %durable_run {value} --run-id {name}\n"
        for name, value in (("a", "Model"), ("b", "large"), ("c", "small"))
    )
    with kernel(tmp_path) as first:
        first.run("%load_ext durable_notebook")
        first.run(MADE)
        first.run(make)
        first.run(runs)
        first.run("for r in (a, b, c):\n    while not (await r.info()).prompts: pass")

    with kernel(tmp_path) as second:
        second.run("%load_ext durable_notebook")
        second.run(MADE)
        deadline = time.monotonic() + 20
        while "large" not in second.run("%durable_doctor b"):
            assert time.monotonic() < deadline, "nobody says what the run waits for"
        second.run(make)
        second.run(runs)
        answered = second.run("for r in (c, b, a):\n    await r.answer()")
        ended = second.run("print([await r for r in (a, b, c)])")

    assert answered == ""
    assert "['plain', 'large', 'small']" in ended
