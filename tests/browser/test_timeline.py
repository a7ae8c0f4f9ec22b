"""The timeline in a real JupyterLab: what it says, by mouse and by keys, and how fast."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.lab import Lab, LabPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TRIP = """
import asyncio, time
from pathlib import Path
from workflows import Context, Workflow, step
from workflows.events import (
    Event, HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent,
)
from workflows.retry_policy import retry_policy, stop_after_attempt, wait_fixed

class Leg(Event):
    city: str
    note: str = "<img src=x onerror=alert(1)>"

class Priced(Event):
    city: str
    price: int

class Ask(InputRequiredEvent):
    question: str

class Answer(HumanResponseEvent):
    ok: bool

class Trip(Workflow):
    @step
    async def plan(self, ctx: Context, ev: StartEvent) -> Leg | None:
        await ctx.store.set("cities", 3)
        for city in ("Lisbon", "Porto", "Faro"):
            ctx.send_event(Leg(city=city))

    @step(num_workers=2, retry_policy=retry_policy(
        wait=wait_fixed(0.1), stop=stop_after_attempt(3)))
    async def price(self, ctx: Context, ev: Leg) -> Priced:
        await asyncio.sleep(0.2)
        mark = Path(ev.city)
        if ev.city == "Porto" and not mark.exists():
            mark.touch()
            raise ValueError("no offer for <b>Porto</b>, tried too early")
        if ev.city == "Faro" and not mark.exists():
            mark.touch()
            await asyncio.sleep(3600)
        return Priced(city=ev.city, price=len(ev.city) * 10)

    @step
    async def choose(self, ctx: Context, ev: Priced) -> Ask | None:
        if ctx.collect_events(ev, [Priced] * 3) is None:
            return None
        return Ask(question="Book all three?")

    @step
    async def book(self, ev: Answer) -> StopEvent:
        return StopEvent(result=ev.ok)
"""

UNTIL_PRICED = """
for _ in range(500):
    rows = await run.journal()
    if sum(r.status == "completed" for r in rows) >= 5: break
    await asyncio.sleep(0.02)
"""


def step_of(row: Locator) -> str:
    return row.locator(".dn-tl-step").inner_text()


def test_a_run_is_seen_by_mouse_and_by_keys(lab: Lab, browser: LabPage) -> None:
    lab.notebook(
        "trip",
        [
            "%load_ext durable_notebook",
            TRIP,
            "run = %durable_run Trip --run-id trip-1",
            "run = %durable_timeline trip-1",
            UNTIL_PRICED,
            "%durable_restart",
        ],
    )
    browser.open(lab, "trip/trip.ipynb")
    browser.run(0, 1, 2, 3, 4)
    browser.finished(4)
    view = browser.output(3)
    expect(view.locator(".dn-tl-row", has_text="running")).to_have_count(1)
    view.scroll_into_view_if_needed()
    browser.shoot("timeline_running")

    # It goes on in the next session, in the same place.
    browser.run(5)
    expect(view.locator(".dn-tl-head")).to_contain_text("waits for an answer: Answer")
    chips = view.locator(".dn-tl-chips button")
    said = {chip.inner_text() for chip in chips.all()}
    expect(view).to_contain_text("process ended · session 2 began")
    browser.shoot("timeline_waiting")
    assert any("replayed" in text for text in said), said
    assert any("re-executed" in text for text in said), said
    assert any("failed, retried" in text for text in said), said
    assert any("waits for a person" in text for text in said), said
    assert any("interrupted" in text for text in said), said

    grid = view.get_by_role("grid", name="Executions of run trip-1")
    grid.focus()
    grid.press("ArrowDown")
    grid.press("ArrowDown")
    active = view.locator('[aria-selected="true"]')
    assert active.get_attribute("id") == grid.get_attribute("aria-activedescendant")
    label = active.get_attribute("aria-label")
    assert label is not None and label.startswith("price, ")
    failed = view.locator(".dn-tl-row", has_text="failed, retried")
    failed.click()
    card = view.get_by_role("region", name="Details of price")
    expect(card).to_contain_text("ValueError: no offer for <b>Porto</b>")
    expect(card).to_contain_text("<img src=x onerror=alert(1)>")
    expect(card).to_contain_text("async def price(self, ctx: Context, ev: Leg)")
    assert browser.page.locator(".dn-tl-card img, .dn-tl-card b b").count() == 0
    for theme in ("Dark", "Light"):
        browser.theme(f"JupyterLab {theme}")
        grid.focus()
        expect(card).to_be_visible()
        browser.shoot(f"timeline_card_{theme.lower()}")
    grid.press("Escape")
    expect(card).to_be_hidden()
    # The notebook has not taken the keys: no cell has moved, opened or gone.
    assert browser.page.locator(".jp-Notebook .jp-Cell").count() == 6

    view.get_by_role("button", name="Zoom in (+)").click()
    grid.press("+")
    grid.press("ArrowRight")
    expect(view.get_by_role("status")).to_contain_text("From")
    browser.shoot("timeline_zoomed")
    grid.press("0")
    expect(view.get_by_role("status")).to_have_text("The whole run")

    view.get_by_label("Filter by step").fill("cho")
    expect(view.locator(".dn-tl-foot")).to_contain_text("3 of ")
    view.get_by_label("Filter by step").fill("")
    chips.filter(has_text="interrupted").click()
    expect(view.locator(".dn-tl-foot")).to_contain_text("1 of ")
    browser.shoot("timeline_filtered")
    assert browser.errors == []
