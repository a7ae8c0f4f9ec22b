"""Timelines and graphs in a real kernel, without a browser."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tests.notebook.kernel import Kernel, kernel
from tests.notebook.test_magics import wait_until

pytestmark = pytest.mark.kernel

# Talks to the newest view as a page does, and keeps what it would be sent.
PAGE = """
import asyncio, ipywidgets
from durable_notebook.notebook._view import View
view = [w for w in ipywidgets.widgets.widget._instances.values()
        if isinstance(w, View)][-1]
heard = []
view.send = heard.append
async def say(**content):
    view._handle_custom_msg(content, [])
    for _ in range(300):
        if heard: break
        await asyncio.sleep(0.02)
"""


# It has ended again: the last step has begun later than it had.
UNTIL = """
for _ in range(300):
    told = [m for m in heard if m["run"]["status"] == "completed"]
    rows = [row for m in heard for row in m["rows"]]
    # The row may come before the word that the run has ended.
    if told and any(row[0] == "finish" and row[3] > began for row in rows):
        break
    await asyncio.sleep(0.02)
else:
    print(heard)
print(bool(told))
"""


def shown(notebook: Kernel, cell: int) -> nbformat.NotebookNode:
    """What the output of a cell holds for a page: the twin and the view behind it."""
    twin, view = notebook.outputs()[cell].outputs
    assert "application/vnd.jupyter.widget-view+json" in view.data
    # What cannot show a widget must not show its name.
    assert view.data["text/plain"] == ""
    return twin.data


def test_the_twin_of_a_timeline_stays_in_the_notebook(notebook: Kernel) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")
    cell = len(notebook.outputs())
    notebook.run("same = %durable_timeline a")

    data = shown(notebook, cell)
    assert "waits for a person" in data["text/html"]
    assert "<svg" in data["text/html"]
    assert "Order · run a · waiting" in data["text/plain"]
    notebook.run("%durable_answer a ok=True")
    assert "[1, True]" in notebook.run("print(await same)")
    data = shown(notebook, cell)
    assert "Order · run a · completed" in data["text/plain"]
    assert ">finish</text>" in data["text/html"]


def test_the_twin_of_a_graph_stays_in_the_notebook(notebook: Kernel) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")
    cell = len(notebook.outputs())
    notebook.run("run.graph()")
    notebook.run("%durable_answer a ok=True")
    notebook.run("await run")

    data = shown(notebook, cell)
    assert "finish: Answer → StopEvent · 1 completed" in data["text/plain"]
    assert 'aria-label="finish: 1 completed"' in data["text/html"]


def test_a_workflow_is_drawn_before_it_has_run(notebook: Kernel) -> None:
    text = notebook.run("%durable_graph Order")

    assert text.splitlines()[0] == "Order"
    assert "prepare: Go → Ask" in text


def test_a_run_whose_class_is_not_defined_is_drawn_from_its_journal(
    notebook: Kernel, tmp_path: Path
) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")
    notebook.run("%durable_answer a ok=True\nawait run")

    with kernel(tmp_path) as another:
        another.run("%load_ext durable_notebook")
        text = another.run("%durable_graph a")

    assert "prepare: Go → Ask · 1 completed" in text


@pytest.mark.parametrize("magic", ["timeline", "graph"])
def test_an_unknown_run_is_one_sentence(notebook: Kernel, magic: str) -> None:
    text = notebook.run(f"%durable_{magic} nope")

    assert "UsageError" in text
    assert "%durable_runs" in text


def test_a_page_is_sent_the_rows_and_what_it_asks_for(notebook: Kernel) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")
    notebook.run("run.timeline()")
    notebook.run(PAGE)

    rows = notebook.run(
        "await say(kind='hello')\n"
        "print([row[:2] for row in heard[0]['rows']], heard[0]['run']['said'])"
    )
    card = notebook.run(
        "heard.clear(); await say(kind='details', row=0); print(heard[0])"
    )
    nothing = notebook.run(
        "heard.clear()\n"
        "for odd in (-1, 99, 'x', None, True): view._handle_custom_msg("
        "{'kind': 'details', 'row': odd}, [])\n"
        "view._handle_custom_msg('nonsense', [])\n"
        "await say(kind='details', row=1); print([m['row'] for m in heard])"
    )

    assert "[['prepare', 'completed'], ['(prompt)', 'waiting']]" in rows
    assert "waits for an answer: Answer" in rows
    assert "async def prepare(self, ctx: Context, ev: Go)" in card
    assert "['paid', '1']" in card
    assert nothing.strip() == "[1]"


def test_a_view_is_left_when_its_journal_is_closed(notebook: Kernel) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")
    notebook.run("run.timeline()")
    notebook.run(PAGE)

    said = notebook.run("%durable_connect sqlite:///other.sqlite")
    stopped = notebook.run(
        "view._handle_custom_msg({'kind': 'details', 'row': 0}, [])\nprint(heard)"
    )

    assert "no unfinished" in said or "0 unfinished runs" in said
    assert stopped.count("'kind'") == 1
    assert "The journal was closed meanwhile." in stopped


@pytest.mark.parametrize(
    "how",
    [
        "run = %durable_rewind a",
        "await run.client.rewind('a')",
        # The button of a list, or of the doctor.
        "found = %durable_doctor a\nfrom durable_notebook.notebook._actions import "
        "Actions\ndone = found.durable.session.call(Actions(found.durable.session, {}, "
        "None, found.durable.follow_again).act('rewind', 'a'))",
    ],
)
def test_a_run_that_is_rewound_is_followed_again(notebook: Kernel, how: str) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")
    cell = len(notebook.outputs())
    notebook.run("run.timeline()")
    notebook.run("%durable_answer a ok=True")
    notebook.run("await run")
    assert "Order · run a · completed" in shown(notebook, cell)["text/plain"]
    notebook.run(PAGE + "await say(kind='hello')")
    notebook.run("began = heard[0]['rows'][-1][3]; heard.clear()")

    assert "TRACEBACK" not in notebook.run(how)
    done = notebook.run(UNTIL)

    assert done.strip() == "True"


def test_a_simulated_restart_goes_on_in_the_same_place(notebook: Kernel) -> None:
    notebook.run("run = %durable_run Order --run-id a qty=1")
    wait_until(notebook, "a", "waiting")
    cell = len(notebook.outputs())
    notebook.run("run.timeline()")
    notebook.run("%durable_restart")
    notebook.run("%durable_answer a ok=True")
    notebook.run("await run")

    data = shown(notebook, cell)
    assert "Order · run a · completed" in data["text/plain"]
    assert "session 2 begins" in data["text/plain"]
    assert "replayed" in data["text/html"]
