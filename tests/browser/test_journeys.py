"""What a person sees and touches, in a real JupyterLab."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab, LabPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

APPROVAL = """
import asyncio
import datetime as dt
from typing import Literal
from pydantic import Field
from workflows import Context, Workflow, step
from workflows.events import (
    HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent,
)

class Review(InputRequiredEvent):
    question: str

class Verdict(HumanResponseEvent):
    approved: bool = Field(default=False, description="may it go out?")
    amount: int = Field(description="in euros", ge=1)
    speed: Literal["standard", "express"] = "standard"
    due: dt.date = Field(dt.date(2026, 12, 1), description="not later than")
    by: str = Field(min_length=2, description="your name")

class Approval(Workflow):
    @step
    async def prepare(self, ctx: Context, ev: StartEvent) -> Review:
        return Review(question="Ship order 17 to Lisbon?")

    @step
    async def decide(self, ctx: Context, ev: Verdict) -> StopEvent:
        said = f"{ev.by} said {ev.approved} at {ev.amount} euros"
        return StopEvent(result=f"{said} by {ev.due:%d %B}")
"""
# A kernel takes its time to come back on two busy cores.
expect.set_options(timeout=40_000)

LESSON = Path(__file__).parents[2] / "notebooks/01_crash_and_resume.ipynb"


def test_a_form_is_answered_by_clicking_while_a_cell_blocks(
    lab: Lab, browser: LabPage
) -> None:
    lab.notebook(
        "approval",
        [
            "%load_ext durable_notebook",
            APPROVAL,
            "run = %durable_run Approval --run-id order-17",
            "import time\nwhile not open('go', 'a').tell(): time.sleep(0.05)",
            "print(await run)",
        ],
    )
    browser.open(lab, "approval/approval.ipynb")
    browser.run(0, 1, 2, 3)
    panel = browser.output(2)

    send = panel.get_by_role("button", name="Send answer")
    send.click()
    expect(panel.get_by_text("field required")).to_have_count(2)
    panel.locator("input[type=number]").fill("0")
    panel.locator("input[type=text]").fill("A")
    send.click()
    expect(panel.get_by_text("greater than or equal to 1")).to_be_visible()
    expect(panel.get_by_text("at least 2 characters")).to_be_visible()
    browser.shoot("form_refused_light")
    browser.theme("JupyterLab Dark")
    browser.shoot("form_refused_dark")
    browser.theme("JupyterLab Light")
    panel.locator("input[type=checkbox]").check()
    panel.locator("input[type=number]").fill("12")
    panel.locator("input[type=date]").fill("2026-11-30")
    panel.locator("input[type=text]").fill("Ana")
    panel.locator("input[type=text]").press("Tab")
    send.click()

    # The third cell still blocks the kernel's main thread.
    expect(panel).to_contain_text("result: 'Ana said True at 12 euros by 30 November'")
    assert "[*]" in browser.page.locator(".jp-Cell").nth(3).inner_text()
    browser.shoot("form_answered")
    (lab.root / "approval/go").write_text("go")
    browser.run(4)
    browser.finished(4)
    expect(browser.output(4)).to_contain_text(
        "Ana said True at 12 euros by 30 November"
    )


def test_a_pasted_script_hears_a_form(lab: Lab, browser: LabPage) -> None:
    """`asyncio.run` holds the cell, and no message of a widget is lost for it."""
    lab.notebook(
        "pasted",
        [
            "%load_ext durable_notebook",
            APPROVAL,
            "run = %durable_run Approval --run-id order-19",
            "%durable_nest",
            "async def main():\n    print(await run)\n\nasyncio.run(main())",
        ],
    )
    browser.open(lab, "pasted/pasted.ipynb")
    browser.run(0, 1, 2, 3, 4)
    panel = browser.output(2)

    panel.locator("input[type=number]").fill("12")
    panel.locator("input[type=text]").fill("Ana")
    panel.locator("input[type=text]").press("Tab")
    panel.get_by_role("button", name="Send answer").click()

    browser.finished(4)
    expect(browser.output(4)).to_contain_text("Ana said False at 12 euros by 01 Dec")


def test_the_question_is_on_the_screen_again_after_a_kill(
    lab: Lab, browser: LabPage
) -> None:
    lab.notebook(
        "killed",
        [
            "%load_ext durable_notebook",
            APPROVAL,
            "run = %durable_run Approval --run-id order-18",
            "%durable_restart --kill",
            "%durable_journal order-18",
        ],
    )
    browser.open(lab, "killed/killed.ipynb")
    browser.run(0, 1, 2)
    expect(browser.output(2).get_by_role("button", name="Send answer")).to_be_visible()

    browser.run(3)
    browser.page.locator(".jp-Dialog-button.jp-mod-accept").click()
    browser.wait_idle()
    browser.shoot("killed")
    browser.run(0, 1)

    # Nobody asked for it: the cell that defines the class brings it back.
    panel = browser.output(1)
    expect(panel.get_by_role("button", name="Send answer")).to_be_visible()
    expect(panel).to_contain_text("resumed by itself")
    panel.locator("input[type=number]").fill("5")
    panel.locator("input[type=text]").fill("Bo")
    panel.locator("input[type=text]").press("Tab")
    panel.get_by_role("button", name="Send answer").click()
    expect(panel).to_contain_text("result: 'Bo said False at 5 euros by 01 December'")
    browser.shoot("asked_again")
    browser.run(4)
    browser.finished(4)
    expect(browser.output(4)).to_contain_text("decide")


def test_the_first_lesson_survives_its_own_kill(lab: Lab, browser: LabPage) -> None:
    folder = lab.root / "lesson"
    folder.mkdir()
    shutil.copy(LESSON, folder / "01.ipynb")
    browser.open(lab, "lesson/01.ipynb")
    browser.command("notebook:run-all-cells")
    browser.page.locator(".jp-Dialog-button.jp-mod-accept").click()
    browser.wait_idle()
    browser.shoot("lesson_killed")

    browser.command("notebook:run-all-cells")
    expect(browser.output(9)).to_contain_text("Result: final_count = 20")
    browser.wait_idle()

    # Cells are counted with the markdown between them.
    expect(browser.output(9)).not_to_contain_text("[Start]")
    journal = browser.output(11)
    expect(journal).to_contain_text("the process ended here · session 2 began")
    assert journal.locator("tr").filter(has_text="interrupted").count() == 1
    browser.page.set_viewport_size({"width": 1560, "height": 1150})
    journal.scroll_into_view_if_needed()
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        browser.shoot(f"lesson_timeline_{theme.lower()}")
    # The picture of the README: notebooks/images/timeline.png.
    journal.screenshot(path=browser.shots / "timeline.png")
    browser.page.set_viewport_size({"width": 1400, "height": 1000})
    assert browser.errors == []
