"""A run from start to end: its result, its store, its stream and its journal."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import sqlalchemy as sa
from dbos import DBOS
from process_lives import launched, reading, soon
from sample_workflows import Counted, Counter, Tick
from workflows.events import StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook.journal._compact import unpack
from durable_notebook.journal._entry import Entry


async def test_a_counter_gives_its_result(journal_url: str) -> None:
    log: list[str] = []

    async with launched(journal_url) as runtime:
        result = await soon(Counter(log, runtime=runtime).run(run_id="c"))

    assert result == Counted(final_count=5)
    assert log == ["start", *(f"increment {n}" for n in range(5))]


async def test_a_runtime_makes_its_own_dbos(journal_url: str) -> None:
    async with DBOSRuntime(database_url=journal_url) as runtime:
        result = await soon(Counter(runtime=runtime).run(run_id="c"))

    assert result == Counted(final_count=5)


async def test_the_store_can_be_read_from_outside_while_the_run_is_live(
    journal_url: str,
) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        handler = Counter(gate=gate.wait, runtime=runtime).run(run_id="c")
        events = handler.stream_events()

        async for event in events:
            if event == Tick(count=4):
                break
        count = await handler.ctx.store.get("count")
        gate.set()
        await soon(handler)

    assert count == 4


async def test_the_stream_gives_each_event_once_and_in_order(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Counter(runtime=runtime).run(run_id="c")

        events = [event async for event in handler.stream_events()]

    assert events == [Tick(count=n) for n in range(1, 6)] + [Counted(final_count=5)]


async def test_a_new_reader_gets_the_stream_from_its_beginning(
    journal_url: str,
) -> None:
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        handler = Counter(gate=gate.wait, runtime=runtime).run(run_id="c")
        async for event in handler.ctx.stream_events():
            if event == Tick(count=4):
                break

        late = handler.ctx.stream_events()
        replayed = [await anext(late)]
        gate.set()
        replayed += [event async for event in late]
        finished = [event async for event in runtime.stream("c")]

    ticks = [event.count for event in replayed if isinstance(event, Tick)]
    assert ticks == [1, 2, 3, 4, 5]
    assert isinstance(replayed[-1], StopEvent)
    assert finished == replayed


async def test_a_reader_may_begin_at_a_number(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="c"))
        whole = [event async for event in runtime.stream("c")]

        rest = [event async for event in runtime.stream("c", after=len(whole) - 2)]

    assert rest == whole[-2:]


async def test_dbos_lists_one_step_a_turn_under_its_name(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="c"))

        steps = await DBOS.list_workflow_steps_async("c")

    names = [step["function_name"] for step in steps]
    assert names == ["StartEvent", "start", *["increment"] * 5]
    assert [step["function_id"] for step in steps] == list(range(1, 8))
    assert all(step["error"] is None for step in steps)


async def test_the_output_of_a_dbos_step_is_the_entry(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="c"))
        entries = runtime.store.entries("c")

        steps = await DBOS.list_workflow_steps_async("c")

    outputs = [step["output"] for step in steps]
    assert [output["v"] for output in outputs] == [1] * len(entries)
    assert [unpack(output).get("store", []) for output in outputs] == [
        recorded.entry.store for recorded in entries
    ]


async def test_dbos_knows_the_result_and_the_status(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="c"))

        status = await DBOS.get_workflow_status_async("c")

    assert status is not None
    assert status.status == "SUCCESS"
    assert status.output["value"] == {"final_count": 5}


async def test_each_entry_says_what_its_step_did(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="c"))

        entries = [recorded.entry for recorded in runtime.store.entries("c")]

    values = [op["value"] for entry in entries for op in entry.store]
    assert values == [0, 1, 2, 3, 4, 5]
    assert [len(entry.bodies) for entry in entries] == [0, 1, 1, 1, 1, 1, 1]
    assert [len(entry.starts) for entry in entries] == [1, 1, 1, 1, 1, 1, 0]
    assert all(a.at <= b.at for a, b in pairwise(entries))
    assert [entry.end for entry in entries[:-1]] == [None] * 6
    assert entries[-1].end is not None
    assert entries[-1].end["status"] == "completed"


async def test_the_times_of_a_body_are_those_of_the_body(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="c"))

        entries = [recorded.entry for recorded in runtime.store.entries("c")]

    for before, entry in pairwise(entries):
        for started, finished, attempt in entry.bodies.values():
            assert before.at <= started <= finished <= entry.at
            assert attempt == 1


async def test_the_entries_on_disk_decode_and_encode_to_themselves(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="c"))

    with reading(journal_url) as database:
        rows = database.execute(sa.text("SELECT output FROM operation_outputs"))
        texts = [text for (text,) in rows]
    assert len(texts) == 7
    assert [Entry.decode(text).encode() for text in texts] == texts


async def test_nothing_in_the_database_is_pickled(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="c"))

    with reading(journal_url) as database:
        found = {t: _serializations(database, t) for t in _tables(database)}
    assert found["operation_outputs"] == {"portable_json"}
    assert set.union(*found.values()) == {"portable_json"}


def _tables(database: sa.Connection) -> list[str]:
    return sa.inspect(database).get_table_names()


def _serializations(database: sa.Connection, table: str) -> set[str]:
    columns = [column["name"] for column in sa.inspect(database).get_columns(table)]
    if "serialization" not in columns:
        return set()
    rows = database.execute(sa.text(f"SELECT DISTINCT serialization FROM {table}"))
    return {name for (name,) in rows}
