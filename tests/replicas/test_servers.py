"""Replicas over HTTP, on one Postgres: any of them reaches the owner of a run."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.server.process import Program, running

from .programs import counter, greeter

pytestmark = pytest.mark.timeout(240)


def start(replica: Program, route: str) -> str:
    reply = replica.http.post(f"/workflows/{route}/run-nowait", json={})
    assert reply.status_code == 200, reply.text
    return str(reply.json()["handler_id"])


def answer(replica: Program, handler_id: str, name: str) -> None:
    event = {"type": "UserInput", "value": {"response": name}}
    reply = replica.http.post(f"/events/{handler_id}", json={"event": event})
    assert reply.status_code == 200, reply.text


def asked(replica: Program, handler_id: str) -> list[tuple[int, Any]]:
    """What a replica gives of a run that has asked its question, as it comes."""
    found: list[tuple[int, Any]] = []

    def has_asked() -> bool:
        found[:] = replica.first_events(handler_id, 1)
        return any("AskName" in str(data) for _, data in found)

    replica.until(has_asked)
    return found


def test_a_run_started_on_one_replica_is_answered_and_read_on_another(
    postgres_url: str, tmp_path: Path
) -> None:
    """Each event once, with the same number on both."""
    with (
        running(greeter(postgres_url, "replica-1"), tmp_path, "one") as one,
        running(greeter(postgres_url, "replica-2"), tmp_path, "two") as two,
    ):
        one.until_up()
        two.until_up()
        handler_id = start(one, "greeter")
        first = asked(two, handler_id)
        answer(two, handler_id, "Ada")
        results = [each.finished(handler_id)["result"] for each in (one, two)]
        streams = [each.events(handler_id) for each in (one, two)]
        half = two.events(handler_id, after=streams[0][0][0])

    assert "Hello, Ada!" in str(results[0])
    assert results[0] == results[1]
    assert streams[0] == streams[1]
    assert streams[0][: len(first)] == first
    assert streams[0][1:] == half
    numbers = [number for number, _ in streams[0]]
    assert len(set(numbers)) == len(numbers)


def test_a_dead_replicas_run_stands_still_and_an_answer_waits_for_it(
    postgres_url: str, tmp_path: Path
) -> None:
    with running(greeter(postgres_url, "replica-2"), tmp_path, "two") as two:
        with running(greeter(postgres_url, "replica-1"), tmp_path, "one") as one:
            one.until_up()
            two.until_up()
            handler_id = start(one, "greeter")
            asked(one, handler_id)
            one.kill()
        two.until(lambda: two.handler(handler_id)["error"])
        found = two.handler(handler_id)
        listed = two.http.get("/handlers").json()["handlers"]
        answer(two, handler_id, "Ada")
        with running(greeter(postgres_url, "replica-1"), tmp_path, "again") as again:
            result = two.finished(handler_id)["result"]
            again.until_up()
            owner = again.handler(handler_id)

    assert found["status"] == "running"
    assert found["error"] == "executor replica-1 (not alive)"
    assert [handler["error"] for handler in listed] == [found["error"]]
    assert "Hello, Ada!" in str(result)
    assert owner["error"] is None


def test_of_three_replicas_a_killed_one_goes_on_with_its_own_runs(
    postgres_url: str, tmp_path: Path
) -> None:
    """And the others keep theirs: no run wanders."""
    names = ("one", "two", "three")
    with ExitStack() as opened:
        replicas = [
            opened.enter_context(
                running(counter(postgres_url, f"replica-{name}"), tmp_path, name)
            )
            for name in names
        ]
        for each in replicas:
            each.until_up()
        handlers = [start(each, "counter") for each in replicas]
        killed = replicas[0]
        killed.until(lambda: "tick 2" in killed.output())
        killed.kill()
        again = opened.enter_context(
            running(counter(postgres_url, "replica-one"), tmp_path, "again")
        )
        again.until_up()
        results = [again.finished(handler)["result"] for handler in handlers]
        printed = [ticks(each) for each in (*replicas, again)]

    assert [str(result).count("'final_count': 5") for result in results] == [1, 1, 1]
    assert printed[1] == printed[2] == [1, 2, 3, 4, 5]
    # The tick in which it was killed is done again, and none that was finished.
    assert printed[0] + printed[3] in (
        [*range(1, n + 1), *range(k, 6)] for n in range(2, 6) for k in (n, n + 1)
    )
    assert printed[3] != []


def ticks(replica: Program) -> list[int]:
    lines = [line.split() for line in replica.output().splitlines()]
    return [int(words[1]) for words in lines if words[:1] == ["tick"]]
