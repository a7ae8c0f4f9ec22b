"""Fields of an event checked without its class: as the class would, or not at all."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr, field_validator
from workflows.events import HumanResponseEvent

from durable_notebook._model import Json
from durable_notebook._schema import problems, read_fields, schema_of, usage
from durable_notebook.errors import InvalidFieldsError


class Size(enum.Enum):
    SMALL = "small"
    ONE = "1"


class Address(BaseModel):
    city: str
    zip: int = 0


class Line(BaseModel):
    sku: str
    qty: int


class Order(HumanResponseEvent):
    approved: bool
    by: str
    amount: float = Field(default=1, gt=0, le=100)
    count: int | None = None
    size: Size = Size.SMALL
    way: Literal["post", "foot"] = "post"
    to: Address | None = None
    tags: list[str] = Field(default_factory=list)
    when: dt.date | None = None
    price: Decimal = Decimal(1)
    title: str = Field(default="", max_length=5)
    anything: Any = None
    lines: list[Line] = Field(default_factory=list)
    prices: dict[str, float] = Field(default_factory=dict)
    pair: tuple[int, str] = (1, "a")
    secret: SecretStr = SecretStr("hunter2")


class Loose(HumanResponseEvent):
    pass


class Strict(HumanResponseEvent):
    even: int

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        assert value % 2 == 0, "it is odd"
        return value


class Callback(HumanResponseEvent):
    made_of: Callable[[], Order]


WHOLE: dict[str, Json] = {"approved": True, "by": "Ada"}

FITTING: list[dict[str, Json]] = [
    {},
    {"amount": 100, "count": 3},
    {"count": None, "size": "1", "way": "foot"},
    {"to": {"city": "Bonn"}, "tags": ["a", "b"]},
    {"when": "2026-01-31", "price": "1.50"},
    {"title": "five5", "anything": {"deep": [1]}, "secret": "x"},
]

UNFITTING: list[tuple[dict[str, Json], str]] = [
    ({"approved": "maybe"}, "approved"),
    ({"by": 5}, "by"),
    ({"amount": 0}, "amount"),
    ({"amount": 100.5}, "amount"),
    ({"count": "many"}, "count"),
    ({"count": 1.5}, "count"),
    ({"size": "large"}, "size"),
    ({"way": "car"}, "way"),
    ({"to": {"zip": 1}}, "to.city"),
    ({"to": {"city": "Bonn", "zip": "x"}}, "to.zip"),
    ({"tags": ["a", 1]}, "tags[1]"),
    ({"lines": [{"sku": "a", "qty": 1}, {"sku": "b"}]}, "lines[1].qty"),
    ({"prices": {"a": 1, "b": "x"}}, "prices.b"),
    ({"pair": [1, 2]}, "pair[1]"),
    ({"tags": "a"}, "tags"),
    ({"title": "too long"}, "title"),
    ({"unknown": 1}, "unknown"),
]


@pytest.mark.parametrize("fields", FITTING)
def test_what_the_class_takes_is_taken(fields: dict[str, Json]) -> None:
    Order(**{**WHOLE, **fields})

    assert problems({**WHOLE, **fields}, schema_of(Order)) == {}


@pytest.mark.parametrize(("fields", "name"), UNFITTING)
def test_what_the_class_refuses_is_refused_by_the_field(
    fields: dict[str, Json], name: str
) -> None:
    assert list(problems({**WHOLE, **fields}, schema_of(Order))) == [name]


def test_what_must_be_given_is_named() -> None:
    found = problems({}, schema_of(Order))

    assert found == {"approved": "field required", "by": "field required"}
    assert usage(schema_of(Order)) == {"approved": "true", "by": "..."}
    told = str(InvalidFieldsError("Order", found, list(Order.model_fields)))
    assert "approved: field required; by: field required" in told


def test_a_class_without_fields_takes_any() -> None:
    assert problems({"response": "yes", "n": 1}, schema_of(Loose)) == {}


def test_what_only_the_class_can_tell_is_left_to_it() -> None:
    assert problems({"even": 3}, schema_of(Strict)) == {}


def test_a_class_that_json_cannot_describe_has_no_schema() -> None:
    assert schema_of(Callback) is None


def test_a_class_with_too_many_fields_has_no_schema() -> None:
    fields = {f"a_field_with_a_long_name_{n}": (str, ...) for n in range(100)}
    from pydantic import create_model

    many: Any = create_model("Many", **fields)  # type: ignore[call-overload]

    assert schema_of(many) is None


def test_a_schema_tells_no_default() -> None:
    """It may be a secret, and stands in the journal."""
    assert "hunter2" not in str(schema_of(Order))
    assert "title" in schema_of(Order)["properties"]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ({"approved": "true"}, True),
        ({"approved": "maybe"}, "maybe"),
        ({"by": "Ada"}, "Ada"),
        ({"by": "42"}, "42"),
        ({"by": '"42"'}, "42"),
        ({"by": "null"}, "null"),
        ({"by": "a=b"}, "a=b"),
        ({"count": "3"}, 3),
        ({"count": "null"}, None),
        ({"size": "1"}, "1"),
        ({"to": '{"city": "Bonn"}'}, {"city": "Bonn"}),
        ({"amount": "NaN"}, "NaN"),
        ({"anything": "[1]"}, [1]),
        ({"anything": "one"}, "one"),
    ],
)
def test_what_a_person_types_is_json_where_it_fits(
    typed: dict[str, str], value: Json
) -> None:
    (found,) = read_fields(typed, schema_of(Order)).values()

    assert found == value
    assert type(found) is type(value)
