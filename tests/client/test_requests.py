"""Fields that a caller hands in, made events of."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import AfterValidator, BaseModel, Field, SecretStr, field_validator
from workflows.events import HumanResponseEvent

from durable_notebook._model import Json, Prompt
from durable_notebook._schema import schema_of
from durable_notebook.client._requests import make_answer, make_event
from durable_notebook.errors import InvalidFieldsError
from durable_notebook.operations._messages import values_message


class Loose(HumanResponseEvent):
    """Takes any field."""


class Strict(HumanResponseEvent):
    text: str


class Living(HumanResponseEvent):
    """Makes something of its field that no journal can hold."""

    thing: Annotated[Any, AfterValidator(lambda _: object())]


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(depth - 1):
        found = [found]
    return found


PROMPT = Prompt("a", 0, None, ("Living",), {}, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("kind", [Loose, Strict])
@pytest.mark.parametrize("name", ["self", "_x", "_data", "__class__"])
def test_a_name_that_no_field_can_have_is_refused(
    kind: type[HumanResponseEvent], name: str
) -> None:
    with pytest.raises(InvalidFieldsError) as refused:
        make_event(kind, {"text": "Ada", name: 1})

    assert list(refused.value.problems) == [name]


def test_what_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(InvalidFieldsError, match="nested more than 100 times"):
        make_event(Loose, {"text": nested(100_000)})

    assert make_event(Loose, {"text": nested(100)}).text == nested(100)


def test_an_answer_that_no_journal_can_hold_is_refused() -> None:
    with pytest.raises(InvalidFieldsError, match=r"thing: .* JSON cannot hold"):
        make_answer(Living, {"thing": 1}, PROMPT)


class Typed(HumanResponseEvent):
    """Of types that pydantic writes, and JSON alone does not."""

    key: SecretStr
    path: Path
    at: dt.time
    lasts: dt.timedelta
    number: UUID


def test_an_answer_of_any_type_that_pydantic_writes_is_made() -> None:
    fields = {
        "key": "hush",
        "path": "/tmp",
        "at": "10:00",
        "lasts": "PT2H",
        "number": "12345678-1234-5678-1234-567812345678",
    }

    made = make_answer(Typed, fields, PROMPT)

    assert isinstance(made, Typed)
    assert made.key.get_secret_value() == "hush"


def test_what_a_validator_says_is_told_as_it_is_with_its_path() -> None:
    class Line(BaseModel):
        qty: int = Field(ge=1)

        @field_validator("qty")
        @classmethod
        def _even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("An Odd One.")
            return value

    class Lines(HumanResponseEvent):
        lines: list[Line]

    with pytest.raises(InvalidFieldsError) as refused:
        make_answer(Lines, {"lines": [{"qty": 0}, {"qty": 3}]}, PROMPT)

    assert refused.value.problems == {
        "lines[0].qty": "input should be greater than or equal to 1",
        "lines[1].qty": "An Odd One.",
    }


def test_a_message_made_without_its_class_shows_no_secret() -> None:
    class Key(HumanResponseEvent):
        key: SecretStr

    prompt = replace(PROMPT, expects=("m.Key",), schemas=(schema_of(Key),))

    message = values_message(prompt, {"key": "hush"}, "a test")

    assert json.loads(message.text)["secret"] is True
    assert "hush" in message.text
    assert "hush" not in str(message.event)
    assert message.by == "a test"


def test_the_time_of_a_question_counts_from_when_its_run_was_set_going() -> None:
    tree: Json = {"number": 0, "asked": None, "expects": ["m.Key"], "requirements": {}}
    tree |= {"at": 1_000.0, "timeout_s": 60.0}

    assert Prompt.read("a", tree).due == datetime.fromtimestamp(1_060, UTC)
    assert Prompt.read("a", tree, 2_000.0).due == datetime.fromtimestamp(2_060, UTC)
    del tree["timeout_s"]
    assert Prompt.read("a", tree).due is None
