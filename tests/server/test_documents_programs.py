"""The document's server programs: over real HTTP, killed with -9 and started again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.server.process import running
from tests.server.programs import COUNTER, GREETER, SCRIPT
from tests.server.served import parsed


@pytest.fixture(params=["sqlite", "postgres"])
def counter(request: pytest.FixtureRequest) -> str:
    """The program on each database; SQLite is what it uses by itself."""
    if request.param == "sqlite":
        return COUNTER
    url = request.getfixturevalue("postgres_url")
    named = '"name": "quickstart"'
    return COUNTER.replace(named, f'{named}, "system_database_url": {url!r}')


def test_killed_in_mid_run_the_server_goes_on_with_it(
    tmp_path: Path, counter: str
) -> None:
    with running(counter, tmp_path, "server") as first:
        first.until_up()
        body = {"handler_id": "h"}
        assert first.http.post("/workflows/counter/run-nowait", json=body).is_success
        before = first.first_events("h", 3)
        first.kill()

    with running(counter, tmp_path, "server") as second:
        second.until_up()
        handler = second.finished("h")
        events = second.events("h")
        behind = second.events("h", after=before[-1][0])
        listed = second.http.get("/handlers").json()["handlers"]
        ticks = [line for line in second.output().splitlines() if "  tick" in line]

    assert [event["value"] for _, event in before] == [{"count": n} for n in (1, 2, 3)]
    assert events[:3] == before
    assert behind == events[3:]
    numbers = [number for number, _ in events]
    assert numbers == sorted(set(numbers))
    values = [event["value"] for _, event in events]
    assert values == [{"count": n} for n in range(1, 6)] + [{"final_count": 5}]
    assert handler["status"] == "completed"
    assert handler["result"]["value"] == {"final_count": 5}
    assert [h["handler_id"] for h in listed] == ["h"]
    # The third may have been in flight, and nothing before it; no second execution.
    assert ticks in ([f"  tick {n}" for n in range(k, 6)] for k in (3, 4))


def test_it_is_asked_as_the_document_says(tmp_path: Path) -> None:
    with running(COUNTER, tmp_path, "server") as program:
        program.until_up()

        without = program.http.post("/workflows/counter/run")
        with_body = program.http.post("/workflows/counter/run", json={})
        handler_id = without.json()["handler_id"]
        once = program.events(handler_id)
        again = [program.http.get(f"/events/{handler_id}") for _ in range(2)]
        page = program.http.get("/")
        output = program.output()

    for reply in (without, with_body):
        assert reply.status_code == 200, reply.text
        assert reply.json()["result"]["value"] == {"final_count": 5}
    assert len(once) == 6
    assert [r.status_code for r in again] == [204, 204]
    assert "<html" in page.text
    assert "Traceback" not in output, output


def test_a_question_outlives_its_server(tmp_path: Path) -> None:
    with running(GREETER, tmp_path, "server") as first:
        first.until_up()
        body = {"handler_id": "h"}
        first.http.post("/workflows/greeter/run-nowait", json=body)
        asked = first.first_events("h", 1)
        first.kill()

    with running(GREETER, tmp_path, "server") as second:
        second.until_up()
        event = {"type": "UserInput", "value": {"response": "Ada"}}
        sent = second.http.post("/events/h", json={"event": event})
        handler = second.finished("h")
        late = second.http.post("/events/h", json={"event": event})
        events = second.events("h")

    assert asked[0][1]["type"] == "AskName"
    assert sent.json() == {"status": "sent"}
    assert handler["result"]["value"]["result"] == {"greeting": "Hello, Ada!"}
    assert late.status_code == 409
    assert [e["type"] for _, e in events] == ["AskName", "StopEvent"]
    assert events[:1] == asked


def test_an_acknowledged_answer_outlives_a_server_killed_at_once(
    tmp_path: Path,
) -> None:
    event = {"type": "UserInput", "value": {"response": "Ada"}}
    with running(GREETER, tmp_path, "server") as first:
        first.until_up()
        first.http.post("/workflows/greeter/run-nowait", json={"handler_id": "h"})
        sent = first.http.post("/events/h", json={"event": event})
        first.kill()

    with running(GREETER, tmp_path, "server") as second:
        second.until_up()
        handler = second.finished("h")

    assert sent.json() == {"status": "sent"}
    assert handler["result"]["value"]["result"] == {"greeting": "Hello, Ada!"}


def test_a_script_s_run_is_answered_through_a_server_beside_it(tmp_path: Path) -> None:
    with running(SCRIPT, tmp_path, "script") as script:
        script.until((tmp_path / "idle_release_demo.sqlite").exists)
        with running(GREETER, tmp_path, "server") as server:
            server.until_up()
            server.until(lambda: "run_id" in server.handler("from-a-script"))
            asked = server.first_events("from-a-script", 1)
            event = {"type": "UserInput", "value": {"response": "Ada"}}
            body = {"event": event}
            sent = server.http.post("/events/from-a-script", json=body)
            handler = server.finished("from-a-script")
            script.process.wait(timeout=60)

    assert asked[0][1]["type"] == "AskName"
    assert sent.json() == {"status": "sent"}
    assert handler["workflow_name"] == "greeter"
    assert handler["result"]["value"]["result"] == {"greeting": "Hello, Ada!"}
    assert "Hello, Ada!" in script.output()


def test_asked_to_stop_it_sends_who_waits_away(tmp_path: Path) -> None:
    with (
        running(GREETER, tmp_path, "server") as server,
        ThreadPoolExecutor() as threads,
    ):
        server.until_up()
        body = {"handler_id": "waited-for"}
        server.http.post("/workflows/greeter/run-nowait", json={"handler_id": "read"})
        waiting = threads.submit(server.http.post, "/workflows/greeter/run", json=body)
        server.until(lambda: "run_id" in server.handler("waited-for"))
        with server.http.stream("GET", "/events/read?after_sequence=-1") as stream:
            chunks = stream.iter_text()
            text = next(chunks)
            server.process.terminate()
            text += "".join(chunks)
        refused = waiting.result()
        server.process.wait(timeout=60)
        output = server.output()

    with running(GREETER, tmp_path, "server") as server:
        server.until_up()
        listed = server.http.get("/handlers").json()["handlers"]

    assert [event["type"] for _, event in parsed(text)] == ["AskName"]
    assert refused.status_code == 503
    assert "goes on when it is back" in refused.json()["detail"]
    assert "Traceback" not in output, output
    assert {h["handler_id"] for h in listed} == {"read", "waited-for"}


def test_told_to_end_it_lets_its_bodies_end(tmp_path: Path, counter: str) -> None:
    """Exit code 0, and no step is done by two processes."""
    with running(counter, tmp_path, "server") as first:
        first.until_up()
        body = {"handler_id": "h"}
        assert first.http.post("/workflows/counter/run-nowait", json=body).is_success
        first.first_events("h", 2)
        first.process.terminate()
        code = first.process.wait(timeout=60)
        said = first.output()

    with running(counter, tmp_path, "server") as second:
        second.until_up()
        handler = second.finished("h")
        said += second.output()

    ticks = [line for line in said.splitlines() if "  tick" in line]
    assert code == 0, said
    assert ticks == [f"  tick {n}" for n in range(1, 6)]
    assert handler["result"]["value"] == {"final_count": 5}


def test_a_body_that_takes_too_long_is_cut_and_named(tmp_path: Path) -> None:
    slow = COUNTER.replace("sleep(0.5)", "sleep(60)")
    hasty = slow.replace("WorkflowServer(", "WorkflowServer(drain_timeout=0.2,")
    with running(hasty, tmp_path, "server") as server:
        server.until_up()
        body = {"handler_id": "h"}
        server.http.post("/workflows/counter/run-nowait", json=body)
        server.first_events("h", 1)
        server.process.terminate()
        code = server.process.wait(timeout=60)
        said = server.output()

    assert code == 0, said
    assert "in the middle of a step of run" in said
    assert "Traceback" not in said, said
