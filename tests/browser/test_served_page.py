"""The page of a server, in a browser that reaches no other host."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.lab import LabPage

# Of several kernels and browsers on two cores; nothing here is a test of speed.
expect.set_options(timeout=40_000)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TOKEN = "a-token-of-some-length"

SHOP = """
from typing import Literal

from pydantic import Field
from workflows import Context, Workflow, step
from workflows.events import (
    Event, HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent
)

class Go(StartEvent):
    qty: int = Field(ge=1)
    sku: str = "tea"

class Review(InputRequiredEvent):
    question: str

class Verdict(HumanResponseEvent):
    approved: bool = Field(default=False, description="may it go out?")
    by: str = Field(min_length=2, description="your name")

class Packing(Event):
    note: str

class Order(Workflow):
    @step
    async def pack(self, ctx: Context, ev: Go) -> Review:
        for n in range(ev.qty):
            ctx.write_event_to_stream(Packing(note=f"<img src=x onerror=alert({n})>"))
        return Review(question=f"Send {ev.qty} {ev.sku}? <script>alert(1)</script>")

    @step
    async def send(self, ctx: Context, ev: Verdict) -> StopEvent:
        return StopEvent(result=f"{ev.by} said {ev.approved}")

class Plan(StartEvent):
    size: Literal["small", "large"] | None = None
    color: Literal["red", "blue"] = "blue"
    gift: bool | None = None
    wrapped: bool = True
    cold: bool
    count: int | None = None

class Terms(InputRequiredEvent):
    text: str

class Choice(HumanResponseEvent):
    plan: Literal["a", "b"] | None = None
    urgent: bool = True
    sure: bool
    note: str = ""

class Long(Workflow):
    @step
    async def ask(self, ctx: Context, ev: Plan) -> Terms:
        given = sorted(ev.model_dump(exclude_unset=True).items())
        ctx.write_event_to_stream(Packing(note=f"a\\u2028b\\u2029c\\x85d {given}"))
        return Terms(text="Read this:\\n\\n" + "It is a long one. " * 40 + "The end.")

    @step
    async def hear(self, ev: Choice) -> StopEvent:
        return StopEvent(result=ev.plan)

class Broken(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        raise ValueError("out of <b>paper</b>")
"""


@contextmanager
def serving(folder: Path, port: int = 0, token: str = "") -> Iterator[str]:
    """The installed command; gives its address. It is told to stop with the block."""
    command = Path(sys.executable).with_name("durable-notebook")
    words = ["serve", "page_shop:Order", "page_shop:Broken", "page_shop:Long"]
    process = subprocess.Popen(
        [command, *words, "--json", "--port", str(port)],
        cwd=folder,
        env={**os.environ, "DURABLE_NOTEBOOK_TOKEN": token},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["url"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "page_shop.py").write_text(SHOP)
    return tmp_path


@dataclass
class Visit:
    """A page, and what it did that it must not do."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def part(self, name: str) -> Locator:
        return self.page.locator(f"#{name}")

    def start_form(self, workflow: str) -> Locator:
        heading = self.page.locator("summary", has_text=workflow)
        found = self.page.locator("details.flow", has=heading)
        heading.click()
        return found

    def is_as_wide_as_the_screen(self) -> bool:
        root = "document.documentElement"
        return bool(self.page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"))


@contextmanager
def visiting(
    browser: LabPage,
    url: str,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
) -> Iterator[Visit]:
    """A page of its own; nothing but the server can be reached."""
    made = browser.page.context.browser
    assert made is not None
    context = made.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme
    )
    visit = Visit(context.new_page())

    def only_there(route: Route) -> None:
        if route.request.url.startswith(url.partition("#")[0]):
            route.continue_()
        else:
            visit.faults.append(f"asked {route.request.url}")
            route.abort()

    context.route("**/*", only_there)
    visit.page.on("pageerror", lambda e: visit.faults.append(str(e)))
    visit.page.on("dialog", lambda d: (visit.faults.append(d.message), d.dismiss()))
    policy = "Content Security Policy"
    visit.page.on(
        "console", lambda m: visit.faults.append(m.text) if policy in m.text else None
    )
    try:
        visit.page.goto(url)
        yield visit
    finally:
        context.close()


def choose(form: Locator, name: str, answer: str) -> None:
    """Say yes or no where nothing is said by itself."""
    group = form.get_by_role("radiogroup", name=name)
    group.get_by_text(answer, exact=True).click()


def test_a_run_is_started_watched_and_answered(browser: LabPage, folder: Path) -> None:
    """What runs say is shown as text, whatever it is."""
    with serving(folder) as url, visiting(browser, url) as visit:
        form = visit.start_form("Order")
        form.get_by_label("qty").fill("0")
        form.get_by_role("button", name="Run").click()
        expect(form).to_contain_text("greater than or equal to 1")
        form.get_by_label("qty").fill("3")
        form.get_by_label("Run id").fill("order 17")
        form.get_by_role("button", name="Run").click()

        events = visit.part("events")
        expect(events.locator("b", has_text="Packing")).to_have_count(3)
        expect(events).to_contain_text("<img src=x onerror=alert(2)>")
        question = visit.page.locator(".question")
        expect(question).to_contain_text("Send 3 tea? <script>alert(1)</script>")
        expect(visit.part("state")).to_have_text("waiting")
        expect(visit.part("runs")).to_contain_text("order 17")
        visit.page.screenshot(path=browser.shots / "served_asks.png", full_page=True)

        question.get_by_role("button", name="Send answer").click()
        expect(question).to_contain_text("field required")
        question.get_by_label("approved").check()
        question.get_by_label("by").fill("Ada")
        question.get_by_role("button", name="Send answer").click()

        expect(visit.part("state")).to_have_text("completed")
        expect(events.locator("li.stop")).to_contain_text("Ada said True")
        expect(question).to_have_count(0)
        expect(visit.part("questions")).to_contain_text("answered by HTTP at")
        expect(visit.part("cancel")).to_be_hidden()
        assert visit.faults == []


def test_what_goes_wrong_is_said_and_a_run_is_cancelled(
    browser: LabPage, folder: Path
) -> None:
    with serving(folder) as url, visiting(browser, url, 400, "dark") as visit:
        visit.start_form("Broken").get_by_role("button", name="Run").click()
        expect(visit.part("state")).to_have_text("failed")
        expect(visit.part("waits")).to_have_text("ValueError: out of <b>paper</b>")

        form = visit.start_form("Order")
        form.get_by_label("qty").fill("1")
        form.get_by_role("button", name="Run").click()
        expect(visit.part("state")).to_have_text("waiting")
        assert visit.is_as_wide_as_the_screen()
        visit.page.screenshot(path=browser.shots / "served_narrow.png", full_page=True)

        visit.part("hold").click()
        expect(visit.part("state")).to_have_text("paused")
        expect(visit.part("hold")).to_have_text("Resume run")
        assert visit.is_as_wide_as_the_screen()
        visit.page.screenshot(path=browser.shots / "served_paused.png", full_page=True)
        visit.part("hold").click()
        expect(visit.part("state")).to_have_text("waiting")

        visit.part("cancel").click()
        expect(visit.part("state")).to_have_text("cancelled")
        expect(visit.part("hold")).to_be_hidden()
        expect(visit.page.locator(".question")).to_have_count(0)
        assert visit.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_nobody_touched_is_not_sent(
    browser: LabPage, folder: Path, scheme: Literal["light", "dark"]
) -> None:
    """And a text with the line ends of Unicode is one event, a long one whole."""
    with serving(folder) as url, visiting(browser, url, scheme=scheme) as visit:
        form = visit.start_form("Long")
        choose(form, "cold", "no")
        form.get_by_role("button", name="Run").click()
        events, question = visit.part("events"), visit.page.locator(".question")
        expect(events.locator("li")).to_contain_text(["d [('cold', False)]", "Terms"])
        expect(question).to_contain_text("The end.")
        visit.page.screenshot(path=browser.shots / f"long_{scheme}.png", full_page=True)
        choose(question, "sure", "no")
        with visit.page.expect_request("**/answer") as sent:
            question.get_by_role("button", name="Send answer").click()
        assert sent.value.post_data_json == {"prompt": 0, "fields": {"sure": False}}
        expect(events.locator("li.stop")).to_have_count(1)

        form.get_by_label("size").select_option("large")
        form.get_by_label("wrapped").uncheck()
        choose(form, "gift", "no")
        form.get_by_label("count").fill("3")
        form.get_by_role("button", name="Run").click()
        given = "('cold', False), ('count', 3), ('gift', False), ('size', 'large')"
        expect(events).to_contain_text(f"d [{given}, ('wrapped', False)]")
        question.get_by_label("plan").select_option("b")
        question.get_by_label("urgent").uncheck()
        choose(question, "sure", "yes")
        with visit.page.expect_request("**/answer") as sent:
            question.get_by_role("button", name="Send answer").click()
        fields = {"plan": "b", "urgent": False, "sure": True}
        assert sent.value.post_data_json == {"prompt": 0, "fields": fields}
        assert visit.faults == []


def test_an_address_that_no_run_can_have_leaves_the_page_usable(
    browser: LabPage, folder: Path
) -> None:
    with serving(folder) as url, visiting(browser, f"{url}/#%") as visit:
        expect(visit.part("refused")).to_contain_text("No run '%' in this journal.")
        expect(visit.part("flows")).to_contain_text("Order")
        assert visit.faults == []


def test_the_token_is_asked_for_and_kept_by_the_tab_alone(
    browser: LabPage, folder: Path
) -> None:
    with serving(folder, token=TOKEN) as url, visiting(browser, url) as visit:
        secret = visit.page.get_by_label("Token")
        secret.fill("another-token-than-that")
        visit.page.get_by_role("button", name="Open").click()
        expect(visit.part("lock").get_by_role("alert")).to_contain_text("not that of")
        secret.fill(TOKEN)
        visit.page.get_by_role("button", name="Open").click()
        expect(visit.part("flows")).to_contain_text("Order")
        visit.page.reload()
        expect(visit.part("flows")).to_contain_text("Order")
        kept = visit.page.evaluate("[localStorage.length, document.cookie]")
        other = visit.page.context.new_page()
        other.goto(url)
        expect(other.get_by_label("Token")).to_be_visible()
        assert kept == [0, ""]
        assert visit.faults == []


def test_a_page_that_stays_open_finds_the_server_again(
    browser: LabPage, folder: Path
) -> None:
    """And goes on behind the last event it has seen."""
    with ExitStack() as stays:
        with serving(folder) as url:
            visit = stays.enter_context(visiting(browser, url))
            form = visit.start_form("Order")
            form.get_by_label("qty").fill("2")
            form.get_by_role("button", name="Run").click()
            # What is typed stays.
            visit.page.locator(".question").get_by_label("by").fill("Ada")
        expect(visit.part("link")).to_have_text("the server is away")

        with serving(folder, int(url.rpartition(":")[2])):
            expect(visit.part("link")).to_have_text("connected")
            visit.page.get_by_role("button", name="Send answer").click()
            events = visit.part("events")
            expect(events.locator("li.stop")).to_contain_text("Ada said False")
            expect(events.locator("b", has_text="Packing")).to_have_count(2)
            assert visit.faults == []
