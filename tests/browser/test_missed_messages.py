"""Views that miss nothing of what they are sent.

anywidget gives a model up that is not ready two seconds after it was made, as on a slow
machine or a Binder, and drops every message that comes to it from then on. Jupyter
Server drops everything while a cell prints more than a megabyte a second.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab, LabPage
from tests.browser.test_journeys import APPROVAL

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

expect.set_options(timeout=40_000)

VIEWS = ("timeline slow", "graph slow", "runs", "inbox", "doctor slow")
# As if the two seconds were over before the first script of a view is read.
BUSY = """() => {
  window.timeout = AbortSignal.timeout;
  AbortSignal.timeout = () => {
    const late = new AbortController();
    queueMicrotask(() => late.abort());
    return late.signal;
  };
}"""
BUSY_NO_MORE = "() => { AbortSignal.timeout = window.timeout; }"


def test_views_of_a_busy_page_hear_the_kernel(lab: Lab, browser: LabPage) -> None:
    shown = [f"%durable_{view}" for view in VIEWS]
    run = "run = %durable_run Approval --run-id slow"
    again = "%durable_run Approval --run-id slower"
    cells = ["%load_ext durable_notebook", APPROVAL, run, *shown, again]
    lab.notebook("busy", cells)
    browser.open(lab, "busy/busy.ipynb")
    browser.page.evaluate(BUSY)
    try:
        browser.run(0, 1, 2, 3, 4, 5, 6, 7)
        panel, timeline, graph, runs, inbox, doctor = map(browser.output, range(2, 8))
        expect(timeline.locator(".dn-tl-row").first).to_contain_text("completed")
        expect(graph.locator("svg").first).to_contain_text("prepare")
        expect(runs).to_contain_text("1 run")
        expect(inbox).to_contain_text("slow")
        expect(doctor.get_by_role("button").first).to_be_visible()
        for output in (timeline, graph, runs, inbox, doctor):
            expect(output.locator(".dn-live").first).to_be_visible()

        # A state that changes later comes too, and the reply to an answer.
        browser.run(8)
        expect(inbox).to_contain_text("slower")
        expect(runs).to_contain_text("2 runs")
        panel.locator("input[type=number]").fill("5")
        panel.locator("input[type=text]").fill("Bo")
        panel.locator("input[type=text]").press("Tab")
        panel.get_by_role("button", name="Send answer").click()
        expect(panel).to_contain_text("result: 'Bo said False at 5 euros")
        expect(timeline.locator(".dn-tl-head")).to_contain_text("completed")
        expect(panel.get_by_role("button", name="Send answer")).to_have_count(0)
    finally:
        browser.page.evaluate(BUSY_NO_MORE)
    # The form is a view too.
    assert browser.models_given_up > len(VIEWS)
    assert browser.errors == []


QUICK = """
import asyncio
from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent

class Tick(Event):
    n: int

class Quick(Workflow):
    @step
    async def begin(self, ev: StartEvent) -> Tick:
        return Tick(n=0)

    @step
    async def tick(self, ev: Tick) -> Tick | StopEvent:
        await asyncio.sleep(0.2)
        return StopEvent(result="quick") if ev.n == 25 else Tick(n=ev.n + 1)
"""
# The server drops after a second of it, and the run ends meanwhile.
FLOOD = """
result = asyncio.ensure_future(run.result())
for more in range(1000):
    print("x" * 300_000)
    await asyncio.sleep(0.1)
    if result.done() and more > 20:
        break
"""


def test_what_happens_while_a_cell_prints_too_much_is_shown(
    lab: Lab, browser: LabPage
) -> None:
    run = "run = %durable_run Quick --run-id quick"
    shown = ["%durable_timeline quick", "%durable_runs", FLOOD]
    lab.notebook("flood", ["%load_ext durable_notebook", QUICK, run, *shown])
    browser.open(lab, "flood/flood.ipynb")
    browser.run(0, 1, 2, 3, 4)
    browser.finished(4)
    panel, timeline, runs, printed = map(browser.output, range(2, 6))
    expect(timeline.locator(".dn-tl-row").first).to_be_visible()

    browser.run(5)
    browser.finished(5)

    expect(printed).to_contain_text("IOPub data rate exceeded")
    expect(panel).to_contain_text("result: 'quick'")
    expect(timeline.locator(".dn-tl-head")).to_contain_text("completed")
    expect(timeline.locator(".dn-tl-chips")).not_to_contain_text("running")
    expect(timeline.locator(".dn-tl-chips")).to_contain_text("27")
    expect(runs).to_contain_text("completed 1")
    assert browser.errors == []
