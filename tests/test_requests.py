"""Fields that a caller hands in, made events of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator
from workflows.events import HumanResponseEvent

from durable_notebook._model import Prompt
from durable_notebook._requests import make_answer, make_event
from durable_notebook.errors import InvalidFieldsError


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
