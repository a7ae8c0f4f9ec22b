"""Runs on a server that crashes, cuts connections, and has few of them."""

from __future__ import annotations

import asyncio
import json

import psycopg
import pytest
from process_lives import add, launched, live, soon, until
from sample_workflows import Answer, Asking, Logged
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook.errors import StorageError
from durable_notebook.runtime.codec._codec import ClosedJsonSerializer, Codec
from durable_notebook.runtime.live._run import LiveRun
from durable_notebook.store import open_store
from tests.bad_line import BadLine
from tests.postgres_server import PostgresServer


class Number(Event):
    number: int


class Hundred(Logged):
    """A hundred steps that count in the store; each passes the gate."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Number:
        await ctx.store.set("numbers", [])
        return Number(number=0)

    @step
    async def count(self, ctx: Context, ev: Number) -> Number | StopEvent:
        self.log.append(str(ev.number))
        numbers = await ctx.store.get("numbers")
        await ctx.store.set("numbers", [*numbers, ev.number])
        ctx.write_event_to_stream(ev)
        await self.pass_gate()
        if ev.number < 99:
            return Number(number=ev.number + 1)
        return StopEvent(result=[*numbers, ev.number])


HUNDRED = list(range(100))


@pytest.fixture
def journal_url(postgres_url: str) -> str:
    """The backend that this is about."""
    return postgres_url


async def test_a_run_goes_on_while_its_connections_are_cut(
    journal_url: str, postgres_server: PostgresServer
) -> None:
    log: list[str] = []
    cuts = 0

    async def gate() -> None:
        nonlocal cuts
        if len(log) % 7 == 0:
            cuts += await asyncio.to_thread(postgres_server.cut, journal_url) > 0

    async with launched(journal_url) as runtime:
        handler = Hundred(log, gate, runtime=runtime).run(run_id="h")
        result = await asyncio.wait_for(handler, 60)
        stream = [e.number async for e in handler.ctx.stream_events() if _is_number(e)]

    assert result == stream == HUNDRED
    assert log == [str(n) for n in HUNDRED]
    assert cuts > 3


async def test_runs_go_on_while_connections_are_cut_at_any_time(
    journal_url: str, postgres_server: PostgresServer
) -> None:
    async with launched(journal_url) as runtime:
        workflow = Hundred(runtime=runtime)
        with postgres_server.cutting(journal_url, every_s=0.05) as cuts:
            handlers = [workflow.run(run_id=f"h{n}") for n in range(5)]
            results = await asyncio.wait_for(asyncio.gather(*handlers), 100)

    assert results == [HUNDRED] * 5
    assert sum(cuts) > 3


async def test_a_run_goes_on_over_a_crash_of_the_server(
    journal_url: str, postgres_server: PostgresServer
) -> None:
    log: list[str] = []

    async def gate() -> None:
        if len(log) == 50:
            await asyncio.to_thread(postgres_server.stop)
            starting = asyncio.to_thread(postgres_server.start)
            started.append(asyncio.create_task(starting))

    started: list[asyncio.Task[None]] = []
    async with launched(journal_url) as runtime:
        result = await asyncio.wait_for(
            Hundred(log, gate, runtime=runtime).run(run_id="h"), 60
        )
        await asyncio.gather(*started)

    assert result == HUNDRED
    assert log == [str(n) for n in HUNDRED]


async def test_a_run_begins_over_a_crash_of_the_server(
    journal_url: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is recorded, and has not looked into its mailbox yet."""
    started: list[asyncio.Task[None]] = []

    async def open_without_server(run: LiveRun) -> None:
        await asyncio.to_thread(postgres_server.stop)
        with pytest.raises(StorageError):
            run.inbox.fetch()
        starting = asyncio.to_thread(postgres_server.start)
        started.append(asyncio.create_task(starting))
        await open_run(run)

    open_run = LiveRun.open
    monkeypatch.setattr(LiveRun, "open", open_without_server)
    async with launched(journal_url) as runtime:
        handler = Hundred(runtime=runtime).run(run_id="h")
        result = await asyncio.wait_for(handler, 60)
        await asyncio.gather(*started)

    assert result == HUNDRED


def test_a_run_that_the_server_left_is_resumed(
    journal_url: str, postgres_server: PostgresServer
) -> None:
    """The server is away for longer than a write waits."""
    log: list[str] = []

    async def gate() -> None:
        if len(log) == 50:
            await asyncio.to_thread(postgres_server.stop)

    async def fail(runtime: DBOSRuntime) -> Exception:
        handler = Hundred(log, gate, runtime=runtime).run(run_id="h")
        try:
            await asyncio.wait_for(handler, 30)
        except Exception as e:
            return e
        finally:
            postgres_server.start()
        raise AssertionError

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(Hundred(log, runtime=runtime).run(run_id="h"))

    problem = live(journal_url, fail, settings=_impatient(journal_url))

    assert isinstance(problem, StorageError)
    assert live(journal_url, use) == HUNDRED
    # The body whose entry could not be written has run once more.
    assert log == [str(n) for n in [*range(50), 49, *range(50, 100)]]


async def test_a_message_of_another_process_is_heard(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.live("a") and runtime.store.last_entry("a"))
        other = open_store(journal_url, Settings())
        tick = Codec(ClosedJsonSerializer()).tick(add(Answer(text="Ada")))
        other.post("a", json.dumps(tick)).result(timeout=10)
        other.close()

        assert await soon(handler) == "Ada"


async def test_a_message_that_nobody_tells_of_is_found(journal_url: str) -> None:
    """As behind a pooler that swallows notifications."""
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.live("a") and runtime.store.last_entry("a"))
        tick = Codec(ClosedJsonSerializer()).tick(add(Answer(text="Ada")))
        with psycopg.connect(journal_url) as connection:
            connection.execute(
                "INSERT INTO dbos.durable_mail (run_id, tick, sent_at, token)"
                " VALUES ('a', %s, 0, gen_random_uuid())",
                (json.dumps(tick),),
            )

        assert await soon(handler) == "Ada"


def test_five_hundred_runs_may_wait(
    journal_url: str, postgres_server: PostgresServer
) -> None:
    """Each waits for an answer, over a restart too; none holds a connection."""
    ids = [f"r{n}" for n in range(500)]

    async def begin(runtime: DBOSRuntime) -> int:
        workflow = Asking(runtime=runtime)
        for run_id in ids:
            workflow.run(run_id=run_id)._result_task.add_done_callback(_seen)
        await until(lambda: _waiting(runtime, ids) == 500, within_s=60)
        return postgres_server.connections(journal_url)

    async def answer(runtime: DBOSRuntime) -> list[str]:
        workflow = Asking(runtime=runtime)
        await until(lambda: _waiting(runtime, ids) == 500, within_s=60)
        handlers = [workflow.run(run_id=run_id) for run_id in ids]
        answers = [runtime.post(run_id, add(Answer(text=run_id))) for run_id in ids]
        await asyncio.gather(*answers)
        return await asyncio.wait_for(asyncio.gather(*handlers), 60)

    connections = live(journal_url, begin)

    assert connections <= 30  # DBOS's pool has 20.
    assert live(journal_url, answer) == ids


def _seen(task: asyncio.Task[object]) -> None:
    """That the life ended under it is no surprise."""
    if not task.cancelled():
        task.exception()


def _waiting(runtime: DBOSRuntime, ids: list[str]) -> int:
    runs = [runtime.live(run_id) for run_id in ids]
    return sum(run is not None and bool(run.prompts.tree()) for run in runs)


def _is_number(event: Event) -> bool:
    return isinstance(event, Number)


def _impatient(url: str) -> Settings:
    return Settings(database_url=url, busy_timeout_s=0.2)


async def test_a_launch_that_is_cut_off_can_be_repeated(
    journal_url: str, bad_line: BadLine
) -> None:
    url = bad_line.url(journal_url)
    bad_line.break_at("application_versions", "request")

    with pytest.raises(StorageError):
        await DBOSRuntime(database_url=url).launch()

    assert bad_line.broke.is_set()
    async with DBOSRuntime(database_url=url) as runtime:
        assert await soon(Hundred(runtime=runtime).run()) == HUNDRED
