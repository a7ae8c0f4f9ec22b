from __future__ import annotations

import pytest
from IPython.core.error import UsageError

from durable_notebook.notebook._fields import parse
from durable_notebook.notebook._sentences import magic


def test_a_line_has_a_target_options_and_expressions() -> None:
    line = parse("Order --run-id a qty=1 + 2 sku='oat milk'", valued=("run-id",))

    assert line.target == "Order"
    assert line.options == {"run-id": "a"}
    assert line.fields == {"qty": "1 + 2", "sku": "'oat milk'"}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("x={'a': 1, 'b': [2, 3]}", {"x": "{'a': 1, 'b': [2, 3]}"}),
        ("x='a=b y=c' y=2", {"x": "'a=b y=c'", "y": "2"}),
        ("x=f(a=1, b=2) y=3", {"x": "f(a=1, b=2)", "y": "3"}),
        ("x=a == b", {"x": "a == b"}),
        ("x='it\\'s' y=1", {"x": "'it\\'s'", "y": "1"}),
    ],
)
def test_an_expression_ends_where_the_next_field_begins(
    text: str, fields: dict[str, str]
) -> None:
    assert parse(text).fields == fields


def test_options_may_stand_behind_the_fields() -> None:
    line = parse("Order qty=3 --run-id=a", valued=("run-id",))

    assert line.fields == {"qty": "3"}
    assert line.options == {"run-id": "a"}


@pytest.mark.parametrize(
    "run_id", ["a", "my run", "-x", "--kill", 'it\'s "$(x)"', "back\\slash", "qty=3"]
)
def test_the_magic_that_is_shown_names_the_run(run_id: str) -> None:
    name, _, line = magic("resume", run_id).partition(" ")

    assert name == "%durable_resume"
    assert parse(line).target == run_id


def test_a_dash_inside_an_expression_is_no_option() -> None:
    assert parse("x='--kill' y=3 --2").fields == {"x": "'--kill'", "y": "3 --2"}


def test_values_are_python_of_the_notebook() -> None:
    line = parse("a=n * 2 b='x'")

    values = line.values(lambda text: eval(text, {"n": 21}))

    assert values == {"a": 42, "b": "x"}


def test_a_wrong_expression_is_named() -> None:
    with pytest.raises(UsageError, match="a=3\\+ is not a value"):
        parse("a=3+").values(eval)
