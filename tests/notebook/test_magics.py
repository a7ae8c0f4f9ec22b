"""The magics, in a real kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.notebook.conftest import DEFINITIONS
from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel


def wait_until(notebook: Kernel, run_id: str, status: str) -> None:
    text = notebook.run(
        "import asyncio\n"
        f"_run = %durable_resume {run_id}\n"
        f"for _ in range(400):\n"
        f"    _s = (await _run.info()).status\n"
        f"    if _s == {status!r}: break\n"
        "    await asyncio.sleep(0.02)\n"
        "print(f'STATUS {_s}')"
    )
    assert f"STATUS {status}" in text, text


def test_loading_creates_nothing(tmp_path: Path) -> None:
    with kernel(tmp_path) as notebook:
        notebook.run("%load_ext durable_notebook")

        assert list(tmp_path.iterdir()) == []


def test_a_run_is_answered_and_awaited(notebook: Kernel) -> None:
    panel = notebook.run("run = %durable_run Order --run-id a qty=1 + 2 sku='oat milk'")
    wait_until(notebook, "a", "waiting")

    sent = notebook.run("yes = True\n%durable_answer a ok=yes")
    result = notebook.run("print(await run)")

    assert "Order · run a" in panel
    assert "started now" in panel
    assert "Sent Answer to run a." in sent
    assert "[3, True]" in result


def test_answering_twice_answers_once(notebook: Kernel) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")

    notebook.run("%durable_answer a ok=True")
    again = notebook.run("%durable_answer a ok=False")

    assert "UsageError" in again
    assert "[1, True]" in notebook.run("print(await run)")


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("%durable_run", "Name the workflow to run"),
        ("%durable_run Nope", "Run the cell that defines it. Defined: Order"),
        ("%durable_run int", "Give a subclass of 'workflows.Workflow'"),
        ("%durable_run Order qty=", "Write a Python expression"),
        ("%durable_run Order qty='x'", "qty: input should be a valid integer"),
        ("%durable_run Order qty=1 colour='red'", "Its fields are: qty, sku"),
        ("%durable_run Order --fast qty=1", "The options are: --run-id"),
        ("%durable_run Order --run-id", "--run-id needs a word"),
        ("%durable_run Order now qty=1", "a field is written name=value"),
        ("%durable_journal nope", "%durable_runs"),
        ("%durable_journal", "Start one with %durable_run"),
        ("%durable_resume nope", "%durable_runs"),
        ("%durable_answer", "No run asks now."),
        ("%durable_answer nope ok=True", "%durable_runs"),
        ("%durable_connect postgresql://u:secret@h/d", "u:***@h"),
        ("%%durable_run\nx = 1", "must end in an expression"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_way_out(
    mistaken: Kernel, line: str, remedy: str
) -> None:
    text = mistaken.run(line)

    assert text.startswith("UsageError:"), text
    assert remedy in text
    assert "secret" not in text
    assert len(text.strip().splitlines()) == 1


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory: pytest.TempPathFactory):
    with kernel(tmp_path_factory.mktemp("mistakes")) as running:
        running.run("%load_ext durable_notebook")
        running.run(DEFINITIONS)
        yield running


def test_there_is_nothing_to_restart_before_the_first_run(notebook: Kernel) -> None:
    assert "Start a run first" in notebook.run("%durable_restart")


def test_a_cell_magic_runs_the_workflow_its_cell_ends_in(notebook: Kernel) -> None:
    text = notebook.run(
        "%%durable_run --run-id c text='hello'\n"
        "class Shout(Workflow):\n"
        "    @step\n"
        "    async def shout(self, ev: StartEvent) -> StopEvent:\n"
        "        return StopEvent(result=ev.text.upper())\n"
        "Shout"
    )
    wait_until(notebook, "c", "completed")

    assert "Shout · run c" in text
    assert "'HELLO'" in notebook.run("%durable_run Shout --run-id c")


def test_a_cell_magic_may_hold_magics_and_any_text(notebook: Kernel) -> None:
    text = notebook.run(
        "%%durable_run --run-id d text='hello'\n"
        "%alias_magic t time\n"
        "class Größe(Workflow):\n"
        "    @step\n"
        "    async def measure(self, ev: StartEvent) -> StopEvent:\n"
        "        return StopEvent(result=len(ev.text))\n"
        "note = 'é'; print('before', note); Größe  # this one"
    )
    wait_until(notebook, "d", "completed")

    assert "Größe · run d" in text
    assert text.count("before é") == 1


def test_a_known_run_id_is_attached_to_and_never_restarted(notebook: Kernel) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")

    live = notebook.run("again = %durable_run Order --run-id a qty=1")
    other = notebook.run("%durable_run Order --run-id a qty=9")
    notebook.run("%durable_answer a ok=True")
    notebook.run("await run")
    ended = notebook.run("%durable_run Order --run-id a")

    assert other.startswith("UsageError: Run 'a' was begun with Go(qty=1, sku='tea')")
    assert "attached to the run that is under way" in live
    assert "completed before: 2 steps and" in ended
    assert "not done again; another --run-id starts afresh" in ended
    assert "[1, True]" in ended


def test_a_simulated_restart_goes_on_from_the_last_completed_step(
    notebook: Kernel,
) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=4")
    wait_until(notebook, "a", "waiting")

    said = notebook.run("%durable_restart")
    notebook.run("%durable_answer a ok=True")
    result = notebook.run("print(await run)")
    journal = notebook.run("%durable_journal a")

    assert "Dropped everything in memory" in said
    assert "session 2" in said
    assert "[4, True]" in result
    assert journal.count("prepare") == 1
    assert "session 2 begins" in journal


def test_a_new_kernel_waits_for_the_class_and_then_goes_on_by_itself(
    tmp_path: Path,
) -> None:
    with kernel(tmp_path) as first:
        first.run("%load_ext durable_notebook")
        first.run(DEFINITIONS)
        first.run("run = %durable_run Order --run-id a qty=4")
        wait_until(first, "a", "waiting")

    with kernel(tmp_path) as second:
        loaded = second.run("%load_ext durable_notebook")
        resumed = second.run("%durable_resume a")
        defined = second.run(DEFINITIONS)
        second.run("%durable_answer a ok=True")
        wait_until(second, "a", "completed")
        runs = second.run("%durable_runs")

    assert "1 unfinished run" in loaded
    assert "run the cell that defines it" in loaded
    assert len(loaded.strip().splitlines()) == 2
    assert "run the cell that defines it" in resumed
    assert "resumed by itself · 1 step " in defined
    assert "completed" in runs


def test_a_run_of_an_instance_waits_for_the_variable_that_held_it(
    tmp_path: Path,
) -> None:
    instance = "order = Order(timeout=None)"
    with kernel(tmp_path) as first:
        first.run("%load_ext durable_notebook")
        first.run(DEFINITIONS)
        first.run(instance)
        first.run("%durable_run order --run-id a qty=4")
        wait_until(first, "a", "waiting")

    with kernel(tmp_path) as second:
        second.run("%load_ext durable_notebook")
        assert "resumed" not in second.run(DEFINITIONS)
        assert "resumed by itself" in second.run(instance)


def test_running_the_class_cell_again_is_silent_and_new_runs_take_the_new_class(
    notebook: Kernel,
) -> None:
    notebook.run("old = %durable_run Order --run-id old qty=1")
    wait_until(notebook, "old", "waiting")

    again = notebook.run(DEFINITIONS.replace("ev.ok]", "ev.ok, 'new']"))
    notebook.run("new = %durable_run Order --run-id new qty=2")
    wait_until(notebook, "new", "waiting")
    notebook.run("%durable_answer old ok=True")
    notebook.run("%durable_answer new ok=True")

    assert again == ""
    assert "[1, True]" in notebook.run("print(await old)")
    assert "[2, True, 'new']" in notebook.run("print(await new)")


def test_two_kernels_of_one_folder_leave_each_others_runs_alone(
    tmp_path: Path,
) -> None:
    with kernel(tmp_path) as first, kernel(tmp_path) as second:
        for notebook in (first, second):
            notebook.run("%load_ext durable_notebook")
            notebook.run(DEFINITIONS)
        first.run("run = %durable_run Order --run-id a qty=1")
        wait_until(first, "a", "waiting")
        second.run("other = %durable_run Order --run-id b qty=2")
        wait_until(second, "b", "waiting")

        # An answer may come from anywhere; the run stays where it is.
        second.run("%durable_answer a ok=True")
        result = first.run("print(await run)")
        listed = second.run("%durable_runs")

    assert "[1, True]" in result
    assert "a " in listed
    assert "b " in listed


def test_the_runtime_works_by_hand_in_a_cell(tmp_path: Path) -> None:
    with kernel(tmp_path) as notebook:
        notebook.run(DEFINITIONS)
        text = notebook.run(
            "from durable_notebook import Client, DBOSRuntime\n"
            "runtime = DBOSRuntime(database_url='sqlite:///hand.sqlite')\n"
            "order = Order(runtime=runtime, timeout=None)\n"
            "await runtime.launch()\n"
            "handler = order.run(run_id='h', qty=5)\n"
            "async for ev in handler.stream_events():\n"
            "    if isinstance(ev, Ask):\n"
            "        await handler.send_event(Answer(ok=True))\n"
            "print(await handler)\n"
            "await runtime.destroy()"
        )

    assert "[5, True]" in text


def test_the_journal_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    monkeypatch.setitem(os.environ, "DURABLE_NOTEBOOK_URL", url)

    with kernel(tmp_path) as notebook:
        notebook.run("%load_ext durable_notebook")
        notebook.run(DEFINITIONS)
        notebook.run("run = %durable_run Order --run-id a qty=1")

    assert (tmp_path / "elsewhere.sqlite").exists()
    assert not (tmp_path / ".durable_notebook").exists()


def test_unloading_closes_the_journal_and_loading_again_finds_it(
    notebook: Kernel,
) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")

    notebook.run("%unload_ext durable_notebook")
    loaded = notebook.run("%load_ext durable_notebook")

    assert "1 unfinished run" in loaded
    assert "TRACEBACK" not in loaded


def test_a_panel_of_a_journal_that_was_left_says_so(notebook: Kernel) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")
    cell = notebook.outputs()[-2]

    notebook.run("%durable_connect sqlite:///elsewhere.sqlite")

    shown = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    assert any("the journal was closed meanwhile" in text for text in shown), shown


def test_a_restart_that_cannot_open_the_journal_again_holds_nothing_up(
    notebook: Kernel,
) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")
    notebook.run(
        "from durable_notebook.notebook import _session as opening\n"
        "launch = opening.DBOSRuntime.launch\n"
        "async def refuse(self): raise OSError('the server is away')\n"
        "opening.DBOSRuntime.launch = refuse"
    )
    assert "the server is away" in notebook.run("%durable_restart")
    notebook.run("opening.DBOSRuntime.launch = launch")

    connected = notebook.run("%durable_connect sqlite:///elsewhere.sqlite")

    assert "elsewhere.sqlite, session 1, 0 unfinished runs" in connected
