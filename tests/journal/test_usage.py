"""What model calls cost, as events tell of it: once each, and nothing absurd."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from durable_notebook.journal._entry import Entry, RecordedEntry
from durable_notebook.journal._usage import (
    Kept,
    Usage,
    calls,
    kept_before,
    usage_by_step,
)

OPENAI = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def event(**fields: Any) -> dict[str, Any]:
    return {"__is_pydantic": True, "value": fields, "qualified_name": "m.E"}


def turn(
    step: str,
    *returned: dict[str, Any],
    received: dict[str, Any] | None = None,
    sends: tuple[dict[str, Any], ...] = (),
    stream: tuple[dict[str, Any], ...] = (),
    session: int = 1,
    took_s: float = 1.0,
    began: float = 1.0,
) -> RecordedEntry:
    tick = {
        "type": "step_result",
        "step_id": step,
        "event": received or event(),
        "invocation_id": "i",
        "sends": [{"event": each, "index": n} for n, each in enumerate(sends)],
        "result": [{"type": "result", "result": each} for each in returned],
    }
    entry = Entry(
        session=session,
        at=1.0,
        ticks=[{"type": "add_event", "event": received or event()}, tick],
        stream=list(stream),
        bodies={"i": [began, began + took_s, 1]},
    )
    return RecordedEntry(0, step, entry)


def total(tree: Any) -> Usage:
    return sum((call.usage for call in calls(tree)), Usage())


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"raw": {"usage": OPENAI}}, Usage(10, 5, 15)),
        ({"raw": {"usage": {"input_tokens": 7, "output_tokens": 2}}}, Usage(7, 2, 9)),
        (
            {
                "raw": {
                    "usage_metadata": {
                        "prompt_token_count": 4,
                        "candidates_token_count": 3,
                        "total_token_count": 9,
                    }
                }
            },
            Usage(4, 3, 9),
        ),
        ({"additional_kwargs": OPENAI}, Usage(10, 5, 15)),
        ({"raw": {"usage": None}, "additional_kwargs": OPENAI}, Usage(10, 5, 15)),
        ({"raw": {"usage": OPENAI}, "additional_kwargs": OPENAI}, Usage(10, 5, 15)),
        ({"usage": {"total_tokens": 8}}, Usage(0, 0, 8)),
        ({"usage": {"total_tokens": 1, "prompt_tokens": 6}}, Usage(6, 0, 6)),
        ([{"a": [{"raw": {"usage": OPENAI}}]}, {"usage": OPENAI}], Usage(20, 10, 30)),
        (
            {
                "usage": {
                    **OPENAI,
                    "completion_tokens_details": {"output_tokens": 2},
                }
            },
            Usage(10, 5, 15),
        ),
    ],
)
def test_usage_is_found_where_responses_have_it(tree: Any, expected: Usage) -> None:
    assert total(tree) == total(event(result={"deep": [tree]})) == expected


@pytest.mark.parametrize("absurd", [-1, True, "15", 1.5, None, [], {}, 10**12])
def test_what_cannot_be_a_count_is_none(absurd: Any) -> None:
    assert (
        total({"usage": {"prompt_tokens": absurd, "total_tokens": absurd}}) == Usage()
    )
    assert total({"usage": {**OPENAI, "prompt_tokens": absurd}}).made == 5
    assert total({"usage": absurd}) == Usage()


def test_no_depth_is_too_much() -> None:
    tree: Any = {"usage": OPENAI}
    for _ in range(100_000):
        tree = [tree]

    assert calls(tree) == []


def test_it_is_summed_by_step() -> None:
    found = usage_by_step(
        [
            turn("plan", event(raw={"usage": OPENAI})),
            turn("write", sends=(event(raw={"usage": OPENAI, "n": 1}),)),
            turn("write", event(raw={"usage": OPENAI})),
            turn("stop", event()),
        ]
    )

    assert found == {"plan": Usage(10, 5, 15), "write": Usage(20, 10, 30)}


def test_an_event_that_is_published_and_returned_counts_once() -> None:
    said = event(raw={"usage": OPENAI})

    assert usage_by_step([turn("a", said, stream=(said,))]) == {"a": Usage(10, 5, 15)}
    assert usage_by_step([turn("a", said, sends=(said,))]) == {"a": Usage(10, 5, 15)}
    assert usage_by_step([turn("a", event(), stream=(said,))]) == {
        "a": Usage(10, 5, 15)
    }


def test_an_event_that_is_passed_on_counts_at_its_first_step() -> None:
    said = event(raw={"usage": OPENAI})
    passed = event(result={"raw": {"usage": OPENAI}})

    found = usage_by_step(
        [turn("a", said), turn("b", passed, received=said, stream=(passed,))]
    )

    assert found == {"a": Usage(10, 5, 15)}


def test_a_response_with_an_id_counts_once_with_its_largest_count() -> None:
    def chunk(made: int) -> dict[str, Any]:
        usage = {"input_tokens": 10, "output_tokens": made}
        return event(delta="x", raw={"id": "msg-1", "usage": usage})

    found = usage_by_step(
        [
            turn("a", event(), stream=(chunk(1), chunk(4))),
            turn("b", chunk(6), stream=(chunk(6),)),
            turn("c", event(all=[chunk(6), {"usage": OPENAI, "id": "msg-2"}])),
        ]
    )

    assert found == {"a": Usage(10, 6, 16), "c": Usage(10, 5, 15)}


def test_what_earlier_lives_have_done_is_kept() -> None:
    said = event(raw={"usage": OPENAI})
    entries = [
        turn("a", said, session=4, took_s=2.5),
        turn("b", event(), session=5, began=9.0),
        turn("b", event(), session=5, began=9.5),
        turn("c", said, session=9),
    ]

    assert kept_before(entries, 9) == Kept(3, timedelta(seconds=4), 15)
    assert kept_before(entries, 4) == Kept()
    # A clock that was set back has taken no time away.
    assert kept_before([turn("a", took_s=-5.0)], 2).time == timedelta()
