"""What a handler's id may be over HTTP; whatever is refused says why."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from llama_agents.server import HandlerQuery, PersistentHandler
from process_lives import soon
from sample_workflows import Asking, Once

from tests.server.served import Served, serving

ROUTES = ["run", "run-nowait"]


@pytest.fixture
async def served(journal_url: str) -> AsyncIterator[Served]:
    """A server with a run that waits."""
    async with serving(journal_url, {"ask": Asking}) as found:
        await found.start("ask", {"handler_id": "a"})
        yield found


async def start(
    served: Served,
    workflow: str,
    handler_id: Any,
    *,
    route: str = "run-nowait",
    **body: Any,
) -> httpx.Response:
    # As ASCII, in which every text has a form: httpx has none for a surrogate.
    content = json.dumps({"handler_id": handler_id, **body})
    reply = served.http.post(f"/workflows/{workflow}/{route}", content=content)
    return await soon(reply)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("handler_id", "reason"),
    [
        ("", "it is empty"),
        (" ", "it is empty"),
        ("a\0b", "it has characters that cannot be shown"),
        ("a\ud800", "it has characters that cannot be shown"),
        ("x" * 300, "it has 300 characters"),
        ("../x", "no path could end in it"),
        ("a/b", "no path could end in it"),
        ("..", "no path could end in it"),
        (17, "it is not text"),
        (["a"], "it is not text"),
        (False, "it is not text"),
    ],
)
async def test_an_id_that_no_handler_can_have_is_refused(
    journal_url: str, route: str, handler_id: Any, reason: str
) -> None:
    async with serving(journal_url, {"once": Once}) as served:
        reply = await start(served, "once", handler_id, route=route)

        assert reply.status_code == 400
        assert f"cannot be a handler id: {reason};" in reply.json()["detail"]
        assert await served.client.runs() == []


@pytest.mark.parametrize("handler_id", ["x" * 200, "Łódź 東京", "a%2Fb?c#d", "..."])
async def test_an_id_that_is_taken_leads_to_its_handler(
    journal_url: str, handler_id: str
) -> None:
    async with serving(journal_url, {"once": Once}) as served:
        reply = await start(served, "once", handler_id, route="run")
        path = f"/handlers/{quote(handler_id, safe='')}"
        found = await served.http.get(path)

    assert reply.status_code == 200
    assert found.json()["run_id"] == handler_id


PARTS = ["", "%20", "a%00b", "%ED%A0%80", "x" * 300, "..%2Fx", "a%2Fb", "%FF"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/handlers/{}"),
        ("GET", "/events/{}"),
        ("GET", "/results/{}"),
        ("POST", "/events/{}"),
        ("POST", "/handlers/{}/cancel"),
        ("POST", "/handlers/{}/cancel?purge=true"),
    ],
)
async def test_an_odd_part_of_a_path_leads_nowhere(
    served: Served, method: str, path: str
) -> None:
    body = {"event": {"type": "Answer", "value": {"text": "Ada"}}}
    options = {} if method == "GET" else {"json": body}

    for part in PARTS:
        reply = await soon(served.http.request(method, path.format(part), **options))

        assert reply.status_code in (404, 405), part
        assert reply.json()["detail"]


# -- two at once ----------------------------------------------------------------------


async def test_two_that_want_one_id_for_different_runs_do_not_both_get_it(
    journal_url: str,
) -> None:
    async with serving(journal_url, {"ask": Asking, "once": Once}) as served:
        kwargs = [{"number": 1}, {"number": 2}]
        both = [start(served, "ask", "a", kwargs=k) for k in kwargs]
        of_arguments = await asyncio.gather(*both)
        both = [start(served, name, "b") for name in ("ask", "once")]
        of_workflows = await asyncio.gather(*both)

    for replies, sentence in (
        (of_arguments, "Run 'a' was begun with StartEvent(number="),
        (of_workflows, "Run 'b' is a run of '"),
    ):
        taken, refused = sorted(replies, key=lambda reply: reply.status_code)
        assert (taken.status_code, refused.status_code) == (200, 409)
        # The second may come so late that the first is known to run.
        said = refused.json()["detail"]
        assert said.startswith(sentence) or said.endswith("is already running")


async def test_two_that_want_the_same_get_one_run(journal_url: str) -> None:
    async with serving(journal_url, {"ask": Asking}) as served:
        both = [start(served, "ask", "a", kwargs={"number": 1}) for _ in range(2)]
        replies = await asyncio.gather(*both)
        runs = await served.client.runs()

    taken = [reply.json()["run_id"] for reply in replies if reply.status_code == 200]
    assert {reply.status_code for reply in replies} <= {200, 409}
    assert set(taken) == {"a"}
    assert [info.run_id for info in runs] == ["a"]


async def test_a_handler_that_another_request_has_just_begun_gets_no_second_run(
    served: Served,
) -> None:
    """As the second of two requests of which none had found the handler."""
    late = PersistentHandler(
        handler_id="a", workflow_name="ask", status="running", run_id="offered"
    )

    await served.store.update(late)
    (found,) = await served.store.query(HandlerQuery(handler_id_in=["a"]))

    assert found.run_id == "a"
    assert served.runtime.store.handler_runs("a") == []
