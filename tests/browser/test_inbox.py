"""Questions answered in JupyterLab: while a cell blocks, and in another notebook."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab, LabPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

expect.set_options(timeout=40_000)

SHOP = """
import asyncio
import datetime as dt
from typing import Literal
from pydantic import BaseModel, Field, SecretStr
from workflows import Context, Workflow, step
from workflows.events import (
    HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent,
)

class Line(BaseModel):
    sku: str = Field(description="as on the shelf")
    qty: int = Field(ge=1)

class Ask(InputRequiredEvent):
    question: str
    shelf: str = "A-12 <img src=x onerror=alert(1)>"

class Order(HumanResponseEvent):
    lines: list[Line] = Field(min_length=1, description="what to buy")
    express: bool = False
    paid_with: Literal["card", "invoice"]
    key: SecretStr = Field(description="of the till")
    note: str | None = None

class Shop(Workflow):
    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        got = await ctx.wait_for_event(
            Order, waiter_event=Ask(question="What shall we order for Lisbon?"),
            requirements=ev.get("needs", {}), timeout=ev.get("timeout", None),
        )
        bought = ", ".join(f"{line.qty} {line.sku}" for line in got.lines)
        return StopEvent(result=f"{bought} with {len(got.key.get_secret_value())}")
"""
LOAD = "%load_ext durable_notebook\n%durable_connect sqlite:///../shop.sqlite"


def fill(form: Locator) -> None:
    """Two lines, of which one is there as there must be one, and the rest."""
    for sku, qty in (("tea", "3"), ("milk", "2")):
        if sku != "tea":
            form.get_by_role("button", name="Add line").click()
        form.locator('[data-name="sku"] input').last.fill(sku)
        form.locator('[data-name="qty"] input').last.fill(qty)
    form.get_by_label("Paid with").select_option("card")
    form.get_by_label("Key").fill("hunter2")


def test_a_nested_form_is_answered_while_a_cell_blocks(
    lab: Lab, browser: LabPage
) -> None:
    folder = lab.notebook(
        "nested",
        [
            "%load_ext durable_notebook",
            SHOP,
            "run = %durable_run Shop --run-id order-17 needs={'express': False} "
            "timeout=3000",
            "import time\nwhile not open('go', 'a').tell(): time.sleep(0.05)",
            "print(await run)",
        ],
    )
    browser.open(lab, "nested/nested.ipynb")
    browser.run(0, 1, 2, 3)
    panel = browser.output(2)
    form = panel.locator(".dn-form")
    fill(form)
    expect(panel).to_contain_text("min ")
    expect(panel).to_contain_text("Only an answer with express = false counts")
    form.locator('[data-name="qty"] input').last.fill("0")
    # It is told while one types, although the kernel's main thread is blocked.
    expect(form).to_contain_text("greater than or equal to 1")
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        browser.shoot(f"nested_form_{theme.lower()}")
    form.locator('[data-name="qty"] input').last.fill("2")
    form.get_by_label("Key").press("Control+Enter")

    expect(panel).to_contain_text("3 tea, 2 milk with 7")
    expect(panel).to_contain_text("answered by notebook nested.ipynb at")
    assert "[*]" in browser.page.locator(".jp-Cell").nth(3).inner_text()
    browser.shoot("nested_answered")
    (folder / "go").write_text("go")
    browser.run(4)
    browser.finished(4)
    browser.command("docmanager:save")
    expect(browser.page.locator(".jp-mod-dirty")).to_have_count(0)
    saved = (folder / "nested.ipynb").read_text()
    assert "hunter2" not in saved
    assert "answered by notebook nested.ipynb" in saved
    assert browser.errors == []


def test_a_question_is_answered_in_the_inbox_of_another_notebook(
    lab: Lab, browser: LabPage
) -> None:
    """The notebook that asked shows who and when, in the place of its form."""
    lab.notebook(
        "asks", [LOAD, SHOP, "run = %durable_run Shop --run-id order-18", "await run"]
    )
    # It does not define the classes: the recorded fields make the form.
    lab.notebook("answers", [LOAD, "%durable_inbox"])
    browser.open(lab, "asks/asks.ipynb")
    browser.run(0, 1, 2)
    asked = browser.output(2).get_by_role("button", name="Send answer")
    expect(asked).to_be_visible()

    context = browser.page.context.browser
    assert context is not None
    page = context.new_page(viewport={"width": 1400, "height": 1000})
    other = LabPage(page, browser.shots)
    page.set_default_timeout(60_000)
    try:
        other.open(lab, "answers/answers.ipynb")
        other.run(0, 1)
        inbox = other.output(1)
        row = inbox.locator(".dn-inbox-row")
        expect(row).to_have_count(1)
        expect(inbox).to_contain_text("1 question waits")
        row.locator("summary").click()
        fill(inbox.locator(".dn-form"))
        for theme in ("Dark", "Light"):
            other.theme(f"JupyterLab {theme}")
            other.shoot(f"inbox_{theme.lower()}")
        inbox.get_by_role("button", name="Send answer").click()
        expect(inbox).to_contain_text("Answered by notebook answers.ipynb at")
        expect(inbox).to_contain_text("No question waits for a person")
        expect(inbox.locator("summary")).to_be_focused()
        expect(inbox.locator("summary")).to_be_in_viewport()
        other.shoot("inbox_answered")
        assert other.errors == []
    finally:
        page.close()

    panel = browser.output(2)
    expect(panel).to_contain_text("answered by notebook answers.ipynb at")
    expect(panel.get_by_role("button", name="Send answer")).to_have_count(0)
    expect(panel).to_contain_text("3 tea, 2 milk with 7")
    panel.scroll_into_view_if_needed()
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        browser.shoot(f"asked_elsewhere_{theme.lower()}")
    assert browser.errors == []


def test_five_hundred_questions_stay_usable(lab: Lab, browser: LabPage) -> None:
    lab.notebook(
        "five_hundred",
        [
            "%load_ext durable_notebook",
            SHOP,
            "box = %durable_inbox",
            "for n in range(500):\n"
            "    box._session.start(Shop, f'order-{n:03}', None, {})",
        ],
    )
    browser.open(lab, "five_hundred/five_hundred.ipynb")
    browser.run(0, 1, 2, 3)
    inbox = browser.output(2)
    expect(inbox).to_contain_text("500 questions wait", timeout=120_000)
    rows = inbox.locator(".dn-inbox-row")
    expect(rows).to_have_count(100)
    browser.shoot("inbox_many")

    inbox.get_by_label("Filter questions").fill("order-317")
    expect(rows).to_have_count(1)
    rows.locator("summary").click()
    expect(inbox.get_by_role("button", name="Send answer")).to_be_visible()
    inbox.get_by_label("Filter questions").fill("")
    inbox.get_by_role("button", name="Show 100 of 400 more").click()
    expect(rows).to_have_count(200)
    assert browser.errors == []
