"""`/metrics` after real runs over HTTP, as Prometheus would read it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import httpx
import pytest
from process_lives import add, launched, never, quick_dbos, soon, until
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families
from sample_workflows import (
    Answer,
    Approval,
    Asking,
    AskingTwice,
    Counter,
    Failing,
    Once,
    Retrying,
)
from workflows import Workflow
from workflows.errors import WorkflowCancelledByUser

from durable_notebook import Client, DBOSRuntime
from durable_notebook.runtime import plain_codec
from durable_notebook.server import AccessPolicy, Listener

from .served import THEIR_DEPRECATED_CALL

ANY_PORT = AccessPolicy(port=0)
TOKEN = "a-token-of-this-test-only"


@asynccontextmanager
async def listening(
    runtime: DBOSRuntime, policy: AccessPolicy = ANY_PORT, **workflows: Workflow
) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        Listener(runtime, workflows, policy, takes_signals=False) as listener,
        httpx.AsyncClient(base_url=listener.url, trust_env=False, timeout=30) as http,
    ):
        yield http


async def families(http: httpx.AsyncClient) -> dict[str, Metric]:
    reply = await http.get("/metrics")
    assert reply.is_success, reply.text
    found = {m.name: m for m in text_string_to_metric_families(reply.text)}
    assert all(name.startswith("durable_notebook_") for name in found)
    assert all(metric.documentation for metric in found.values())
    return found


def values(metric: Metric, name: str = "") -> dict[tuple[str, ...], float]:
    """Of each set of labels, in the order of their names."""
    return {
        tuple(value for _, value in sorted(s.labels.items())): s.value
        for s in metric.samples
        if s.name == metric.name + name
    }


def value(found: dict[str, Metric], name: str) -> float:
    (only,) = found[f"durable_notebook_{name}"].samples
    return only.value


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text; version=latest",
        "application/openmetrics-text; version=" + "9" * 5000,
        "text/plain; version=x; escaping=y",
        "text/plain; version=1.0.0; escaping=y",
        "application/openmetrics-text; version=1.0.0; escaping=\u00e4",
        "\u00e4;;=,=;",
    ],
    ids=range(6),
)
async def test_whatever_a_client_accepts_it_is_given_figures(
    journal: Path, accept: str
) -> None:
    async with (
        launched(f"sqlite:///{journal}") as runtime,
        listening(runtime, once=Once(runtime=runtime)) as http,
    ):
        headers = {"Accept": accept.encode("latin-1")}
        reply = await http.get("/metrics", headers=headers)

    assert reply.status_code == 200, reply.text
    assert "durable_notebook_journal_up 1.0" in reply.text
    assert reply.headers["content-type"].isascii()


@pytest.mark.filterwarnings(THEIR_DEPRECATED_CALL)
async def test_runs_are_told_by_workflow_and_state(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        once, asking = Once(runtime=runtime), Asking(runtime=runtime)
        failing = Failing(runtime=runtime)
        workflows = {"once": once, "asking": asking, "failing": failing}
        async with listening(runtime, **workflows) as http:
            for _ in range(3):
                assert (await http.post("/workflows/once/run")).is_success
            await http.post("/workflows/failing/run")
            ids = [
                (await http.post("/workflows/asking/run-nowait")).json()["handler_id"]
                for _ in range(3)
            ]
            await until(lambda: all(runtime.store.last_entry(i) for i in ids))
            await http.post(f"/handlers/{ids[0]}/cancel")
            cancelled = Client(runtime).run(ids[0]).result()
            with pytest.raises(WorkflowCancelledByUser):
                await soon(cancelled)
            await until(lambda: not runtime.live(ids[0]))
            found = await families(http)

    assert values(found["durable_notebook_runs"]) == {
        ("completed", "once"): 3,
        ("failed", "failing"): 1,
        ("cancelled", "asking"): 1,
        ("unfinished", "asking"): 2,
    }
    assert value(found, "live_runs") == 2
    assert value(found, "journal_up") == 1


async def test_steps_are_counted_by_how_they_have_ended(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        retrying, counter = Retrying(runtime=runtime), Counter(runtime=runtime)
        async with listening(runtime, retrying=retrying, counter=counter) as http:
            assert (await http.post("/workflows/counter/run")).is_success
            assert (await http.post("/workflows/retrying/run")).is_success
            found = await families(http)

    assert values(found["durable_notebook_steps"], "_total") == {
        ("completed", "start", "counter"): 1,
        ("completed", "increment", "counter"): 5,
        ("failed", "only", "retrying"): 2,
        ("completed", "only", "retrying"): 1,
    }


async def test_each_commit_is_timed(journal_url: str) -> None:
    """Of runs that were there before, too, from then on."""
    async with launched(journal_url) as runtime:
        asking, counter = Asking(runtime=runtime), Counter(runtime=runtime)
        handler = asking.run(run_id="before")
        await until(lambda: (r := runtime.live("before")) and r.is_at_rest)
        before = len(runtime.store.entries("before"))
        async with listening(runtime, asking=asking, counter=counter) as http:
            started = await http.post("/workflows/counter/run")
            event = {"event": {"type": "Answer", "value": {"text": "Ada"}}}
            await http.post("/events/before", json=event)
            assert await soon(handler) == "Ada"
            run_id = started.json()["handler_id"]
            entries = len(runtime.store.entries("before")) - before
            entries += len(runtime.store.entries(run_id))
            found = await families(http)

    commits = found["durable_notebook_commit_duration_seconds"]
    assert commits.type == "histogram"
    buckets = values(commits, "_bucket")
    assert buckets[("+Inf",)] == entries
    assert sorted(buckets.values()) == list(buckets.values())
    assert values(commits, "_count")[()] == entries
    assert 0 < values(commits, "_sum")[()] < 60


async def test_bodies_in_flight_and_runs_out_of_memory_are_told(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        runtime.release_idle_after(0.01)
        Once([], never, runtime=runtime).run(run_id="busy")
        Asking(runtime=runtime).run(run_id="idle")
        await until(lambda: runtime.is_released("idle"))
        await until(lambda: (r := runtime.live("busy")) and r.flight.running())
        async with listening(runtime) as http:
            found = await families(http)
        session, executor_id = runtime.session, runtime.executor_id

    assert value(found, "bodies_in_flight") == 1
    assert value(found, "released_runs") == 1
    assert value(found, "live_runs") == 1
    assert values(found["durable_notebook_session"]) == {(executor_id,): session}


async def test_messages_that_nobody_has_read_are_told_with_their_age(
    journal_url: str,
) -> None:
    """What a run has read, or will never read because it has ended, is none of them."""
    async with launched(journal_url) as runtime:
        done = Asking(runtime=runtime).run(run_id="done")
        await until(lambda: (r := runtime.live("done")) and r.is_at_rest)
        await runtime.send("done", Answer(text="Ada"))
        await soon(done)
        twice = AskingTwice(runtime=runtime)
        twice.run(run_id="twice")
        await until(lambda: (r := runtime.live("twice")) and r.is_at_rest)
        await runtime.send("twice", Answer(text="Ada"))
        second = lambda: [e for e in runtime.store.entries("twice") if e.entry.cursor]  # noqa: E731
        await until(second)
        await until(lambda: (r := runtime.live("twice")) and r.is_at_rest)

    async with launched(journal_url) as runtime:  # Without the class of the run.
        tick = plain_codec().tick(add(Approval(by="Bo", number=1)))
        await asyncio.wrap_future(runtime.store.post("twice", json.dumps(tick)))
        async with listening(runtime) as http:
            found = await families(http)

    assert value(found, "unread_messages") == 1
    assert 0 <= value(found, "oldest_unread_message_age_seconds") < 60


async def test_figures_need_the_token_that_all_else_needs(journal: Path) -> None:
    url = f"sqlite:///{journal}"
    quick_dbos(url)
    runtime = DBOSRuntime(database_url=url)
    policy = AccessPolicy(port=0, token=TOKEN)
    async with listening(runtime, policy, once=Once(runtime=runtime)) as http:
        refused = await http.get("/metrics")
        headers = {"Authorization": f"Bearer {TOKEN}"}
        taken = await http.get("/metrics", headers=headers)

    assert refused.status_code == 401
    assert "durable_notebook" not in refused.text
    assert taken.is_success


async def test_a_scraper_may_ask_for_the_other_form(journal: Path) -> None:
    url = f"sqlite:///{journal}"
    quick_dbos(url)
    runtime = DBOSRuntime(database_url=url)
    async with listening(runtime, once=Once(runtime=runtime)) as http:
        assert (await http.post("/workflows/once/run")).is_success
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        reply = await http.get("/metrics", headers=accept)

    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    found = {metric.name: metric for metric in parse_openmetrics(reply.text)}
    assert values(found["durable_notebook_runs"]) == {("completed", "once"): 1}


async def test_a_journal_that_cannot_be_read_is_told_beside_the_rest(
    journal: Path,
) -> None:
    async with launched(f"sqlite:///{journal}") as runtime:
        once = Once(runtime=runtime)
        async with listening(runtime, once=once) as http:
            assert (await http.post("/workflows/once/run")).is_success
            rename(journal, "workflow_input", "elsewhere")
            found = await families(http)
            rename(journal, "elsewhere", "workflow_input")

    assert value(found, "journal_up") == 0
    assert "durable_notebook_runs" not in found
    assert values(found["durable_notebook_steps"], "_total") == {
        ("completed", "only", "once"): 1
    }


def rename(journal: Path, table: str, to: str) -> None:
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO {to}")
