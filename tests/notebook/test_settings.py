"""What `%config DurableNotebook` changes, in a real kernel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.notebook.conftest import DEFINITIONS
from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel

# Waits, in the kernel, for a state of run `a`.
UNTIL = """
import asyncio, time
async def until(is_so):
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, "the state was not reached in time"
        await asyncio.sleep(0.02)
def released():
    return run.client.runtime.is_released("a")
"""

# What a person does in the panel's form: tick the box, press the button.
ANSWER = """
from durable_notebook.notebook._form import FormView
from ipywidgets.widgets.widget import _instances
def forms():
    return [w for w in list(_instances.values()) if isinstance(w, FormView)]
await until(forms)
(form,) = forms()
answer = {"number": 1, "do": "answer", "key": form.question["key"]}
form._handle_custom_msg(answer | {"fields": {"ok": True}}, [])
"""


def release_and_answer(notebook: Kernel) -> str:
    """Have the run leave memory, answer it in its panel, and give what it ended as."""
    notebook.run(UNTIL)
    left = notebook.run("await until(released); print(run.client.runtime.live('a'))")
    assert left.strip() == "None"
    assert notebook.run(ANSWER) == ""
    return notebook.run("print(await run)")


def test_a_run_that_waits_is_released_and_its_panel_answers_it(
    notebook: Kernel,
) -> None:
    notebook.run("%config DurableNotebook.idle_timeout = 0.0")
    notebook.run("run = %durable_run Order --run-id a qty=1")

    assert "[1, True]" in release_and_answer(notebook)


def test_the_time_may_be_set_while_a_run_waits(notebook: Kernel) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    notebook.run(UNTIL)
    before = notebook.run("print(released(), run.client.runtime.live('a') is None)")

    notebook.run("%config DurableNotebook.idle_timeout = 0.0")

    assert before.strip() == "False False"
    assert "[1, True]" in release_and_answer(notebook)


def test_a_simulated_restart_keeps_the_time(notebook: Kernel) -> None:
    notebook.run("%config DurableNotebook.idle_timeout = 0.0")
    notebook.run("run = %durable_run Order --run-id a qty=1")
    notebook.run(UNTIL)
    notebook.run("await until(released)")

    notebook.run("%durable_restart")
    assert notebook.run("await until(released)") == ""
    notebook.run("%durable_answer a ok=True")

    assert "[1, True]" in notebook.run("print(await run)")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("-1.0", "No run can be idle for -1.0 s. Give 'idle_timeout' as 0 or more"),
        ("float('nan')", "No run can be idle for nan s."),
        ("'soon'", "'idle_timeout' trait of a DurableNotebook instance expected a"),
    ],
)
def test_a_time_that_cannot_pass_is_refused_in_one_line(
    tmp_path: Path, value: str, sentence: str
) -> None:
    with kernel(tmp_path) as notebook:
        notebook.run("%load_ext durable_notebook")
        notebook.run("%config DurableNotebook.idle_timeout = 5.0")

        said = notebook.run(f"%config DurableNotebook.idle_timeout = {value}")
        kept = notebook.run("%config DurableNotebook.idle_timeout")

    assert sentence in said
    assert len(said.strip().splitlines()) == 1
    assert kept.strip() == "5.0"


def test_a_profile_may_set_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before there is a journal: nothing is opened for it."""
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    config = {"DurableNotebook": {"idle_timeout": 0.0}}
    (profile / "ipython_kernel_config.json").write_text(json.dumps(config))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    folder = tmp_path / "notebooks"
    folder.mkdir()
    with kernel(folder) as notebook:
        assert "ready" in notebook.run("%load_ext durable_notebook")
        assert list(folder.iterdir()) == []
        notebook.run(DEFINITIONS)
        notebook.run("run = %durable_run Order --run-id a qty=1")

        assert "[1, True]" in release_and_answer(notebook)
