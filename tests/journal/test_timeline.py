from __future__ import annotations

from durable_notebook._model import Attempt, AttemptStatus
from durable_notebook.journal._entry import Entry, RecordedEntry
from durable_notebook.journal._timeline import Timeline, attempts


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
    # The entry that notes it is its place: no number of the journal is left out.
    assert (first.position, second.position) == (1, 2)


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


def started(step: str, session: int, at: float, *keys: str, **more: object) -> Entry:
    trigger = {"type": "add_event", "event": tree("In", n=1)}
    return Entry(
        session=session, at=at, ticks=[trigger], starts=[f"{step}:0", *keys], **more
    )


def test_a_timeline_that_grows_has_the_rows_of_one_read_at_once() -> None:
    asked = {
        "number": 0,
        "asked": tree("Ask", q="?"),
        "expects": ["m.Answer"],
        "requirements": {},
        "at": 2.0,
        "waiter": "w",
    }
    waiter = {"type": "add_waiter", "waiter_id": "w"}
    found = {"step": "a", "event": tree("In", n=1), "attempt": 1, "started": 4.0}
    journal = record(
        started("a", 3, 1.0),
        Entry(
            session=3,
            at=2.0,
            ticks=[result("a", "i1", result=[waiter])],
            bodies={"i1": [1.1, 1.2, 1]},
            prompts=[asked],
            code="abc",
        ),
        started("a", 3, 4.0),
        Entry(
            session=8,
            at=9.0,
            ticks=[{"type": "session_start"}],
            interrupted=[found | {"session": 3}],
            starts=["a:0"],
            code="def",
        ),
        Entry(
            session=8,
            at=10.0,
            ticks=[result("a", "i2")],
            bodies={"i2": [9.1, 9.9, 2]},
        ),
    )
    timeline = Timeline()

    for n, entry in enumerate(journal, start=1):
        timeline.add([entry])

        for is_live in (True, False):
            at_once = attempts(journal[:n], is_live=is_live)
            assert timeline.rows(is_live=is_live) == at_once


def test_a_row_that_has_not_changed_is_the_same_object() -> None:
    journal = record(
        started("a", 1, 1.0),
        Entry(session=1, at=2.0, ticks=[result("a", "i")], bodies={"i": [1, 2, 1]}),
        started("b", 1, 3.0),
    )
    timeline = Timeline()

    timeline.add(journal[:2])
    (before,) = timeline.rows(is_live=True)
    timeline.add(journal[2:])
    same, new = timeline.rows(is_live=True)

    assert same is before
    assert timeline.rows(is_live=True)[1] is new


def test_what_does_an_interrupted_body_again_is_known_while_it_runs() -> None:
    found = {"event": tree("In", n=1), "attempt": 1, "started": 1.0, "session": 1}
    journal = record(
        started("a", 1, 1.0),
        Entry(
            session=2,
            at=5.0,
            ticks=[{"type": "session_start"}],
            interrupted=[found | {"step": "a"}],
            starts=["a:0", "b:0"],
        ),
        Entry(session=2, at=6.0, starts=["a:1"]),
        Entry(session=2, at=7.0, ticks=[result("a", "i")], bodies={"i": [5, 7, 2]}),
        Entry(
            session=2,
            at=8.0,
            ticks=[result("a", "j", worker=1)],
            bodies={"j": [6, 8, 1]},
        ),
    )

    def repeats(rows: list[Attempt]) -> list[tuple[str, bool]]:
        return [(row.step, row.is_repeat) for row in rows[1:]]

    running = attempts(journal[:3], is_live=True)
    assert repeats(running) == [("a", True), ("b", False), ("a", False)]
    done = attempts(journal, is_live=True)
    assert repeats(done) == [("a", True), ("b", False), ("a", False)]


def test_a_failed_attempt_says_whether_it_is_tried_again() -> None:
    failed = {
        "type": "failed",
        "exception": {"exception_type": "m.Oops", "exception_message": "no"},
    }
    again = failed | {"retry_decision": {"delay": 0.5}}
    given_up = failed | {"retry_decision": {"delay": None}}
    journal = record(
        Entry(session=1, at=1.0, ticks=[result("a", "i", result=[again])]),
        Entry(session=1, at=2.0, ticks=[result("a", "j", result=[given_up])]),
        Entry(session=1, at=3.0, ticks=[result("a", "k", result=[failed])]),
    )

    rows = attempts(journal)

    assert [row.is_retried for row in rows] == [True, False, False]


def test_sessions_are_counted_in_the_order_in_which_they_ran() -> None:
    journal = record(
        Entry(session=9, at=1.0, ticks=[result("a", "i")], bodies={"i": [1, 2, 1]}),
        Entry(session=4, at=3.0, ticks=[result("a", "j")], bodies={"j": [2, 3, 1]}),
    )

    assert [row.session for row in attempts(journal)] == [1, 2]
