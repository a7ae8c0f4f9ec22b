"""Every route answers out of the journal, on each database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from llama_agents.server import WorkflowServer as TheirServer
from process_lives import never, soon
from sample_workflows import (
    Answer,
    Asking,
    Counted,
    Counter,
    Failing,
    Once,
    Other,
)
from workflows import Context, Workflow, step
from workflows.events import StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook._model import RunStatus
from durable_notebook.errors import ConfigError, RunIdTakenError, UnknownRunError

from .served import THEIR_DEPRECATED_CALL, serving

# -- run ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [{}, {"json": {}}, {"content": b""}, {"json": {"handler_id": "h"}}],
    ids=["no body", "an object", "an empty body", "a handler's id"],
)
async def test_a_run_needs_no_body(journal_url: str, body: dict[str, Any]) -> None:
    async with serving(journal_url, {"counter": Counter}) as served:
        reply = await soon(served.http.post("/workflows/counter/run", **body))

    assert reply.status_code == 200, reply.text
    assert reply.json()["result"]["value"] == {"final_count": 5}
    assert reply.json()["workflow_name"] == "counter"


class Echo(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result=ev.get("topic"))


async def test_a_start_event_is_taken_from_the_body(journal_url: str) -> None:
    async with serving(journal_url, {"echo": Echo}) as served:
        body = {"start_event": {"topic": "pirates"}}
        reply = await soon(served.http.post("/workflows/echo/run", json=body))

    assert reply.json()["result"]["value"]["result"] == "pirates"


async def test_a_body_that_is_no_json_is_refused(journal_url: str) -> None:
    async with serving(journal_url, {"once": Once}) as served:
        reply = await served.http.post("/workflows/once/run", content=b"{")

    assert reply.status_code == 400


async def test_a_started_run_is_on_disk(journal_url: str) -> None:
    async with serving(journal_url, {"once": Once(gate=never)}) as served:
        handler_id = await served.start("once")

        row = served.runtime.store.run(handler_id)

    assert row is not None
    assert row.workflow == "once"


async def test_a_handler_and_its_run_have_one_id(journal_url: str) -> None:
    async with serving(journal_url, {"counter": Counter}) as served:
        handler_id = await served.start("counter", {"handler_id": "order-17"})
        handler = await served.finished(handler_id)

        result = await soon(served.client.run("order-17").result())

    assert handler["run_id"] == handler["handler_id"] == "order-17"
    assert result == Counted(final_count=5)


async def test_a_running_handler_is_not_started_again(journal_url: str) -> None:
    async with serving(journal_url, {"ask": Asking}) as served:
        await served.start("ask", {"handler_id": "a"})

        again = await served.http.post(
            "/workflows/ask/run-nowait", json={"handler_id": "a"}
        )

    assert again.status_code == 409


async def test_a_class_attaches_to_a_run_that_a_server_began(journal_url: str) -> None:
    """The server calls it by its route. Another class is refused."""
    async with serving(journal_url, {"ask": Asking}) as served:
        await served.start("ask", {"handler_id": "a"})
        await served.asked("a")
        run = await served.client.start(Asking, run_id="a")
        with pytest.raises(RunIdTakenError):
            await served.client.start(Other, run_id="a")
        await run.answer(text="Ada")

        assert await soon(run.result()) == "Ada"


# -- one that goes on with its handler ----------------------------------------------


class Adding(Workflow):
    """Adds one to what the run before it has left."""

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        count = await ctx.store.get("count", 0) + 1
        await ctx.store.set("count", count)
        return StopEvent(result=count)


async def test_a_finished_handler_goes_on_with_its_state(journal_url: str) -> None:
    body = {"handler_id": "chat"}
    async with serving(journal_url, {"adding": Adding}) as served:
        replies = [
            (await soon(served.http.post("/workflows/adding/run", json=body))).json()
            for _ in range(3)
        ]
        listed = (await served.http.get("/handlers")).json()["handlers"]
        runs = [info.run_id for info in await served.client.runs()]

    assert [r["result"]["value"]["result"] for r in replies] == [1, 2, 3]
    assert [r["handler_id"] for r in replies] == ["chat"] * 3
    assert [h["run_id"] for h in listed] == [replies[-1]["run_id"]]
    assert set(runs) == {r["run_id"] for r in replies}
    assert replies[0]["run_id"] == "chat"


async def test_a_handler_that_went_on_is_known_after_a_restart(
    journal_url: str,
) -> None:
    body = {"handler_id": "chat"}
    async with serving(journal_url, {"adding": Adding}) as served:
        for _ in range(2):
            await soon(served.http.post("/workflows/adding/run", json=body))
        before = await served.handler("chat")

    async with serving(journal_url, {"adding": Adding}) as served:
        after = await served.handler("chat")
        third = await soon(served.http.post("/workflows/adding/run", json=body))

    assert after == before
    assert third.json()["result"]["value"]["result"] == 3


# -- watch --------------------------------------------------------------------------


async def test_events_are_numbered_and_read_from_any_number(journal_url: str) -> None:
    async with serving(journal_url, {"counter": Counter}) as served:
        await served.start("counter", {"handler_id": "c"})
        await served.finished("c")

        events = await served.events("c")
        numbers = [number for number, _ in events]
        behind = await served.events("c", after=numbers[2])
        lines = await served.http.get("/events/c?sse=false&after_sequence=-1")
        internal = await served.http.get(
            "/events/c?sse=false&after_sequence=-1&include_internal=true"
        )

    counts = [event["value"].get("count") for _, event in events]
    assert counts == [1, 2, 3, 4, 5, None]
    assert numbers == sorted(set(numbers))
    assert behind == events[3:]
    assert len(lines.text.splitlines()) == 6
    assert len(internal.text.splitlines()) == numbers[-1] + 1


async def test_a_reader_that_comes_back_gets_what_it_has_not_seen(
    journal_url: str,
) -> None:
    async with serving(journal_url, {"counter": Counter}) as served:
        await served.start("counter", {"handler_id": "c"})
        await served.finished("c")
        events = await served.events("c")

        headers = {"Last-Event-ID": str(events[1][0])}
        reply = await served.http.get("/events/c", headers=headers)

    assert reply.text.count("data: ") == len(events) - 2


async def test_a_stream_that_was_read_to_its_end_has_no_content(
    journal_url: str,
) -> None:
    async with serving(journal_url, {"counter": Counter}) as served:
        await served.start("counter", {"handler_id": "c"})
        await served.finished("c")
        last = (await served.events("c"))[-1][0]

        replies = [
            await served.http.get("/events/c"),
            await served.http.get(f"/events/c?after_sequence={last}"),
        ]

    assert [(r.status_code, r.content) for r in replies] == [(204, b"")] * 2


async def test_a_failed_run_tells_its_error_and_ends_its_stream(
    journal_url: str,
) -> None:
    async with serving(journal_url, {"failing": Failing}) as served:
        await served.start("failing", {"handler_id": "f"})
        handler = await served.finished("f")
        last = (await served.events("f"))[-1][1]

    assert handler["status"] == "failed"
    assert "tray 2 is empty" in handler["error"]
    assert last["type"] == "WorkflowFailedEvent"


# -- answer, cancel, delete ---------------------------------------------------------


async def test_an_answer_is_on_disk_when_it_is_acknowledged(journal_url: str) -> None:
    async with serving(journal_url, {"ask": Asking}) as served:
        await served.start("ask", {"handler_id": "a"})
        await served.asked("a")

        reply = await served.send("a", "Answer", text="Ada")
        mail = served.runtime.store.mail("a", 0)
        handler = await served.finished("a")

    assert reply.json() == {"status": "sent"}
    assert len(mail) == 1
    assert handler["result"]["value"]["result"] == "Ada"


async def test_nothing_can_be_sent_to_a_run_that_has_ended(journal_url: str) -> None:
    async with serving(journal_url, {"counter": Counter}) as served:
        await served.start("counter", {"handler_id": "c"})
        await served.finished("c")

        late = await served.send("c", "Tick", count=1)
        nobody = await served.send("nobody", "Tick", count=1)

    assert (late.status_code, nobody.status_code) == (409, 404)


@pytest.mark.filterwarnings(THEIR_DEPRECATED_CALL)
async def test_a_run_is_cancelled(journal_url: str) -> None:
    async with serving(journal_url, {"ask": Asking}) as served:
        await served.start("ask", {"handler_id": "a"})
        await served.asked("a")

        reply = await soon(served.http.post("/handlers/a/cancel"))
        handler = await served.handler("a")
        info = await served.client.run("a").info()

    assert reply.json() == {"status": "cancelled"}
    assert (handler["status"], handler["error"]) == ("cancelled", None)
    assert info.status is RunStatus.CANCELLED


@pytest.mark.filterwarnings(THEIR_DEPRECATED_CALL)
async def test_a_deleted_handler_takes_its_runs_with_it(journal_url: str) -> None:
    body = {"handler_id": "chat"}
    async with serving(journal_url, {"adding": Adding}) as served:
        for _ in range(2):
            await soon(served.http.post("/workflows/adding/run", json=body))

        reply = await served.http.post("/handlers/chat/cancel?purge=true")
        gone = await served.http.get("/handlers/chat")

        assert reply.json() == {"status": "deleted"}
        assert gone.status_code == 404
        assert await served.client.runs() == []
        assert served.runtime.store.handlers() == {}
        with pytest.raises(UnknownRunError):
            await served.client.run("chat").info()


@pytest.mark.filterwarnings(THEIR_DEPRECATED_CALL)
async def test_a_waiting_run_is_deleted(journal_url: str) -> None:
    async with serving(journal_url, {"ask": Asking}) as served:
        await served.start("ask", {"handler_id": "a"})
        await served.asked("a")

        reply = await soon(served.http.post("/handlers/a/cancel?purge=true"))

        assert reply.json() == {"status": "deleted"}
        assert served.runtime.store.run("a") is None


# -- runs from elsewhere ------------------------------------------------------------


async def test_a_run_of_the_program_is_watched_and_answered(journal_url: str) -> None:
    async with serving(journal_url, {"ask": Asking}) as served:
        run = await served.client.start(Asking, run_id="from-a-notebook")
        await served.asked(run.run_id)

        listed = (await served.http.get("/handlers?status=running")).json()
        reply = await served.send(run.run_id, "Answer", text="Ada")
        result = await soon(run.result())
        events = await served.events(run.run_id)

    assert [h["handler_id"] for h in listed["handlers"]] == [run.run_id]
    assert reply.status_code == 200
    assert result == "Ada"
    assert [event["type"] for _, event in events] == ["Question", "StopEvent"]


async def test_a_run_of_the_server_is_listed_and_answered_by_the_client(
    journal_url: str,
) -> None:
    async with serving(journal_url, {"ask": Asking}) as served:
        await served.start("ask", {"handler_id": "a"})
        await served.asked("a")

        (info,) = await served.client.runs()
        await served.client.run("a").answer(text="Ada")
        handler = await served.finished("a")

    assert (info.run_id, info.status) == ("a", RunStatus.WAITING)
    assert handler["result"]["value"]["result"] == "Ada"


async def test_a_run_whose_workflow_is_not_served_is_watched(journal_url: str) -> None:
    async with serving(journal_url, {"other": Other}) as served:
        run = await served.client.start(Counter, run_id="c")
        await soon(run.result())

        handler = await served.handler("c")
        events = await served.events("c")

    assert handler["workflow_name"].endswith("Counter")
    assert handler["result"]["value"] == {"final_count": 5}
    assert len(events) == 6


# -- names --------------------------------------------------------------------------


async def test_a_run_recorded_before_the_server_goes_on_in_it(journal_url: str) -> None:
    """It has the name of its class, and the server calls that by its route."""
    async with serving(journal_url, {"other": Other}) as served:
        await served.client.start(Asking(runtime=served.runtime), run_id="a")
        await served.asked("a")

    async with serving(journal_url, {"ask": Asking}) as served:
        await served.asked("a")
        reply = await served.send("a", "Answer", text="Ada")
        handler = await served.finished("a")

    assert reply.status_code == 200
    assert handler["workflow_name"] == "ask"
    assert handler["result"]["value"]["result"] == "Ada"


class AskingAgain(Asking):
    """The second version."""

    @step
    async def hear(self, ev: Answer) -> StopEvent:
        return StopEvent(result=f"{ev.text}, again")


async def test_a_new_version_beside_the_old_one_takes_no_run_of_it(
    journal_url: str,
) -> None:
    async with serving(journal_url, {"ask": Asking}) as served:
        await served.start("ask", {"handler_id": "old"})
        await served.asked("old")

    second: Callable[..., Workflow] = AskingAgain
    async with serving(
        journal_url, {"ask": Asking, "ask-v2": second(workflow_name="ask-v2")}
    ) as served:
        await served.start("ask-v2", {"handler_id": "new"})
        for handler_id in ("old", "new"):
            await served.asked(handler_id)
            assert (
                await served.send(handler_id, "Answer", text="Ada")
            ).status_code == 200
        old, new = await served.finished("old"), await served.finished("new")

    assert (old["workflow_name"], new["workflow_name"]) == ("ask", "ask-v2")
    assert old["result"]["value"]["result"] == "Ada"
    assert new["result"]["value"]["result"] == "Ada, again"


async def test_two_routes_of_one_class_keep_their_instances(journal_url: str) -> None:
    """What a run was begun with must be what goes on with it."""

    def routes() -> dict[str, Any]:
        return {"small": Asking(small), "big": Asking(big)}

    small: list[str] = []
    big: list[str] = []
    async with serving(journal_url, routes()) as served:
        for route in ("small", "big"):
            await served.start(route, {"handler_id": route})
            await served.asked(route)

    async with serving(journal_url, routes()) as served:
        for route in ("small", "big"):
            await served.asked(route)
            await served.send(route, "Answer", text=route)
            await served.finished(route)

    assert small == ["ask", "hear small"]
    assert big == ["ask", "hear big"]


async def test_a_workflow_that_has_run_can_be_served(journal_url: str) -> None:
    async with serving(journal_url, {"other": Other}) as served:
        workflow = Asking(runtime=served.runtime)
        before = await served.client.start(workflow, run_id="before")
        await served.asked("before")

        served.server.add_workflow("ask", workflow)
        await served.start("ask", {"handler_id": "after"})
        await served.asked("after")
        for handler_id in ("before", "after"):
            await served.send(handler_id, "Answer", text=handler_id)

        assert await soon(before.result()) == "before"
        assert (await served.finished("after"))["status"] == "completed"
        assert (await served.handler("before"))["workflow_name"] == "ask"


# -- theirs, unchanged --------------------------------------------------------------


async def test_their_server_works_too(journal_url: str) -> None:
    routes: dict[str, Any] = {"counter": Counter, "ask": Asking}
    async with serving(journal_url, routes, kind=TheirServer) as served:
        counted = await soon(served.http.post("/workflows/counter/run", json={}))
        await served.start("ask", {"handler_id": "a"})
        await served.asked("a")
        sent = await served.send("a", "Answer", text="Ada")
        asked = await served.finished("a")
        events = await served.events("a")

    assert counted.json()["result"]["value"] == {"final_count": 5}
    assert sent.status_code == 200
    assert asked["result"]["value"]["result"] == "Ada"
    assert [event["type"] for _, event in events] == ["Question", "StopEvent"]


async def test_a_server_with_another_store_is_refused(journal_url: str) -> None:
    runtime = DBOSRuntime(database_url=journal_url)
    server = TheirServer(runtime=runtime.build_server_runtime())

    with pytest.raises(ConfigError, match="create_workflow_store"):
        server.add_workflow("other", Other(runtime=runtime))


async def test_the_pages_and_descriptions_are_served(journal_url: str) -> None:
    paths = [
        "/",
        "/health",
        "/workflows",
        "/workflows/counter/schema",
        "/workflows/counter/representation",
        "/workflows/counter/events",
    ]
    async with serving(journal_url, {"counter": Counter}) as served:
        replies: list[httpx.Response] = [await served.http.get(p) for p in paths]

    assert [r.status_code for r in replies] == [200] * len(paths)
    assert "<html" in replies[0].text
    assert replies[2].json() == {"workflows": ["counter"]}


async def test_the_older_way_to_a_result_answers(journal_url: str) -> None:
    async with serving(journal_url, {"echo": Echo}) as served:
        body = {"handler_id": "e", "start_event": {"topic": "pirates"}}
        await served.start("echo", body)
        await served.finished("e")
        reply = await served.http.get("/results/e")

    assert (reply.status_code, reply.json()["result"]) == (200, "pirates")
