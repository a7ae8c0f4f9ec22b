from __future__ import annotations

from durable_notebook._entry import Entry, RecordedEntry
from durable_notebook._model import AttemptStatus
from durable_notebook._timeline import attempts


def tree(name: str, **value: object) -> dict[str, object]:
    return {"__is_pydantic": True, "qualified_name": f"m.{name}", "value": value}


def result(step: str, invocation: str, *, worker: int = 0, **more: object) -> dict:
    return {
        "type": "step_result",
        "step_id": step,
        "worker_id": worker,
        "invocation_id": invocation,
        "event": tree("In", n=1),
        "result": [{"type": "result", "result": tree("Out", n=2)}],
    } | more


def record(*entries: Entry) -> list[RecordedEntry]:
    return [RecordedEntry(i, "x", entry) for i, entry in enumerate(entries)]


def test_a_result_is_a_row_with_its_times_and_changes() -> None:
    journal = record(
        Entry(session=4, at=1.0, starts=["a:0"]),
        Entry(
            session=4,
            at=3.0,
            ticks=[result("a", "i1")],
            bodies={"i1": [1.5, 2.5, 1]},
            store=[{"op": "add", "path": "/x", "value": 1}],
        ),
    )

    (row,) = attempts(journal)

    assert (row.step, row.position, row.session) == ("a", 1, 1)
    assert row.status is AttemptStatus.COMPLETED
    assert str(row.received) == "In(n=1)"
    assert [str(view) for view in row.returned] == ["Out(n=2)"]
    assert (row.finished - row.started).total_seconds() == 1.0
    assert row.store == ({"op": "add", "path": "/x", "value": 1},)


def test_a_body_without_a_result_runs_in_a_live_run_and_else_was_interrupted() -> None:
    trigger = {"type": "add_event", "event": tree("In", n=1)}
    journal = record(Entry(session=1, at=1.0, ticks=[trigger], starts=["a:0"]))

    (live,) = attempts(journal, is_live=True)
    (dead,) = attempts(journal)

    assert live.status is AttemptStatus.RUNNING
    assert dead.status is AttemptStatus.INTERRUPTED
    assert str(dead.received) == "In(n=1)"


def test_what_a_session_found_interrupted_stands_in_the_session_before() -> None:
    found = {
        "step": "a",
        "event": tree("In", n=1),
        "attempt": 1,
        "started": 1.0,
        "session": 7,
    }
    journal = record(
        Entry(session=7, at=1.0, starts=["a:0"]),
        Entry(
            session=9,
            at=5.0,
            ticks=[{"type": "session_start"}],
            interrupted=[found],
            starts=["a:0"],
        ),
        Entry(
            session=9,
            at=6.0,
            ticks=[result("a", "i2")],
            bodies={"i2": [5.1, 5.9, 2]},
        ),
    )

    first, second = attempts(journal)

    assert (first.status, first.session) == (AttemptStatus.INTERRUPTED, 1)
    assert (second.status, second.session) == (AttemptStatus.COMPLETED, 2)
    assert second.attempt == 2


def test_a_failed_attempt_names_its_error() -> None:
    failed = {
        "type": "failed",
        "exception": {"exception_type": "m.Oops", "exception_message": "no"},
    }
    journal = record(
        Entry(session=1, at=1.0, ticks=[result("a", "i", result=[failed])])
    )

    (row,) = attempts(journal)

    assert (row.status, row.error) == (AttemptStatus.FAILED, "Oops: no")


def test_a_returned_question_waits_as_a_row_of_its_own() -> None:
    asked = {
        "number": 0,
        "asked": tree("Ask", q="?"),
        "expects": ["m.Answer"],
        "requirements": {},
        "at": 2.0,
        "waiter": None,
    }
    journal = record(Entry(session=1, at=2.0, prompts=[asked]))

    (row,) = attempts(journal)

    assert (row.step, row.status) == ("(prompt)", AttemptStatus.WAITING)
