"""The server is restarted, stopped or out of reach while runs are executed on it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest
from process_lives import add, launched, live, never, soon, until
from sample_workflows import Answer, Asking, Logged, Once
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent
from workflows.handler import WorkflowHandler

from durable_notebook import DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook.errors import StorageError
from durable_notebook.runtime.codec._codec import ClosedJsonSerializer, Codec
from durable_notebook.store import open_store
from tests.bad_line import BadLine
from tests.postgres_server import PostgresServer

# How long the server is away: less than a write waits for it here.
AWAY_S = 30.0 if os.environ.get("FAULTS_LONG") else 2.5

STEPS = 40
RUNS = 20

pytestmark = pytest.mark.timeout(240)


class Number(Event):
    of: str
    number: int


class Counting(Logged):
    """Steps that count in the store and on the stream; the log says of which run."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Number:
        await ctx.store.set("numbers", [])
        return Number(of=ev.name, number=0)

    @step
    async def count(self, ctx: Context, ev: Number) -> Number | StopEvent:
        self.log.append(f"{ev.of}:{ev.number}")
        numbers = [*await ctx.store.get("numbers"), ev.number]
        await ctx.store.set("numbers", numbers)
        ctx.write_event_to_stream(ev)
        await asyncio.sleep(0.02)
        if ev.number < STEPS - 1:
            return Number(of=ev.of, number=ev.number + 1)
        return StopEvent(result=numbers)


NUMBERS = list(range(STEPS))


def begun(runtime: DBOSRuntime, log: list[str]) -> list[WorkflowHandler]:
    """Twenty runs, begun or attached to."""
    workflow = Counting(log, runtime=runtime)
    return [workflow.run(run_id=f"r{n}", name=f"r{n}") for n in range(RUNS)]


def bodies(log: list[str]) -> list[list[int]]:
    """The numbers that each run has counted, in order."""
    found: dict[str, list[int]] = {f"r{n}": [] for n in range(RUNS)}
    for line in log:
        run_id, _, number = line.partition(":")
        found[run_id].append(int(number))
    return list(found.values())


async def under_way(log: list[str]) -> None:
    """Wait until each run has counted a little."""
    await until(lambda: all(len(n) > 5 for n in bodies(log)), within_s=60)


Fault = Callable[[PostgresServer, BadLine], object]


@contextmanager
def restarted(server: PostgresServer, how: str) -> Iterator[None]:
    server.stop(how)  # type: ignore[arg-type]
    try:
        yield
    finally:
        server.start()


# Of the last three nobody is told: only that nothing comes shows it.
OUTAGES: dict[str, Fault] = {
    "shut down fast": lambda server, _: restarted(server, "fast"),
    "shut down immediately": lambda server, _: restarted(server, "immediate"),
    "stopped by the system": lambda server, _: server.stopped(),
    "out of reach": lambda _, line: line.silent(),
    "out of reach, and its connections lost": lambda _, line: line.silent(is_lost=True),
}


@pytest.fixture
def journal_url(postgres_url: str) -> str:
    """The backend that this is about."""
    return postgres_url


@asynccontextmanager
async def ticking() -> AsyncIterator[list[float]]:
    """How long the loop was held up, at each of its turns."""
    gaps: list[float] = []

    async def tick() -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            gaps.append(now - before)
            before = now

    ticker = asyncio.create_task(tick())
    try:
        yield gaps
    finally:
        ticker.cancel()


async def away(outage: Fault, server: PostgresServer, line: BadLine) -> None:
    """Have the server away for a while."""

    def hold() -> None:
        with outage(server, line):  # type: ignore[attr-defined]
            threading.Event().wait(AWAY_S)

    await asyncio.to_thread(hold)


@pytest.mark.parametrize("name", OUTAGES)
async def test_runs_go_on_by_themselves_when_the_server_is_back(
    journal_url: str,
    postgres_server: PostgresServer,
    bad_line: BadLine,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    log: list[str] = []
    url = bad_line.url(journal_url)
    settings = Settings(database_url=url, busy_timeout_s=AWAY_S + 30)
    async with launched(url, settings=settings) as runtime:
        handlers = begun(runtime, log)
        await under_way(log)
        async with ticking() as gaps:
            await away(OUTAGES[name], postgres_server, bad_line)
        results = await asyncio.wait_for(asyncio.gather(*handlers), AWAY_S + 60)
        streams = [
            [e.number async for e in h.ctx.stream_events() if isinstance(e, Number)]
            for h in handlers
        ]

    assert results == streams == bodies(log) == [NUMBERS] * RUNS
    assert max(gaps) < AWAY_S / 2
    said = [r.getMessage() for r in caplog.records if r.name != "psycopg"]
    told = ["out of reach: ", "in reach again"] if "shut" in name else []
    assert len(said) == len(told), said
    assert all(part in text for part, text in zip(told, said, strict=True))


async def test_runs_that_stood_still_go_on_by_themselves_too(
    journal_url: str,
    postgres_server: PostgresServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The server is away for longer than a write waits."""
    log: list[str] = []
    settings = Settings(database_url=journal_url, busy_timeout_s=0.2)
    async with launched(journal_url, settings=settings) as runtime:
        handlers = begun(runtime, log)
        await under_way(log)
        with restarted(postgres_server, "fast"):
            waiting = asyncio.gather(*handlers, return_exceptions=True)
            ends = await asyncio.wait_for(waiting, 60)
        await until(lambda: has_ended(runtime), within_s=60)
        results = await asyncio.gather(*(runtime.result(f"r{n}") for n in range(RUNS)))

    assert {type(end) for end in ends} == {StorageError}
    assert [result.result for result in results] == [NUMBERS] * RUNS
    for numbers in bodies(log):
        assert list(dict.fromkeys(numbers)) == NUMBERS
        assert len(numbers) <= STEPS + 2
    said = [r.getMessage() for r in caplog.records if r.name != "psycopg"]
    assert len(said) == len(set(said)) < RUNS, said


async def test_twenty_runs_go_on_while_their_connections_are_ended(
    journal_url: str, postgres_server: PostgresServer
) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        with postgres_server.cutting(journal_url, every_s=0.4) as cuts:
            handlers = begun(runtime, log)
            results = await asyncio.wait_for(asyncio.gather(*handlers), 100)

    assert results == bodies(log) == [NUMBERS] * RUNS
    assert sum(ended > 0 for ended in cuts) > 2


async def test_a_message_arrives_although_the_listening_connection_is_dead(
    journal_url: str, bad_line: BadLine
) -> None:
    """It is looked for each second anyway."""
    async with launched(bad_line.url(journal_url)) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a"))
        other = open_store(journal_url, Settings())
        tick = Codec(ClosedJsonSerializer()).tick(add(Answer(text="Ada")))
        with bad_line.deaf():
            other.post("a", json.dumps(tick)).result(timeout=10)
            assert await soon(handler) == "Ada"
        other.close()


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_restart_of_the_server_during_recovery_loses_no_run(
    journal_url: str, postgres_server: PostgresServer, how: str
) -> None:
    """The runs are claimed, read and begun again while the server goes and comes."""
    log: list[str] = []

    async def begin(runtime: DBOSRuntime) -> None:
        begun(runtime, log)
        await under_way(log)

    async def go_on(runtime: DBOSRuntime) -> None:
        restarting = asyncio.create_task(asyncio.to_thread(restart))
        runtime.define(Counting(log, runtime=runtime))
        await restarting
        # Nobody asks for one of them.
        await until(lambda: has_ended(runtime), within_s=60)

    def restart() -> None:
        with restarted(postgres_server, how):
            pass

    live(journal_url, begin)
    live(journal_url, go_on)

    for numbers in bodies(log):
        # Only what had begun and was not on disk has begun again.
        assert list(dict.fromkeys(numbers)) == NUMBERS
        assert len(numbers) <= STEPS + 2


def has_ended(runtime: DBOSRuntime) -> bool:
    return [row.dbos_status for row in runtime.store.runs()] == ["SUCCESS"] * RUNS


async def test_runs_go_on_where_the_server_takes_no_more_connections(
    journal_url: str, postgres_server: PostgresServer
) -> None:
    """Five hundred wait, and get their answers over the connections that are open."""
    ids = [f"r{n}" for n in range(500)]
    async with launched(journal_url, pool_size=1) as runtime:
        workflow = Asking(runtime=runtime)
        handlers = [workflow.run(run_id=run_id) for run_id in ids]
        await until(lambda: waiting(runtime, ids) == len(ids), within_s=60)
        with all_taken(postgres_server):
            posts = [runtime.post(run_id, add(Answer(text=run_id))) for run_id in ids]
            await asyncio.wait_for(asyncio.gather(*posts), 60)
            await until(lambda: waiting(runtime, ids) == 0, within_s=60)
        results = await asyncio.wait_for(asyncio.gather(*handlers), 60)

    assert results == ids


def waiting(runtime: DBOSRuntime, ids: list[str]) -> int:
    runs = [runtime.live(run_id) for run_id in ids]
    return sum(run is not None and bool(run.prompts.tree()) for run in runs)


@contextmanager
def all_taken(server: PostgresServer) -> Iterator[None]:
    """Somebody else has every connection that the server gives."""
    taken: list[psycopg.Connection[Any]] = []
    try:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                taken.append(psycopg.connect(server.url("postgres")))
        assert taken
        yield
    finally:
        for connection in taken:
            connection.close()


async def test_a_drain_while_the_server_is_away_ends_in_time(
    journal_url: str, postgres_server: PostgresServer
) -> None:
    """What the body in flight waits for cannot be asked, and holds nobody up."""
    log: list[str] = []
    async with launched(journal_url) as runtime:
        Once(log, never, runtime=runtime).run(run_id="o")
        await until(lambda: log)
        with restarted(postgres_server, "fast"):
            cut = await asyncio.wait_for(runtime.drain(0.5), 5)
        assert cut == ["o"]
