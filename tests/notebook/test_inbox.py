"""The inbox and the forms of panels, without a browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel

ASKING = """
import asyncio, json, time
from pydantic import BaseModel, Field, SecretStr
from workflows import Context, Workflow, step
from workflows.events import (
    HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent,
)

class Line(BaseModel):
    sku: str
    qty: int = Field(ge=1)

class Ask(InputRequiredEvent):
    question: str

class Reply(HumanResponseEvent):
    lines: list[Line] = []
    by: str = Field(min_length=2)

class Key(HumanResponseEvent):
    key: SecretStr

class Shop(Workflow):
    @step
    async def ask(self, ev: StartEvent) -> Ask:
        return Ask(question="What shall we order?")

    @step
    async def order(self, ev: Reply) -> StopEvent:
        return StopEvent(result=f"{ev.by}: {sum(line.qty for line in ev.lines)}")

class Vault(Workflow):
    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        key = await ctx.wait_for_event(Key, waiter_event=Ask(question="The key?"))
        return StopEvent(result=len(key.key.get_secret_value()))

class Hasty(Workflow):
    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        try:
            await ctx.wait_for_event(
                Reply, waiter_event=Ask(question="Quick?"), timeout=2.0,
                requirements={"by": "Ada"},
            )
        except asyncio.TimeoutError:
            return StopEvent(result="too late")

def told(view, **request):
    '''What a form gets back for a message of its view.'''
    sent = []
    view.send = lambda content, *_: sent.append(content)
    view._handle_custom_msg({"number": "1", **request}, [])
    until(lambda: sent)
    return sent[0]

def until(is_so):
    deadline = time.monotonic() + 20
    while not (found := is_so()):
        assert time.monotonic() < deadline, "the state was not reached in time"
        time.sleep(0.01)
    return found

def panel(run):
    return run._durable.panels_of(run.run_id)[0]._form
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Kernel]:
    with kernel(tmp_path) as running:
        assert "ready" in running.run("%load_ext durable_notebook")
        running.run(ASKING)
        yield running


def saved(notebook: Kernel) -> str:
    """The notebook as a file, as a front end would save it now."""
    made = nbformat.v4.new_notebook(cells=notebook.outputs())
    return str(nbformat.writes(made))


def test_a_form_checks_while_one_types_and_sends(notebook: Kernel) -> None:
    notebook.run("run = %durable_run Shop --run-id a")
    notebook.run("view = until(lambda: panel(run).view); key = view.question['key']")

    half = notebook.run(
        "fields = {'lines': [{'sku': 'a', 'qty': 1}, {'sku': 'b', 'qty': 0}]}\n"
        "told(view, do='check', key=key, fields=fields)"
    )
    refused = notebook.run("told(view, do='answer', key=key, fields=fields)")
    sent = notebook.run(
        "fields['lines'][1]['qty'] = 2\n"
        "told(view, do='answer', key=key, fields={**fields, 'by': 'Ada'})"
    )

    assert "'lines[1].qty': 'input should be greater than or equal to 1'" in half
    assert "'by': 'field required'" in half
    assert "'is_sent'" not in refused
    assert "lines[1].qty" in refused
    assert "'is_sent': True" in sent
    assert notebook.run("await run") == "'Ada: 3'"
    line = notebook.run("until(lambda: panel(run)._ended)[0]")
    assert "What shall we order? · answered by " in line
    assert "Reply(" in line


def test_a_secret_reaches_the_run_and_no_file(notebook: Kernel, tmp_path: Path) -> None:
    notebook.run("run = %durable_run Vault --run-id v")
    notebook.run("view = until(lambda: panel(run).view); key = view.question['key']")

    secret = "chr(104) + 'unter2-and-more'"
    notebook.run(f"told(view, do='check', key=key, fields={{'key': {secret}}})")
    state = notebook.run("json.dumps(view.get_state(), default=str)")
    notebook.run(f"told(view, do='answer', key=key, fields={{'key': {secret}}})")

    assert notebook.run("await run") == "16"
    assert "hunter2" not in state
    notebook.run("until(lambda: panel(run)._ended)")
    assert "hunter2" not in saved(notebook)
    # The message is emptied once an entry has taken it; the entry never had it.
    notebook.run("%unload_ext durable_notebook")
    import sqlite3

    (journal,) = (tmp_path / ".durable_notebook").glob("*.sqlite")
    with sqlite3.connect(journal) as connection:
        ticks = connection.execute("SELECT tick FROM durable_mail").fetchall()
        entries = connection.execute("SELECT output FROM operation_outputs").fetchall()
    connection.close()
    assert "hunter2" not in str(ticks)
    assert "hunter2" not in str(entries)


def test_the_inbox_follows_every_question(notebook: Kernel, tmp_path: Path) -> None:
    """Of all runs; who answered and when takes the place of an answered one."""
    empty = notebook.run("box = %durable_inbox")
    for name in "ab":
        notebook.run(f"%durable_run Shop --run-id {name}")
    notebook.run("until(lambda: len(box.view.rows) == 2)")

    # Another process answers the older one.
    command = Path(sys.executable).with_name("durable-notebook")
    url = "sqlite:///" + str(tmp_path / ".durable_notebook/journal.sqlite")
    subprocess.run(
        [command, "answer", "a", "by=Ada", "--database", url],
        check=True,
        capture_output=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    rows = notebook.run(
        "until(lambda: box.view.rows[-1]['ended'])\n"
        "print(json.dumps([[r['run_id'], r['ended']] for r in box.view.rows]))"
    )
    form = notebook.run(
        "form = told(box.view, do='form', key=box.view.rows[0]['key'])['form']\n"
        "print(json.dumps(form['forms'][0]['schema']['required']))"
    )
    sent = notebook.run(
        "told(box.view, do='answer', key=form['key'], fields={'by': 'Bo'})"
    )

    assert "No question waits for a person." in empty
    (b, none), (a, ended) = json.loads(rows)
    assert (a, b, none) == ("a", "b", None)
    assert ended.startswith("answered by the command line at ")
    assert json.loads(form) == ["by"]
    assert "'is_sent': True" in sent
    notebook.run("until(lambda: all(r['ended'] for r in box.view.rows))")
    again = notebook.run("%durable_inbox")
    assert "No question waits for a person." in again


def test_the_twin_says_how_to_answer(notebook: Kernel) -> None:
    notebook.run("%durable_run Shop --run-id a")
    notebook.run("until(lambda: panel)")

    shown = notebook.run("until(lambda: get_ipython().kernel); box = %durable_inbox")

    assert "1 question waits" in shown
    assert "%durable_answer a by=..." in shown


def test_a_question_whose_time_is_over_says_so(notebook: Kernel) -> None:
    notebook.run("box = %durable_inbox")
    notebook.run("run = %durable_run Hasty --run-id h")

    seen = notebook.run("until(lambda: [q for q in box.questions()])[0].prompt.due")
    assert notebook.run("await run") == "'too late'"
    ended = notebook.run("until(lambda: box.view.rows[0]['ended'])")

    assert "datetime" in seen
    assert "nobody answered until" in ended
