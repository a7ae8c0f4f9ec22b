"""The doctor in a real JupyterLab: it says why, and what is pressed cures."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab, LabPage
from tests.browser.test_journeys import APPROVAL
from tests.browser.test_runs import BROKEN

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

expect.set_options(timeout=40_000)

BEGIN = """
first = %durable_run Broken --run-id broken-1
client = first.client
long = await client.start(Long, run_id="long-1")
order = await client.start(Approval, run_id="order-17")
gone = await client.start(Gone, run_id="gone-1")
import time
for _ in range(500):
    info = await client.run("broken-1").info()
    if info.status == "failed": break
    time.sleep(0.02)
del Gone
"""
RAISES = 'raise ValueError("tray <b>2</b> is empty")'
GONE = """
class Gone(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        await asyncio.sleep(3600)
        return StopEvent()
"""


def section(output: Locator, run_id: str) -> Locator:
    return output.locator(".dn-doctor section").filter(has_text=run_id)


def test_each_cause_is_cured_by_what_stands_beside_it(
    lab: Lab, browser: LabPage
) -> None:
    lab.notebook(
        "doctor",
        [
            "%load_ext durable_notebook",
            APPROVAL + BROKEN,
            GONE,
            BEGIN + "%durable_restart",
            "%durable_doctor",
            BROKEN.replace(RAISES, "return StopEvent()"),
            "%durable_doctor broken-1",
        ],
    )
    browser.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    browser.open(lab, "doctor/doctor.ipynb")
    browser.run(0, 1, 2, 3, 4)
    browser.finished(4)
    report = browser.output(4)
    expect(section(report, "gone-1")).to_contain_text("Its definition is missing")
    expect(section(report, "order-17")).to_contain_text("It waits for an answer")
    expect(section(report, "long-1")).to_contain_text("A step is running")
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        report.locator(".dn-doctor").evaluate("e => e.scrollIntoView({block: 'start'})")
        browser.shoot(f"doctor_{theme.lower()}")

    # Answered below the report, which then has nothing to say of the run.
    order = section(report, "order-17")
    order.get_by_role("button", name="Answer", exact=True).click()
    expect(section(report, "order-17")).to_contain_text("Shown below.")
    report.locator("input[type=number]").last.fill("12")
    report.locator("input[type=text]").last.fill("Ana")
    report.locator("input[type=text]").last.press("Tab")
    report.get_by_role("button", name="Send answer").click()
    expect(report).to_contain_text("result: 'Ana said False at 12 euros")
    browser.shoot("doctor_answered")
    expect(section(report, "order-17")).to_have_count(0)

    # The class is defined again, and the run goes on by itself.
    browser.run(2)
    browser.finished(2)
    expect(section(report, "gone-1")).to_contain_text("A step is running")

    # A failed one: the cause is mended, and its last turn done again.
    browser.run(5, 6)
    browser.finished(6)
    report = browser.output(6)
    expect(section(report, "broken-1")).to_contain_text("tray <b>2</b> is empty")
    report.get_by_role("button", name="Copy %durable_fork broken-1").click()
    expect(report.get_by_text("Copied")).to_be_visible()
    text = browser.page.evaluate("navigator.clipboard.readText()")
    assert text == "%durable_fork broken-1"
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        report.scroll_into_view_if_needed()
        browser.shoot(f"doctor_failed_{theme.lower()}")
    report.get_by_role("button", name="Try its last turn again").click()
    broken = section(report, "broken-1")
    expect(broken).to_contain_text("It does its last turn again.")
    expect(broken).to_contain_text("It has ended: it is completed.")
    assert browser.errors == []
