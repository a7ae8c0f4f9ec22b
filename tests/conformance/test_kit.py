"""The kit itself: it finds what differs, and says so in words."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from pathlib import Path

import pytest
from process_lives import launched
from workflows import Context, step
from workflows.events import StartEvent, StepState, StepStateChanged, StopEvent
from workflows.plugins.basic import BasicRuntime

from durable_notebook import testing
from durable_notebook.testing import (
    CASES,
    Case,
    Interruptible,
    Observed,
    compare,
    compare_lives,
    differences,
    made_from,
    observe,
)
from durable_notebook.testing._observed import text_of

SEEN = Observed(result="1", error=None, stream=("a", "b"), internal=("i",), store="{}")


def of(**options: str) -> Case:
    return Case("a case", made_from(Unlike), **options)


class Unlike(Interruptible):
    """Tells on which runtime it is."""

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        is_default = isinstance(self.runtime, BasicRuntime)
        await ctx.store.set("default", is_default)
        if not is_default and ev.get("fails", False):
            raise ValueError("not here")
        return StopEvent(result=is_default)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"result": "2"}, "the result is 2, expected was 1"),
        ({"error": "oh"}, "the error is oh, expected was None"),
        ({"store": "{1}"}, "the store is {1}, expected was {}"),
        ({"stream": ("a",)}, "the stream lacks b"),
        ({"stream": ("a", "b", "b")}, "the stream has besides b"),
        ({"stream": ("b", "a")}, "the stream has another order"),
        ({"internal": ("j",)}, "the internal stream lacks i"),
    ],
)
def test_each_difference_is_said(change: dict[str, object], sentence: str) -> None:
    found = differences(of(), SEEN, replace(SEEN, **change))

    assert [f for f in found if f.startswith(sentence)], found


def test_equal_is_equal() -> None:
    assert differences(of(), SEEN, replace(SEEN)) == []


def test_what_is_not_defined_is_not_compared() -> None:
    turned = replace(SEEN, stream=("b", "a"))

    assert differences(of(unordered="why"), SEEN, turned) == []
    assert (
        differences(of(internal_varies="why"), SEEN, replace(SEEN, internal=())) == []
    )


def announced(*states: str) -> tuple[str, ...]:
    """What the steps `a` and `b` of a workflow say of themselves."""
    changes = [(text[0], StepState(text[2:])) for text in states]
    return tuple(
        text_of(
            StepStateChanged(
                name=name, step_state=state, worker_id="0", input_event_name="E"
            )
        )
        for name, state in changes
    )


INTERNAL = announced("a running", "a not_running", "b running", "b not_running")


@pytest.mark.parametrize(
    "internal",
    [
        INTERNAL,
        (*INTERNAL[:3], *INTERNAL[2:]),
        (*INTERNAL[:3], *announced("b preparing"), *INTERNAL[2:]),
    ],
)
def test_a_body_that_begins_again_may_say_so_again(internal: tuple[str, ...]) -> None:
    seen = replace(SEEN, internal=INTERNAL)
    interrupted = replace(seen, internal=internal, is_interrupted=True)

    assert differences(of(), seen, interrupted) == []


@pytest.mark.parametrize(
    "internal",
    [
        INTERNAL[:-1],
        (*INTERNAL, INTERNAL[-1]),
        (*INTERNAL[:3], *announced("c running"), *INTERNAL[3:]),
        (INTERNAL[1], INTERNAL[0], *INTERNAL[2:]),
        INTERNAL[2:],
    ],
)
def test_nothing_else_may_differ_after_an_interruption(
    internal: tuple[str, ...],
) -> None:
    seen = replace(SEEN, internal=INTERNAL)
    interrupted = replace(seen, internal=internal, is_interrupted=True)

    assert differences(of(), seen, interrupted)


def test_without_an_interruption_no_body_begins_again() -> None:
    seen = replace(SEEN, internal=INTERNAL)
    again = replace(seen, internal=(*INTERNAL[:3], *INTERNAL[2:]))

    assert differences(of(), seen, again)


def test_a_refusal_must_name_what_it_refuses() -> None:
    case = of(may_refuse="Holding.payload")
    named = replace(SEEN, result=None, error="cannot store Holding.payload")
    unnamed = replace(SEEN, result=None, error="TypeError: not JSON serializable")

    assert differences(case, SEEN, named) == []
    assert differences(case, SEEN, unnamed)


async def test_another_runtime_is_found_out(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        found = await compare(of(), runtime)
        failed = await compare(replace(of(), start={"fails": True}), runtime)

    assert "the result is False, expected was True" in found
    assert any(f.startswith("the store is") for f in found)
    assert any("the error is builtins.ValueError: not here" in f for f in failed)


async def test_a_run_that_was_over_too_early_is_said(journal_url: str) -> None:
    """Otherwise an interruption that never came would be a test that passed."""
    with pytest.raises(ValueError, match=r"ended before .* earlier place"):
        await compare_lives(of(), lambda: launched(journal_url))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_default_runtime_is_like_itself(case: Case) -> None:
    """What is compared does not depend on chance, or the case says why it does."""
    runtime = BasicRuntime()

    assert (
        differences(case, await observe(case, runtime), await observe(case, runtime))
        == []
    )


def test_cases_have_names_of_their_own() -> None:
    names = [case.name for case in CASES]

    assert len(set(names)) == len(names)


def test_the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    document = f"{inspect.getdoc(testing)}\n"
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", document, re.MULTILINE)
    first, second = (inspect.cleandoc(block) for block in blocks)

    exec(compile(first, "example", "exec"), {"__name__": "example"})
    printed = capsys.readouterr().out.splitlines()
    names: dict[str, object] = {"__name__": "example"}
    exec(compile(second, "example", "exec"), names)

    assert len(printed) == 4
    assert all(line.endswith(" []") for line in printed), printed
    assert isinstance(names["case"], Case)
