"""What a person enters into a form, what is sent, and what pydantic makes of it."""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect
from pydantic import AwareDatetime, BaseModel, Field, SecretStr
from workflows.events import HumanResponseEvent

from durable_notebook._model import Json
from durable_notebook._schema import form_schema, problems, schema_of
from durable_notebook.client._requests import make_event
from durable_notebook.errors import InvalidFieldsError
from durable_notebook.notebook._form import FORM_SCRIPTS
from durable_notebook.views import assets
from tests.browser.lab import LabPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    sku: str
    qty: int = Field(ge=1)


class Address(BaseModel):
    street: str
    city: str = "Bonn"
    zip: int | None = None


class Card(BaseModel):
    kind: Literal["card"] = "card"
    number: SecretStr


class Invoice(BaseModel):
    kind: Literal["invoice"] = "invoice"
    to: Address


class Tree(BaseModel):
    name: str
    children: list[Tree] = Field(default_factory=list)


class Order(HumanResponseEvent):
    """Everything at once."""

    approved: bool
    urgent: bool | None = None
    gift: bool = False
    note: str = Field("", description="what the customer should read")
    by: str = Field(min_length=2, title="Your name")
    amount: float = Field(gt=0, le=100)
    color: Color
    way: Literal["post", "foot"] = "post"
    lines: list[Line]
    prices: dict[str, Decimal] = Field(default_factory=dict)
    address: Address = Address(street="Main 1")
    billing: Address | None = None
    payment: Annotated[Card | Invoice, Field(discriminator="kind")]
    due: dt.date
    at: dt.datetime | None = None


@dataclass
class Form:
    """A form in the browser, and what was sent of it."""

    page: Page
    sent: list[Json]

    def field(self, name: str) -> Locator:
        """The field of a name; of one inside another `outer.inner`."""
        found = self.page.locator(".dn-form")
        for part in name.split("."):
            found = found.locator(f'[data-name="{part}"]').first
        return found

    def input(self, name: str) -> Locator:
        return self.field(name).locator("input, select, textarea").first

    def wrong(self, name: str) -> Locator:
        return self.field(name).locator(".dn-wrong").last

    def send(self) -> Json:
        before = len(self.sent)
        self.page.get_by_role("button", name="Send", exact=True).click()
        self.page.wait_for_function("n => window.done > n", arg=before)
        return self.sent[-1]


Open = Callable[..., Form]


@pytest.fixture
def page(browser: LabPage) -> Iterator[Page]:
    opened = browser.page.context.browser
    assert opened is not None
    page = opened.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.set_default_timeout(20_000)
    yield page
    page.close()
    assert errors == []


@pytest.fixture
def open_form(page: Page) -> Open:
    def opened(kind: type[HumanResponseEvent], *, is_recorded: bool = False) -> Form:
        sent: list[Json] = []

        def refusal(fields: Json) -> dict[str, str]:
            if is_recorded:
                return problems(fields, schema_of(kind))
            try:
                make_event(kind, fields)
            except InvalidFieldsError as e:
                return dict(e.problems)
            return {}

        def send(text: str) -> dict[str, str]:
            sent.append(json.loads(text))
            return refusal(sent[-1])

        style = assets.joined("theme.css", "form.css")
        page.set_content(
            f"<style>{style}</style><div id=place class=dn-live style='padding:20px'>"
        )
        page.expose_function("pySend", send)
        page.expose_function("pyCheck", refusal)
        page.add_script_tag(content=assets.joined("dom.js", *FORM_SCRIPTS))
        page.evaluate(
            """schema => {
              window.done = 0;
              const send = async values => {
                const problems = await window.pySend(JSON.stringify(values));
                window.done++;
                if (Object.keys(problems).length)
                  throw Object.assign(new Error("refused"), {problems});
              };
              const paths = async folder => [folder + "a.txt", folder + "b/"];
              const form = makeForm(schema, {send, check: window.pyCheck, paths});
              document.getElementById("place").append(form.element);
            }""",
            schema_of(kind) if is_recorded else form_schema(kind),
        )
        return Form(page, sent)

    return opened


def fill_order(form: Form) -> None:
    form.field("approved").get_by_text("yes", exact=True).click()
    form.input("by").fill("Ada")
    form.input("amount").fill("12.5")
    form.input("color").select_option("blue")
    lines = form.field("lines")
    lines.get_by_role("button", name="Add line").click()
    lines.locator('[data-name="sku"] input').fill("tea")
    lines.locator('[data-name="qty"] input').fill("3")
    form.input("payment").select_option("Card")
    form.input("payment.number").fill("hunter2")
    form.input("due").fill("2026-11-30")


def test_what_nobody_touched_is_not_sent(open_form: Open) -> None:
    form = open_form(Order)
    fill_order(form)

    sent = form.send()

    assert sent == {
        "approved": True,
        "by": "Ada",
        "amount": 12.5,
        "color": "blue",
        "lines": [{"sku": "tea", "qty": 3}],
        "payment": {"kind": "card", "number": "hunter2"},
        "due": "2026-11-30",
    }
    made: Any = make_event(Order, sent)
    assert made.payment.number.get_secret_value() == "hunter2"
    assert made.way == "post"


def test_what_was_touched_is_sent_whole(open_form: Open) -> None:
    form = open_form(Order)
    fill_order(form)
    form.field("urgent").get_by_text("no", exact=True).click()
    form.input("gift").check()
    form.input("note").fill("two\nlines")
    form.input("way").select_option("foot")
    prices = form.field("prices")
    for name, price in (("tea", "1.20"), ("milk", "0.10")):
        prices.get_by_role("button", name="Add entry").click()
        prices.get_by_label("Key").last.fill(name)
        prices.locator(".dn-pair").last.locator("input").last.fill(price)
    form.input("address.street").fill("Side 2")
    form.input("billing").select_option("Address")
    form.input("billing.street").fill("Long 3")
    form.input("billing.zip").fill("53111")
    form.field("at").locator("input").first.fill("2026-11-30T10:05:00")

    sent = form.send()

    assert sent["urgent"] is False
    assert sent["gift"] is True
    assert sent["note"] == "two\nlines"
    assert sent["way"] == "foot"
    assert sent["prices"] == {"tea": "1.20", "milk": "0.10"}
    # The rest of an object that is sent is sent as it stands there.
    assert sent["address"] == {"street": "Side 2", "city": "Bonn", "zip": None}
    assert sent["billing"] == {"street": "Long 3", "zip": 53111}
    made: Any = make_event(Order, sent)
    assert made.prices["tea"] == Decimal("1.20")
    assert made.at == dt.datetime(2026, 11, 30, 10, 5)


def test_a_refusal_stands_beside_each_field(open_form: Open) -> None:
    form = open_form(Order)
    fill_order(form)
    form.field("lines").get_by_role("button", name="Add line").click()
    form.input("amount").fill("500")
    form.input("by").fill("A")

    form.send()

    expect(form.wrong("by")).to_contain_text("at least 2 characters")
    expect(form.wrong("amount")).to_contain_text("less than or equal to 100")
    second = form.field("lines").locator(".dn-row").nth(1)
    expect(second.locator('[data-name="qty"] .dn-wrong')).to_contain_text("required")
    expect(second.locator('[data-name="sku"] .dn-wrong')).to_contain_text("required")
    first = form.field("lines").locator(".dn-row").nth(0)
    expect(first.locator('[data-name="qty"] .dn-wrong')).to_be_hidden()
    assert form.input("amount").get_attribute("aria-invalid") == "true"


def test_mistakes_are_told_while_typing_but_not_what_is_still_to_come(
    open_form: Open,
) -> None:
    form = open_form(Order)

    form.input("amount").fill("500")

    expect(form.wrong("amount")).to_contain_text("less than or equal to 100")
    expect(form.page.get_by_text("field required")).to_have_count(0)
    form.input("amount").fill("50")
    expect(form.wrong("amount")).to_be_hidden()
    assert form.sent == []


def test_rows_are_moved_and_removed(open_form: Open) -> None:
    class Many(HumanResponseEvent):
        names: list[str] = Field(max_length=3)

    form = open_form(Many)
    add = form.field("names").get_by_role("button", name="Add row")
    for name in "abc":
        add.click()
        form.field("names").locator(".dn-row input").last.fill(name)
    expect(add).to_be_disabled()
    form.field("names").get_by_role("button", name="Move up").last.click()
    form.field("names").get_by_role("button", name="Remove").first.click()

    assert form.send() == {"names": ["c", "b"]}


def test_ctrl_enter_sends_and_enter_does_not(open_form: Open) -> None:
    class One(HumanResponseEvent):
        name: str

    form = open_form(One)
    form.input("name").fill("Ada")
    form.input("name").press("Enter")
    assert form.sent == []
    form.input("name").press("Control+Enter")

    form.page.wait_for_function("window.done === 1")
    assert form.sent == [{"name": "Ada"}]


class Odd(HumanResponseEvent):
    path: Path
    when: AwareDatetime
    at: dt.time
    lasts: dt.timedelta
    key: UUID
    pair: tuple[int, str]
    tags: set[str]
    either: int | str
    anything: Any
    tree: Tree
    callback: Callable[[], int] | None = None
    big: int
    maybe: str | None


def test_odd_types_are_entered_too(open_form: Open) -> None:
    form = open_form(Odd)
    form.input("path").fill("data/")
    expect(form.field("path").locator("option")).to_have_count(2)
    form.field("when").locator("input").fill("2026-11-30T10:05:00")
    form.field("when").locator("select").select_option("Z")
    form.input("at").fill("10:05:00")
    form.input("lasts").fill("PT90M")
    form.input("key").fill("12345678-1234-5678-1234-567812345678")
    form.field("pair").locator("input").nth(0).fill("7")
    form.field("pair").locator("input").nth(1).fill("seven")
    form.field("tags").get_by_role("button", name="Add row").click()
    form.field("tags").locator("input").fill("x")
    form.input("either").select_option("text")
    form.field("either").locator("input").fill("12")
    form.input("anything").fill('{"deep": [1]}')
    form.input("tree.name").fill("root")
    form.field("tree").get_by_role("button", name="Add tree").click()
    form.field("tree").locator(".dn-row input").first.fill("leaf")
    form.input("big").fill("123456789012345678901")
    form.field("maybe").get_by_text("none").click()

    sent = form.send()

    made: Any = make_event(Odd, sent)
    assert made.path == Path("data")
    assert made.when == dt.datetime(2026, 11, 30, 10, 5, tzinfo=dt.UTC)
    assert made.at == dt.time(10, 5)
    assert made.lasts == dt.timedelta(minutes=90)
    assert made.key == UUID("12345678-1234-5678-1234-567812345678")
    assert made.pair == (7, "seven")
    assert made.tags == {"x"}
    assert made.either == "12"
    assert made.anything == {"deep": [1]}
    assert made.tree == Tree(name="root", children=[Tree(name="leaf")])
    assert made.big == 123456789012345678901
    assert sent["maybe"] is None


def test_what_is_no_json_is_not_sent(open_form: Open) -> None:
    class Loose(HumanResponseEvent):
        anything: Any

    form = open_form(Loose)
    form.input("anything").fill("{")
    form.page.get_by_role("button", name="Send", exact=True).click()

    expect(form.wrong("anything")).to_contain_text("this is no JSON")
    assert form.sent == []


def test_an_event_without_fields_takes_a_json_object(open_form: Open) -> None:
    class Free(HumanResponseEvent):
        pass

    form = open_form(Free)
    form.input("fields").fill('{"response": "yes"}')

    assert form.send() == {"response": "yes"}


def test_the_recorded_schema_makes_the_same_form(open_form: Open) -> None:
    """Of a class that is not here: without defaults, titles, and pydantic."""
    form = open_form(Order, is_recorded=True)
    fill_order(form)
    form.field("gift").get_by_text("yes", exact=True).click()

    sent = form.send()

    assert make_event(Order, sent)
    assert sent["gift"] is True
    assert "way" not in sent
    assert "address" not in sent


def test_hostile_names_and_values_are_text(open_form: Open) -> None:
    markup = "<img src=x onerror=window.hit=1></script>"
    kind: Any = type(
        "Hostile",
        (HumanResponseEvent,),
        {
            "__annotations__": {"a": Literal[markup, "\u202eb"], "d": dict[str, str]},  # type: ignore[valid-type]
            "a": Field(title=markup, description=markup),
        },
    )
    form = open_form(kind)
    form.input("a").select_option(index=1)
    form.field("d").get_by_role("button", name="Add entry").click()
    form.field("d").get_by_label("Key").fill("__proto__")
    form.field("d").locator("input").last.fill(markup)

    sent = form.send()

    assert sent["a"] == markup
    assert sent["d"] == {"__proto__": markup}
    assert form.page.evaluate("window.hit") is None
    assert form.page.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_of_a_form(
    open_form: Open, page: Page, browser: LabPage, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 760, "height": 1500})
    form = open_form(Order)
    page.add_style_tag(
        content=":root { color-scheme: light dark } body { background: Canvas }"
    )
    fill_order(form)
    form.input("billing").select_option("Address")
    form.input("amount").fill("500")
    form.field("lines").get_by_role("button", name="Add line").click()
    form.send()
    expect(form.wrong("amount")).to_be_visible()

    page.screenshot(path=browser.shots / f"form_{scheme}.png", full_page=True)
