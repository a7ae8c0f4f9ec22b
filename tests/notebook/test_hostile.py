"""Every magic on runs, and with words, that nobody should have named anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hostile import ACTS, acts
from tests.notebook.kernel import Kernel, kernel

pytestmark = pytest.mark.kernel

DEFINITIONS = f"""
ACTS = {ACTS!r}
LONG = ACTS + "x" * 300_000
MANY = dict.fromkeys(map(str, range(2_000)), ACTS)
from workflows import Context, Workflow, step
from workflows.events import (
    Event, HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent,
)

class Told(Event): pass
class Ask(InputRequiredEvent): pass
class Answer(HumanResponseEvent):
    ok: str = LONG

class Asking(Workflow):
    @step
    async def tell(self, ctx: Context, ev: StartEvent) -> Told:
        print(LONG)
        await ctx.store.set("said", LONG)
        return Told(said=LONG + "\\ud800", half="\\ud800", **{{ACTS: MANY}})

    @step
    async def ask(self, ev: Told) -> Ask:
        return Ask(question="\\ud800" + LONG, many=MANY, **{{ACTS: LONG}})

    @step
    async def hear(self, ev: Answer) -> StopEvent:
        return StopEvent(result=LONG)

class Failing(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        raise ValueError(LONG)

async def waits(run):
    while not (await run.info()).prompts:
        await __import__("asyncio").sleep(0.02)

async def fails(run):
    try:
        await run.result()
    except ValueError:
        return "it has failed"
"""

# Each is said by cells of this, one behind the other.
CELLS = """
a = %durable_run Asking --run-id a said=LONG many=MANY
await waits(a)
%durable_run Failing --run-id f said=LONG
await fails(_)
%durable_runs
%durable_journal a
%durable_journal f
%durable_doctor
%durable_doctor f
%durable_inbox
%durable_timeline a
%durable_graph a
a
%durable_answer
%durable_answer a wrong=LONG
%durable_answer a ok=LONG
result = await a
a.timeline()
%durable_resume f
%durable_cancel f
%durable_pause f
%durable_rewind a
%durable_run Asking --run-id a other=LONG
%durable_run Asking --run-id '{acts}'
%durable_run Asking --run-id '{long}'
%durable_run {acts}
%durable_run Asking --{acts}
%durable_run Asking {acts} {acts}
%durable_run Asking said=LONG[
%durable_run Asking said={{}}['{acts}']
%durable_journal '{acts}'
%durable_journal '{long}'
%durable_doctor '{long}'
%durable_timeline '{long}'
%durable_graph '{long}'
%durable_answer '{long}' ok=1
%durable_cancel '{long}'
%durable_pause '{long}'
%durable_fork '{long}'
%durable_fork a --position '{acts}'
%durable_delete '{long}'
%durable_resume '{long}'
%durable_rewind '{long}'
%durable_reassign '{long}' --from '{acts}' --to '{long}'
%durable_runs --status '{acts}'
%durable_runs --limit '{long}'
%durable_trim '{acts}'
%durable_check '{acts}'
%durable_connect '{long}'
%durable_serve '{acts}' --port '{acts}'
%durable_inbox '{acts}'
"""
ONE_LINE = ACTS.replace("\u2028", "")

# A twin is written into the notebook's file; a text is read in one piece.
MOST_MARKUP, MOST_TEXT = 110_000, 60_000


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("hostile")) as running:
        running.run("%load_ext durable_notebook")
        running.run(DEFINITIONS)
        yield running


def _texts(output: Any) -> dict[str, str]:
    if output.output_type == "stream":
        return {output.name: output.text}
    if output.output_type == "error":
        # How a traceback looks is IPython's own.
        return {"ename": output.ename}
    return {kind: text for kind, text in output.data.items() if "json" not in kind}


def test_what_magics_say_is_text_and_bounded(said: Kernel) -> None:
    long = ONE_LINE + "x" * 3_000
    found: dict[str, str] = {}
    for line in CELLS.strip().split("\n"):
        said.run(line.format(acts=ONE_LINE, long=long))
    cells = said.outputs()[2:]

    for cell in cells:
        for output in cell.outputs:
            for kind, text in _texts(output).items():
                where = f"{cell.source[:40]!a}: {kind}"
                wrong = {c for c in acts(text) if not (c == "\xa0" and "html" in kind)}
                if wrong:
                    found[where] = f"{wrong} {text[:300]!a}"
                if kind == "ename" and not cell.source.startswith("await"):
                    found[where] = text
                if len(text) > (MOST_MARKUP if "html" in kind else MOST_TEXT):
                    found[where] = f"{len(text)} characters"
    assert found == {}
    assert len(json.dumps([c.outputs for c in cells])) < 4_000_000
