"""The store of a server reads the journal and adds nothing to it, on each database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from llama_agents.client.protocol.serializable_events import EventEnvelopeWithMetadata
from llama_agents.server import HandlerQuery, PersistentHandler
from llama_agents.server._store.abstract_workflow_store import (
    StoredEvent,
    stream_workflow_ticks,
)
from process_lives import launched, never, reading, soon, until
from sample_workflows import Asking, Counter, Failing, Logged, Shopping
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent
from workflows.runtime.control_loop import rebuild_state_from_ticks_stream
from workflows.runtime.types.internal_state import BrokerState

from durable_notebook import Client, DBOSRuntime
from durable_notebook.server import JournalStore

from .served import Served, serving

ROUTES: dict[str, Any] = {"counter": Counter, "ask": Asking, "failing": Failing}


@pytest.fixture
async def three(journal_url: str) -> AsyncIterator[Served]:
    """A server with a run that has ended, one that waits and one that has failed."""
    async with serving(journal_url, ROUTES) as served:
        await served.start("counter", {"handler_id": "c"})
        await served.finished("c")
        await served.start("ask", {"handler_id": "a"})
        await served.asked("a")
        await served.start("failing", {"handler_id": "f"})
        await served.finished("f")
        yield served


# -- handlers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (HandlerQuery(), "fac"),
        (HandlerQuery(handler_id_in=["c", "a"]), "ca"),
        (HandlerQuery(handler_id_in=["c", "c", "nobody"]), "c"),
        (HandlerQuery(run_id_in=["a"]), "a"),
        (HandlerQuery(run_id_in=["nobody"]), ""),
        (HandlerQuery(workflow_name_in=["counter", "ask"]), "ac"),
        (HandlerQuery(status_in=["running"]), "a"),
        (HandlerQuery(status_in=["completed", "failed"]), "fc"),
        (HandlerQuery(is_idle=True), "a"),
        (HandlerQuery(is_idle=False), "fc"),
        (HandlerQuery(handler_id_in=["c"], status_in=["failed"]), ""),
        (HandlerQuery(handler_id_in=[]), ""),
        (HandlerQuery(run_id_in=[]), ""),
        (HandlerQuery(workflow_name_in=[]), ""),
        (HandlerQuery(status_in=[]), ""),
    ],
    ids=str,
)
async def test_a_query_finds_what_matches(
    three: Served, query: HandlerQuery, expected: str
) -> None:
    found = await three.store.query(query)

    assert [handler.handler_id for handler in found] == list(expected)


async def test_a_handler_says_what_the_journal_says(three: Served) -> None:
    found = {h.handler_id: h for h in await three.store.query(HandlerQuery())}
    infos = {info.run_id: info for info in await three.client.runs()}

    for handler_id, handler in found.items():
        info = infos[handler_id]
        assert handler.started_at == info.started
        assert handler.updated_at == info.updated
        assert handler.completed_at == (info.updated if handler_id != "a" else None)
    assert found["a"].idle_since == infos["a"].updated
    assert found["c"].idle_since is None
    assert found["f"].error == infos["f"].error
    assert (found["a"].error, found["c"].error) == (None, None)


async def test_a_run_that_stands_still_says_why(journal_url: str) -> None:
    async with serving(journal_url, {"ask": Asking}) as served:
        await served.start("ask", {"handler_id": "a"})
        await served.asked("a")

    async with serving(journal_url, {"counter": Counter}) as served:
        handler = await served.handler("a")

    assert handler["status"] == "running"
    assert "definition" in handler["error"]


async def test_a_status_of_the_server_s_own_is_no_status(three: Served) -> None:
    await three.store.update_handler_status("a", status="failed", error="no")

    assert (await three.handler("a"))["status"] == "running"


async def test_deleting_says_how_many(three: Served) -> None:
    query = HandlerQuery(handler_id_in=["c", "f", "nobody"])

    assert await three.store.delete(query) == 2
    assert await three.store.delete(query) == 0
    assert [info.run_id for info in await three.client.runs()] == ["a"]


# -- events -------------------------------------------------------------------------


async def test_events_have_the_numbers_of_the_stream(three: Served) -> None:
    events = list(await three.store.query_events("c"))

    assert [e.sequence for e in events] == list(range(len(events)))
    published = [e async for e in three.runtime.stream("c")]
    assert [e.event for e in events] == [
        EventEnvelopeWithMetadata.from_event(event) for event in published
    ]


async def test_events_are_read_behind_a_number_and_up_to_a_limit(
    three: Served,
) -> None:
    events = list(await three.store.query_events("c"))

    assert list(await three.store.query_events("c", after_sequence=-1)) == events
    assert list(await three.store.query_events("c", after_sequence=2)) == events[3:]
    assert list(await three.store.query_events("c", 2, limit=2)) == events[3:5]
    assert await three.store.query_events("c", after_sequence=len(events)) == []
    assert list(await three.store.query_events("nobody")) == []


async def test_the_last_event_is_found_behind_entries_without_events(
    three: Served,
) -> None:
    outside = three.store.create_state_store("a")
    for n in range(10):
        await outside.set("n", n)
    entry = three.runtime.store.last_entry("a")
    assert entry is not None
    assert entry.entry.stream == []

    events = await three.store.query_events("a")
    last, count = events[-1], len(events)

    assert list(events)[-1] == last
    assert (last.sequence, len(list(events))) == (count - 1, count)
    assert await three.store.query_events("a", last.sequence) == []
    assert len(await three.store.query_events("a", last.sequence - 1)) == 1


async def test_a_subscriber_gets_what_is_behind_its_number(three: Served) -> None:
    events = list(await three.store.query_events("c"))

    found = [e async for e in three.store.subscribe_events("c", 2)]

    assert [e.sequence for e in found] == [e.sequence for e in events[3:]]
    assert [e.event for e in found] == [e.event for e in events[3:]]


async def test_a_subscriber_to_nothing_is_sent_away(three: Served) -> None:
    assert [e async for e in three.store.subscribe_events("nobody")] == []


class Said(Event):
    text: str


class Saying(Logged):
    """Says something and stops at the gate in the middle of a body."""

    @step
    async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
        ctx.write_event_to_stream(Said(text="first"))
        await asyncio.sleep(0)
        ctx.write_event_to_stream(Said(text="second"))
        await self.pass_gate()
        ctx.write_event_to_stream(Said(text="third"))
        return StopEvent(result="said")


def said(events: list[StoredEvent]) -> list[tuple[int, str]]:
    return [
        (e.sequence, e.event.value["text"]) for e in events if e.event.type == "Said"
    ]


async def test_a_live_event_comes_at_once_and_is_on_disk(journal_url: str) -> None:
    """Its number would be another's after a crash, were it not."""
    seen: list[StoredEvent] = []
    async with serving(journal_url, {"saying": Saying(gate=never)}) as served:
        await served.start("saying", {"handler_id": "s"})

        async def read() -> None:
            async for event in served.store.subscribe_events("s"):
                seen.append(event)
                if len(said(seen)) == 2:
                    return

        await soon(read())
        recorded = list(await served.store.query_events("s"))

    async with serving(journal_url, {"saying": Saying}) as served:
        await served.finished("s")
        after = list(await served.store.query_events("s"))
        behind = served.store.subscribe_events("s", seen[-1].sequence)
        rest = [event async for event in behind]

    assert said(recorded) == said(seen)
    assert [e.event for e in after[: len(seen)]] == [e.event for e in seen]
    assert [text for _, text in said(after)] == ["first", "second", "third"]
    assert [text for _, text in said(rest)] == ["third"]


async def test_closing_sends_subscribers_away(journal_url: str) -> None:
    async with serving(journal_url, {"ask": Asking}) as served:
        await served.start("ask", {"handler_id": "a"})
        seen: list[StoredEvent] = []

        async def read() -> None:
            seen.extend([e async for e in served.store.subscribe_events("a")])

        reader = asyncio.create_task(read())
        await served.asked("a")

    await soon(reader)
    assert [e.event.type for e in seen if "Question" in e.event.type] == ["Question"]


async def test_events_of_a_class_that_is_gone_are_data(journal_url: str) -> None:
    class Gone(Event):
        text: str

    class Publishing(Logged):
        @step
        async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
            ctx.write_event_to_stream(Gone(text="still here"))
            return StopEvent(result="done")

    async with serving(journal_url, {"publishing": Publishing}) as served:
        await served.start("publishing", {"handler_id": "p"})
        await served.finished("p")

    async with serving(journal_url, {"counter": Counter}) as served:
        found = [e.event async for e in served.store.subscribe_events("p")]
        queried = [e.event for e in await served.store.query_events("p")]

    gone = [e for e in found if e.type == "Gone"]
    assert [e.value for e in gone] == [{"text": "still here"}]
    assert [e.type for e in queried] == [e.type for e in found]


# -- ticks and states ---------------------------------------------------------------


async def test_ticks_are_those_of_the_journal(three: Served) -> None:
    """Whoever reduces them comes to the state in which the run is."""
    workflow = three.server.get_workflows()["ask"]
    ticks = stream_workflow_ticks(
        three.store, "a", serializer=three.runtime.get_serializer(workflow)
    )

    state = await rebuild_state_from_ticks_stream(
        BrokerState.from_workflow(workflow), ticks, run_id="a"
    )

    assert state.is_running
    stored = await three.store.get_ticks("a")
    assert [tick.sequence for tick in stored] == list(range(len(stored)))


async def test_a_run_s_store_is_what_the_run_has(journal_url: str) -> None:
    routes = {"counter": Counter, "shopping": Shopping(gate=never)}
    async with serving(journal_url, routes) as served:
        await served.start("counter", {"handler_id": "c"})
        await served.finished("c")
        await served.start("shopping", {"handler_id": "s"})
        live = served.store.create_state_store("s")
        await until(lambda: served.runtime.live("s"))

        assert await served.store.create_state_store("c").get("count") == 5
        async with asyncio.timeout(10):
            while not (await live.get_state()).items:
                await asyncio.sleep(0.001)


async def test_nothing_is_written_twice(journal_url: str) -> None:
    """The database has the same rows whether a server looks on or not."""

    async def plainly() -> None:
        async with launched(journal_url) as runtime:
            await soon(Counter(runtime=runtime).run(run_id="without"))

    async def on_a_server() -> None:
        async with serving(journal_url, {"counter": Counter}) as served:
            await served.start("counter", {"handler_id": "with"})
            await served.finished("with")

    def rows() -> dict[str, int]:
        with reading(journal_url) as connection:
            names = [
                name
                for name in sa.inspect(connection).get_table_names()
                if name not in ("durable_session", "application_versions")
            ]
            return {
                name: connection.execute(
                    sa.text(f'SELECT count(*) FROM "{name}"')
                ).scalar_one()
                for name in names
            }

    await plainly()
    plain = rows()
    await on_a_server()
    served_rows = rows()

    grown = {name: served_rows[name] - count for name, count in plain.items()}
    assert grown["workflow_status"] == 1
    assert grown["operation_outputs"] == plain["operation_outputs"]
    once = (
        "workflow_status",
        "operation_outputs",
        "workflow_input",
        "workflow_output",
        "durable_code_use",
    )
    assert {n: c for n, c in grown.items() if c and n not in once} == {}


async def test_what_the_server_appends_is_not_written(three: Served) -> None:
    ticks = await three.store.get_ticks("c")
    events = list(await three.store.query_events("c"))

    await three.store.append_event("c", events[0].event)
    await three.store.append_tick("c", ticks[0].tick_data)
    await three.store.after_tick("c", ticks[0].tick_data)
    await three.store.update(
        PersistentHandler(
            handler_id="c", workflow_name="counter", status="failed", run_id="c"
        )
    )

    assert await three.store.get_ticks("c") == ticks
    assert list(await three.store.query_events("c")) == events
    assert (await three.handler("c"))["status"] == "completed"


async def test_without_a_definition_a_question_is_answered(journal_url: str) -> None:
    """A notebook that has only the classes of the events answers a server's run."""
    async with serving(journal_url, {"ask": Asking}) as served:
        await served.start("ask", {"handler_id": "a"})
        await served.asked("a")

    async with launched(journal_url) as runtime:
        await Client(runtime).run("a").answer(text="Ada")

    async with serving(journal_url, {"ask": Asking}) as served:
        assert (await served.finished("a"))["result"]["value"]["result"] == "Ada"


def test_the_store_is_there_before_the_launch(journal_url: str) -> None:
    runtime = DBOSRuntime(database_url=journal_url)

    assert isinstance(runtime.create_workflow_store(), JournalStore)
