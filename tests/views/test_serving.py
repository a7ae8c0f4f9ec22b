"""What is shown of a server, and the lines that can be pasted."""

from __future__ import annotations

import datetime as dt
import enum
import json
import shlex
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, field_validator
from workflows import Context, Workflow, step
from workflows.events import (
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
)

from durable_notebook.client._samples import asks, sample_start
from durable_notebook.views import curl
from durable_notebook.views.serving import asked_at, served

URL = "http://127.0.0.1:8000"


class Color(enum.StrEnum):
    RED = "red"


class Address(BaseModel):
    city: str
    street: str | None = None


class Everything(StartEvent):
    text: str = Field(min_length=6)
    code: str = Field(max_length=2)
    number: int = Field(gt=9)
    share: Annotated[float, Field(ge=0, le=0.5)]
    is_new: bool
    day: dt.date
    at: dt.datetime
    color: Color
    kind: Literal["a", "b"]
    maybe: int | None
    address: Address
    tags: list[str] = Field(min_length=1)
    anything: Any
    left_out: str = "default"


class Odd(StartEvent):
    even: int

    @field_validator("even")
    @classmethod
    def _is_odd(cls, given: int) -> int:
        assert given == 101
        return given


class Named(StartEvent):
    value: int


class Plain(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent()


class WithEverything(Workflow):
    @step
    async def only(self, ev: Everything) -> StopEvent:
        return StopEvent()


class WithOdd(Workflow):
    @step
    async def only(self, ev: Odd) -> StopEvent:
        return StopEvent()


class WithNamed(Workflow):
    @step
    async def only(self, ev: Named) -> StopEvent:
        return StopEvent()


def test_a_sample_has_what_must_be_there_and_would_be_taken() -> None:
    sample = sample_start(WithEverything())

    assert sample is not None
    # As it comes out of a request.
    event = Everything(**json.loads(json.dumps(sample)))
    assert event.number >= 10
    assert event.left_out == "default"
    assert "left_out" not in sample


def test_what_cannot_be_made_up_is_not_made_up() -> None:
    assert sample_start(WithOdd()) is None


def test_a_field_called_value_is_not_taken_for_an_envelope() -> None:
    assert sample_start(WithNamed()) == {"type": "Named", "value": {"value": 1}}


class Question(InputRequiredEvent):
    pass


class Answer(HumanResponseEvent):
    pass


class Asking(Workflow):
    @step
    async def ask(self, ev: StartEvent) -> Question:
        return Question()

    @step
    async def hear(self, ev: Answer) -> StopEvent:
        return StopEvent()


class Waiting(Workflow):
    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        await ctx.wait_for_event(Answer)
        return StopEvent()


@pytest.mark.parametrize(
    ("kind", "expected"), [(Plain, False), (Asking, True), (Waiting, True)]
)
def test_it_is_seen_whether_somebody_is_asked(
    kind: type[Workflow], expected: bool
) -> None:
    assert asks(kind()) is expected


def test_a_line_says_what_a_shell_needs() -> None:
    line = curl.start(URL, "Größe", {"note": "it's"}, is_answered=False, token="$T")

    words = shlex.split(line)
    assert words[:4] == ["curl", "-X", "POST", f"{URL}/workflows/Gr%C3%B6%C3%9Fe/run"]
    assert json.loads(words[words.index("-d") + 1]) == {"start_event": {"note": "it's"}}
    assert words[-2:] == ["-H", "Authorization: Bearer $T"]


def test_a_run_that_is_answered_is_not_waited_for() -> None:
    line = curl.start(URL, "Order", {}, is_answered=True)

    assert line == f"curl -X POST {URL}/workflows/Order/run-nowait"


def test_without_a_sample_the_line_asks_for_the_fields() -> None:
    line = curl.start(URL, "Order", None, is_answered=True)

    assert line == f"curl {URL}/workflows/Order/schema"


def test_it_is_shown_as_text_and_escaped_as_html() -> None:
    shown = served(URL, {"<b>": Plain()}, None, ("a\x1b[31m & b",))

    assert repr(shown).splitlines()[0] == f"Serving <b> at {URL}"
    assert "\x1b" not in repr(shown)
    html = shown._repr_html_()
    assert "<b>&lt;b&gt;</b> served at" in html
    assert "a\\x1b[31m &amp; b" in html


@pytest.mark.parametrize(
    ("listens", "asked"),
    [
        ("http://0.0.0.0:80", "http://127.0.0.1:80"),
        ("http://[::]:80", "http://[::1]:80"),
        ("http://10.0.0.1:80", "http://10.0.0.1:80"),
    ],
)
def test_an_address_can_be_asked(listens: str, asked: str) -> None:
    assert asked_at(listens) == asked
