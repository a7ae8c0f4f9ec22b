"""The page of a listening server, and the routes that it asks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import pytest
from process_lives import launched, soon, until
from pydantic import Field
from sample_workflows import Answer, Asking, Question
from workflows import Context, Workflow, step
from workflows.events import HumanResponseEvent, StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook.server import AccessPolicy, Listener

TOKEN = "a-token-of-some-length"


class Waiting(Workflow):
    """Waits in its body, for an event that no step takes."""

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        question = Question(text="name?")
        answer = await ctx.wait_for_event(Answer, waiter_event=question)
        return StopEvent(result=answer.text)


class Anything(HumanResponseEvent):
    """Takes any field."""


class AskingAnything(Workflow):
    """Waits for any answer."""

    @step
    async def ask(self, ev: StartEvent) -> Question:
        return Question(text="what?")

    @step
    async def hear(self, ev: Anything) -> StopEvent:
        return StopEvent(result="heard")


MUCH = type(
    "Much" * 100,
    (HumanResponseEvent,),
    {
        "__module__": __name__,
        "__annotations__": {"text": str},
        "text": Field(description="d" * 3_000),
    },
)


class AskingMuch(Workflow):
    """Asks at length, for an answer that is described at length."""

    @step
    async def ask(self, ev: StartEvent) -> Question:
        return Question(text="q" * 300_000)

    @step
    async def hear(self, ev: MUCH) -> StopEvent:  # type: ignore[valid-type]
        return StopEvent(result="heard")


@asynccontextmanager
async def listening(
    url: str, kind: type[Workflow] = Asking, token: str | None = None
) -> AsyncIterator[tuple[DBOSRuntime, httpx.AsyncClient]]:
    policy = AccessPolicy(port=0, token=token)
    async with launched(url) as runtime:
        workflows = {"ask": kind(runtime=runtime)}
        async with (
            Listener(runtime, workflows, policy) as listener,
            httpx.AsyncClient(base_url=listener.url, trust_env=False) as http,
        ):
            yield runtime, http


async def asked(http: httpx.AsyncClient, run_id: str = "a") -> dict[str, Any]:
    """A run that waits for its answer, as the page sees it."""
    body = {"handler_id": run_id}
    assert (await http.post("/workflows/ask/run-nowait", json=body)).is_success
    found: dict[str, Any] = {}
    async with asyncio.timeout(10):
        while not found.get("prompts"):
            found = (await http.get(f"/runs/{run_id}")).json()
    return found


# -- the page --------------------------------------------------------------------------


async def test_the_page_may_load_nothing_but_itself(journal: Path) -> None:
    async with listening(f"sqlite:///{journal}") as (_, http):
        page = await http.get("/")
        theirs = await http.get("/index.html")

    policy = page.headers["content-security-policy"]
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "connect-src 'self'" in policy
    assert "://" not in page.text
    assert theirs.status_code == 404


async def test_the_page_is_short_and_makes_no_markup_of_what_it_is_told(
    journal: Path,
) -> None:
    async with listening(f"sqlite:///{journal}") as (_, http):
        text = (await http.get("/")).text

    own = resources.files("durable_notebook.server").joinpath("page.html")
    assert len(own.read_text("utf-8").splitlines()) < 300
    assert len(text) < 80_000
    for way in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval"):
        assert way not in text


async def test_the_page_is_open_and_what_it_asks_is_not(journal: Path) -> None:
    """A browser that opens an address has no token yet."""
    async with listening(f"sqlite:///{journal}", token=TOKEN) as (_, http):
        page = await http.get("/")
        refused = [
            (await http.request(method, path)).status_code
            for method, path in (
                ("POST", "/"),
                ("GET", "/runs"),
                ("GET", "/runs/a"),
                ("POST", "/runs/a/answer"),
                ("POST", "/runs/a/cancel"),
                ("POST", "/runs/a/pause"),
                ("POST", "/runs/a/resume"),
            )
        ]
        known = {"Authorization": f"Bearer {TOKEN}"}
        runs = await http.get("/runs", headers=known)

    assert page.status_code == 200
    assert refused == [401] * 7
    assert runs.json() == {"runs": [], "is_all": True}


# -- runs ------------------------------------------------------------------------------


async def test_a_waiting_run_has_its_question_and_what_answers_it(
    journal_url: str,
) -> None:
    async with listening(journal_url) as (_, http):
        run = await asked(http)
        (listed,) = (await http.get("/runs")).json()["runs"]

    (prompt,) = run["prompts"]
    (seen,) = listed["prompts"]
    assert listed | {"prompts": [prompt]} == run
    assert seen | {"schema": prompt["schema"]} == prompt
    assert (run["handler_id"], run["workflow"]) == ("a", "ask")
    assert run["status"] == "waiting"
    assert prompt["asked"] == {"name": "Question", "fields": {"text": "name?"}}
    assert prompt["answer"] == "Answer"
    assert prompt["schema"]["properties"] == {"text": {"type": "string"}}


async def test_a_run_is_cut_in_the_list_and_whole_by_itself(journal: Path) -> None:
    async with listening(f"sqlite:///{journal}", AskingMuch) as (_, http):
        run = await asked(http)
        reply = await http.get("/runs")

    (exact,), ((seen,),) = run["prompts"], [r["prompts"] for r in reply.json()["runs"]]
    assert exact["asked"]["fields"]["text"] == "q" * 300_000
    assert exact["answer"] == MUCH.__name__
    (form,) = exact["forms"]
    assert form["name"] == MUCH.__name__
    for schema in (form["schema"], exact["schema"]):
        assert len(schema["properties"]["text"]["description"]) == 3_000
    # What a form is made of, and nothing twice.
    assert seen["answer"] == exact["answer"][:199] + "…" == seen["forms"][0]["name"]
    assert len(seen["asked"]["fields"]["text"]) < 9_000
    assert "schema" not in seen
    assert len(reply.content) < 14_000


async def test_the_newest_runs_come_first_and_it_is_said_if_there_are_more(
    journal: Path,
) -> None:
    async with listening(f"sqlite:///{journal}") as (_, http):
        for run_id in ("first", "second", "third"):
            await asked(http, run_id)
        found = (await http.get("/runs?limit=2")).json()
        wrong = [
            (await http.get(f"/runs?limit={limit}")).status_code
            for limit in ("0", "1001", "-1", "x", "²", "9" * 5000)
        ]

    assert [run["handler_id"] for run in found["runs"]] == ["third", "second"]
    assert not found["is_all"]
    assert wrong == [400] * 6


async def test_a_run_is_answered_once(journal_url: str) -> None:
    async with listening(journal_url) as (runtime, http):
        run = await asked(http)
        body = {"prompt": run["prompts"][0]["number"], "fields": {"text": "Ada"}}
        before = (await http.get("/runs/a?question=0")).json()["ended"]
        replies = [await http.post("/runs/a/answer", json=body) for _ in range(2)]
        after = (await http.get("/runs/a?question=0")).json()["ended"]
        result = await soon(runtime.result("a"))

    assert [reply.status_code for reply in replies] == [200, 409]
    assert replies[0].json() == {"run_id": "a", "sent": "Answer"}
    assert result.result == "Ada"
    assert before is None
    assert re.match(r"answered by HTTP at [\d:]+: Answer\(text='Ada'\)", after)


async def test_an_answer_that_no_step_takes_is_one_that_a_body_waits_for(
    journal_url: str,
) -> None:
    async with listening(journal_url, Waiting) as (runtime, http):
        await asked(http)
        reply = await http.post("/runs/a/answer", json={"fields": {"text": "Ada"}})
        result = await soon(runtime.result("a"))

    assert reply.is_success, reply.text
    assert result.result == "Ada"


async def test_a_wrong_answer_says_which_field(journal: Path) -> None:
    async with listening(f"sqlite:///{journal}") as (_, http):
        await asked(http)
        wrong = await http.post("/runs/a/answer", json={"fields": {"txt": "Ada"}})
        odd = await http.post("/runs/a/answer", json={"fields": [1]})
        run = (await http.get("/runs/a")).json()

    assert wrong.status_code == odd.status_code == 400
    assert wrong.json()["problems"] == {
        "text": "field required",
        "txt": "there is no such field",
    }
    assert run["status"] == "waiting"


# A name that a constructor has, one that no field has, and what no journal can hold.
@pytest.mark.parametrize(
    "body",
    [
        b'{"fields": {"text": "Ada"',
        b"\xff",
        b"[]",
        b"",
        b"{}",
        b'{"fields": null}',
        b'{"field": {"text": "Ada"}}',
        b'{"fields": {"text": "Ada"}, "number": 0}',
        b'{"fields": {"text": "Ada"}, "prompt": "0"}',
        b'{"fields": {"text": "Ada"}, "prompt": false}',
        b'{"fields": {"text": "Ada"}, "prompt": 1e999}',
        b'{"fields": {"text": "Ada"}, "prompt": -1}',
        b'{"fields": {"text": "Ada", "more": NaN}}',
        b'{"fields": {"self": 1}}',
        b'{"fields": {"_x": 1}}',
        b'{"fields": {"_data": 1}}',
        b'{"fields": {"text": ' + b"[" * 200 + b"]" * 200 + b"}}",
        b'{"fields": {"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    ],
    ids=lambda body: repr(body[:50]),
)
async def test_a_body_that_is_no_answer_is_refused_in_one_sentence(
    run_that_asks: httpx.AsyncClient, body: bytes
) -> None:
    reply = await run_that_asks.post("/runs/a/answer", content=body)

    assert reply.status_code == 400, reply.text
    assert re.fullmatch(r"[^\n]{10,400}\.", reply.json()["detail"])
    assert (await run_that_asks.get("/runs/a")).json()["status"] == "waiting"


@pytest.fixture
async def run_that_asks(journal: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Run `a` waits for an answer of any fields."""
    async with listening(f"sqlite:///{journal}", AskingAnything) as (_, http):
        await asked(http)
        yield http


async def test_a_question_that_was_never_asked_is_not_found(journal: Path) -> None:
    async with listening(f"sqlite:///{journal}") as (_, http):
        await asked(http)
        body = {"prompt": 7, "fields": {"text": "Ada"}}
        reply = await http.post("/runs/a/answer", json=body)

    assert reply.status_code == 404
    assert "has never asked question 7: it has asked number 0" in reply.json()["detail"]


async def test_a_run_is_cancelled(journal_url: str) -> None:
    async with listening(journal_url) as (runtime, http):
        await asked(http)
        reply = await http.post("/runs/a/cancel")
        await until(lambda: runtime.live("a") is None)
        run = (await http.get("/runs/a")).json()
        again = await http.post("/runs/a/cancel")

    assert reply.is_success, reply.text
    assert run["status"] == "cancelled"
    assert again.status_code == 409


async def test_a_run_is_paused_and_goes_on(journal_url: str) -> None:
    async with listening(journal_url) as (runtime, http):
        await asked(http)
        paused = [await http.post("/runs/a/pause") for _ in range(2)]
        run = (await http.get("/runs/a")).json()
        listed = (await http.get("/runs")).json()["runs"]
        # It is heard when it goes on.
        sent = await http.post("/runs/a/answer", json={"fields": {"text": "Ada"}})
        went_on = [await http.post("/runs/a/resume") for _ in range(2)]
        result = await soon(runtime.result("a"))
        late = await http.post("/runs/a/pause")

    assert [reply.json() for reply in paused] == [{"run_id": "a"}] * 2
    assert run["status"] == "paused"
    assert [each["status"] for each in listed] == ["paused"]
    assert sent.is_success
    assert [reply.json()["was_paused"] for reply in went_on] == [True, False]
    assert result.result == "Ada"
    assert late.status_code == 409


async def test_a_run_that_is_not_there_is_said(journal: Path) -> None:
    async with listening(f"sqlite:///{journal}") as (_, http):
        found = [
            await http.get("/runs/nope"),
            await http.post("/runs/nope/answer", json={}),
            await http.post("/runs/nope/cancel"),
            await http.post("/runs/nope/pause"),
            await http.post("/runs/nope/resume"),
        ]

    assert [reply.status_code for reply in found] == [404] * 5
    assert all("No run 'nope'" in reply.json()["detail"] for reply in found)
