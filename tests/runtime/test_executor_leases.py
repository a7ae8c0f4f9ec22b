"""A runtime under a lease: what it does when others have it, or may have it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from process_lives import add, launched, soon, until
from sample_workflows import Answer, Asking, Once, Other
from workflows import Workflow, step
from workflows.errors import WorkflowCancelledByUser
from workflows.events import StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook._lease import LeaseTerms
from durable_notebook.errors import (
    ConfigError,
    LeaseLostError,
    LostOwnershipError,
    NoFreeExecutorError,
    StorageError,
)
from durable_notebook.store import Lease, Store, open_store
from tests.bad_line import BadLine
from tests.postgres_server import PostgresServer

LEASE: dict[str, Any] = {
    "pool_size": 1,
    "heartbeat_interval": 0.1,
    "lease_timeout": 0.8,
    "acquire_timeout": 10.0,
}


@pytest.fixture
def journal_url(postgres_url: str) -> str:
    """The backend that has leases."""
    return postgres_url


@pytest.fixture
def others(journal_url: str) -> Iterator[Callable[[int], list[Lease]]]:
    """Other processes that take every executor of a pool."""
    stores: list[Store] = []

    def take(count: int) -> list[Lease]:
        terms = LeaseTerms(pool_size=count)
        found = []
        for _ in range(count):
            stores.append(open_store(journal_url, Settings()))
            lease = stores[-1].lease(terms)
            assert lease is not None
            found.append(lease)
        return found

    yield take
    for store in stores:
        store.close()


Others = Callable[[int], list[Lease]]


def execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    options = "-csearch_path=dbos"
    with psycopg.connect(url, options=options, autocommit=True) as connection:
        done = connection.execute(statement.encode())
        return done.fetchall() if done.description else []


def has_asked(runtime: DBOSRuntime) -> bool:
    """Whether the question of run `a` is on disk, and the run waits."""
    last = runtime.store.last_entry("a")
    return (
        runtime.live("a") is not None and last is not None and bool(last.entry.prompts)
    )


def waits_for_place(runtime: DBOSRuntime) -> bool:
    """Whether run `b` is on disk, and waits for the place of `a`."""
    row = runtime.store.run("b")
    return row is not None and row.waits_for_place and runtime.before("b") == 0


def take_away(url: str) -> None:
    """As another process does once the lease has run out."""
    execute(url, "UPDATE durable_lease SET holder = gen_random_uuid()")


async def test_a_process_that_lost_its_lease_stops_its_runs_and_starts_none(
    journal_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with launched(journal_url, executor_lease=LEASE) as runtime:
        asking = Asking(runtime=runtime)
        handler = asking.run(run_id="a")
        await until(lambda: has_asked(runtime))
        assert runtime.lease_lost_event is not None

        take_away(journal_url)
        await soon(runtime.lease_lost_event.wait())
        with pytest.raises(LostOwnershipError):
            await soon(handler)
        with pytest.raises(LeaseLostError, match="Launch again"):
            await soon(Other(runtime=runtime).run(run_id="o"))
        info = await soon(Client(runtime).run("a").info())

        assert runtime.store.run("o") is None
        assert (info.status, info.executor_id) == ("waiting", "executor-0")
    said = [r.getMessage() for r in caplog.records]
    assert len([text for text in said if "another process has taken it" in text]) == 1


async def test_the_run_of_a_lost_lease_ends_where_it_goes_on(journal_url: str) -> None:
    """Who awaits it here is told of its end there."""
    async with launched(journal_url, executor_lease=LEASE) as runtime:
        asking = Asking(runtime=runtime)
        handler = asking.run(run_id="a")
        await until(lambda: has_asked(runtime))
        take_away(journal_url)
        with pytest.raises(LostOwnershipError):
            await soon(handler)

        again = asking.run(run_id="a")
        await until(lambda: runtime.problem("a") is None)
        execute(journal_url, "UPDATE workflow_status SET status = 'CANCELLED'")

        with pytest.raises(WorkflowCancelledByUser):
            await soon(again)


async def test_the_next_life_takes_a_lease_and_goes_on(journal_url: str) -> None:
    async with launched(journal_url, executor_lease=LEASE) as runtime:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: has_asked(runtime))
        take_away(journal_url)
        await until(lambda: runtime.live("a") is None)

    async with launched(journal_url, executor_lease=LEASE) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await runtime.post("a", add(Answer(text="Ada")))
        assert await soon(handler) == "Ada"


@pytest.fixture
def cut_off(
    journal_url: str, bad_line: BadLine, postgres_server: PostgresServer
) -> Callable[[], None]:
    """Cuts the line of the process, until it is opened again."""

    def cut() -> None:
        bad_line.close_for_now()
        postgres_server.cut(journal_url)

    return cut


@pytest.fixture
def impatient(journal_url: str, bad_line: BadLine) -> Settings:
    """A lease over a line that can be cut; nothing waits for the server for long."""
    return Settings(
        database_url=bad_line.url(journal_url),
        busy_timeout_s=0.1,
        mailbox_poll_s=0.001,
        executor_lease=LeaseTerms(pool_size=1, heartbeat_s=0.1, timeout_s=0.5),
    )


async def test_who_is_cut_off_for_longer_than_its_lease_stops_and_goes_on(
    impatient: Settings, cut_off: Callable[[], None], bad_line: BadLine
) -> None:
    """Nobody took the lease, so it is renewed when the database is there again."""
    async with launched(impatient.database_url or "", settings=impatient) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: has_asked(runtime))

        cut_off()
        with pytest.raises(LostOwnershipError, match="the lease of its executor"):
            await soon(handler)
        bad_line.open_again()
        await until(lambda: runtime.live("a"))

        assert runtime.lease_lost_event is not None
        assert not runtime.lease_lost_event.is_set()
        await runtime.post("a", add(Answer(text="Ada")))
        assert (await soon(runtime.result("a"))).result == "Ada"


async def test_a_run_whose_write_failed_while_it_was_cut_off_goes_on_too(
    impatient: Settings,
    cut_off: Callable[[], None],
    bad_line: BadLine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    log: list[str] = []

    async def gate() -> None:
        if len(log) == 1:
            cut_off()

    async with launched(impatient.database_url or "", settings=impatient) as runtime:
        handler = Once(log, gate, runtime=runtime).run(run_id="o", value=1)
        with pytest.raises((StorageError, LostOwnershipError)):
            await soon(handler)
        await until(lambda: "could not be renewed in time" in caplog.text)
        bad_line.open_again()
        await until(lambda: runtime.problem("o") is None)

        assert (await soon(runtime.result("o"))).result == 1
        assert log == ["only", "only"]


async def test_a_look_that_waited_for_the_server_does_not_put_off_the_next(
    journal_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[str] = []
    async with launched(journal_url, executor_lease=LEASE) as runtime:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: has_asked(runtime))
        unfinished = runtime.store.unfinished

        def late(executor_id: str) -> dict[str, str]:
            if not waited:
                time.sleep(0.4)
            waited.append(executor_id)
            return unfinished(executor_id)

        monkeypatch.setattr(runtime.store, "unfinished", late)
        live = runtime.live("a")
        assert live is not None
        live.stop(LostOwnershipError("a"))
        await until(lambda: runtime.live("a") is None)

        await until(lambda: runtime.live("a"))

        assert len(waited) > 1


class Busy(Workflow):
    """Its body blocks the loop of the runs."""

    def __init__(self, block: Any, **options: Any) -> None:
        super().__init__(**options)
        self.block = block

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        self.block()
        return StopEvent(result="done")


async def test_a_body_that_blocks_the_loop_loses_no_lease(journal_url: str) -> None:
    lease = LEASE | {"lease_timeout": 0.5}
    expires = "SELECT expires_at, extract(epoch FROM clock_timestamp()) FROM"

    def block() -> None:
        (first, _), *_ = execute(journal_url, f"{expires} durable_lease")
        deadline = time.monotonic() + 10
        while True:
            (until_, now), *_ = execute(journal_url, f"{expires} durable_lease")
            assert until_ > now, "it ran out"
            if now > first + 1:
                return
            assert time.monotonic() < deadline
            threading.Event().wait(0.02)

    async with launched(journal_url, executor_lease=lease) as runtime:
        handler = Busy(block, runtime=runtime).run(run_id="b")
        assert await soon(handler) == "done"

        assert runtime.lease_lost_event is not None
        assert not runtime.lease_lost_event.is_set()


async def test_a_run_that_was_recorded_too_late_is_gone_on_with(
    journal_url: str,
) -> None:
    """By a process that was stopped while it began the run, and lost its lease."""
    async with launched(journal_url, executor_lease=LEASE) as runtime:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: has_asked(runtime))
    change = "UPDATE workflow_status SET executor_id"
    execute(journal_url, f"{change} = 'elsewhere'")

    async with launched(journal_url, executor_lease=LEASE) as runtime:
        Asking(runtime=runtime)
        execute(journal_url, f"{change} = 'executor-0', owner_xid = 'late'")
        await until(lambda: runtime.live("a"))
        await runtime.post("a", add(Answer(text="Ada")))
        assert (await soon(runtime.result("a"))).result == "Ada"


async def test_a_launch_waits_for_a_lease_and_blocks_no_loop(
    journal_url: str, others: Others
) -> None:
    (taken,) = others(1)
    runtime = DBOSRuntime(database_url=journal_url, executor_lease=LEASE)

    launching = asyncio.create_task(runtime.launch())
    done, _ = await asyncio.wait([launching], timeout=0.3)
    taken.release()
    await soon(launching)

    assert not done
    assert runtime.executor_id == "executor-0"
    await runtime.destroy()


async def test_a_launch_that_is_given_up_takes_no_lease(
    journal_url: str, others: Others
) -> None:
    (taken,) = others(1)
    runtime = DBOSRuntime(database_url=journal_url, executor_lease=LEASE)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(runtime.launch(), 0.3)
    taken.release()

    (again,) = others(1)
    again.release()

    assert not runtime.is_launched


async def test_a_second_launch_that_waited_too_takes_no_lease(
    journal_url: str, others: Others
) -> None:
    taken = others(2)
    lease = LEASE | {"pool_size": 2}
    runtime = DBOSRuntime(database_url=journal_url, executor_lease=lease)
    both = [asyncio.create_task(runtime.launch()) for _ in range(2)]
    done, _ = await asyncio.wait(both, timeout=0.3)
    for each in taken:
        each.release()

    results = await soon(asyncio.gather(*both, return_exceptions=True))
    held = execute(journal_url, "SELECT count(holder) FROM durable_lease")
    await runtime.destroy()

    assert not done
    assert {type(each) for each in results} == {ConfigError, type(None)}
    assert held == [(1,)]


async def test_a_launch_in_vain_is_refused_and_can_be_repeated(
    journal_url: str, others: Others
) -> None:
    (taken,) = others(1)
    lease = LEASE | {"acquire_timeout": 0.0}
    runtime = DBOSRuntime(database_url=journal_url, executor_lease=lease)

    with pytest.raises(NoFreeExecutorError, match="executor-0 by process"):
        await runtime.launch()
    taken.release()

    async with runtime:
        assert await soon(Other(runtime=runtime).run()) == "other"


# -- runs that are out of memory, or wait for a place ---------------------------------

# So long that who has lost it does not know.
LONG = LEASE | {"heartbeat_interval": 60.0, "lease_timeout": 600.0}
OVER = "UPDATE durable_lease SET expires_at = 0"


async def test_a_released_run_comes_back_only_where_the_lease_is(
    journal_url: str,
) -> None:
    """A message wakes it also in the process that has lost the lease meanwhile."""
    log: list[str] = []
    async with launched(journal_url, executor_lease=LONG, idle_timeout=0) as runtime:
        Asking(log, runtime=runtime).run(run_id="a")
        await until(lambda: runtime.is_released("a"))
        before = runtime.store.run("a")
        take_away(journal_url)

        await runtime.send("a", Answer(text="Ada"))
        await until(lambda: not runtime.is_released("a"))
        await soon(runtime.until_executed("a"))
        assert runtime.live("a") is None
        assert runtime.store.run("a") == before
        assert log == ["ask"]
    execute(journal_url, OVER)

    async with launched(journal_url, executor_lease=LONG, idle_timeout=0) as runtime:
        handler = Asking(log, runtime=runtime).run(run_id="a")
        assert await soon(handler) == "Ada"
    assert log == ["ask", "hear Ada"]


async def test_who_awaits_a_released_run_hears_how_it_ended_elsewhere(
    journal_url: str,
) -> None:
    async with launched(journal_url, executor_lease=LEASE, idle_timeout=0) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.is_released("a"))
        assert runtime.lease_lost_event is not None

        take_away(journal_url)
        await soon(runtime.lease_lost_event.wait())
        execute(journal_url, "UPDATE workflow_status SET status = 'CANCELLED'")

        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)


async def test_released_runs_are_no_runs_that_stand_still(journal_url: str) -> None:
    """They come back as they left, also after such a run was gone on with."""
    first: list[str] = []
    async with launched(journal_url, executor_lease=LEASE, idle_timeout=0) as runtime:
        Asking(runtime=runtime).run(run_id="late")
        await until(lambda: runtime.is_released("late"))
    change = "UPDATE workflow_status SET executor_id"
    execute(journal_url, f"{change} = 'elsewhere'")

    async with launched(journal_url, executor_lease=LEASE, idle_timeout=0) as runtime:
        handler = Asking(first, runtime=runtime).run(run_id="a")
        await until(lambda: runtime.is_released("a"))
        Asking(runtime=runtime)
        execute(journal_url, f"{change} = 'executor-0' WHERE workflow_uuid = 'late'")
        await until(lambda: runtime.is_released("late"))
        await runtime.send("a", Answer(text="Ada"))

        assert await soon(handler) == "Ada"
    assert first == ["ask", "hear Ada"]


async def test_released_runs_come_back_after_a_cut_that_cost_no_lease(
    impatient: Settings, cut_off: Callable[[], None], bad_line: BadLine
) -> None:
    settings = replace(impatient, idle_timeout_s=0.0)
    log: list[str] = []
    async with launched(settings.database_url or "", settings=settings) as runtime:
        handler = Asking(log, runtime=runtime).run(run_id="a")
        await until(lambda: runtime.is_released("a"))

        cut_off()
        await until(lambda: not runtime.is_executor("executor-0"))
        bad_line.open_again()
        await until(lambda: runtime.is_executor("executor-0"))
        # The lease has a line of its own: this one may not be in reach yet.
        while True:
            with contextlib.suppress(StorageError):
                await runtime.send("a", Answer(text="Ada"))
                break

        assert await soon(handler) == "Ada"
    assert log == ["ask", "hear Ada"]


async def test_who_waits_for_a_place_is_left_to_who_has_the_lease(
    journal_url: str,
) -> None:
    """A place becomes free as the runs are lost, and nobody may enter."""
    log: list[str] = []
    async with launched(journal_url, executor_lease=LEASE) as runtime:
        asking = Asking(log, runtime=runtime, num_concurrent_runs=1)
        first, second = asking.run(run_id="a"), asking.run(run_id="b")
        await until(lambda: has_asked(runtime) and waits_for_place(runtime))
        assert runtime.lease_lost_event is not None

        take_away(journal_url)
        await soon(runtime.lease_lost_event.wait())
        with pytest.raises(LostOwnershipError):
            await soon(first)
        assert runtime.before("b") is None
        assert log == ["ask"]
        change = "UPDATE workflow_status SET status"
        execute(journal_url, f"{change} = 'CANCELLED' WHERE workflow_uuid = 'b'")
        with pytest.raises(WorkflowCancelledByUser):
            await soon(second)
        execute(journal_url, f"{change} = 'ENQUEUED' WHERE workflow_uuid = 'b'")
    execute(journal_url, OVER)

    async with launched(journal_url, executor_lease=LEASE) as runtime:
        asking = Asking(log, runtime=runtime, num_concurrent_runs=1)
        await until(lambda: runtime.before("b") == 0)
        for run_id, name in (("a", "Ada"), ("b", "Bob")):
            await runtime.send(run_id, Answer(text=name))
            assert (await soon(runtime.result(run_id))).result == name
    assert log == ["ask", "hear Ada", "ask", "hear Bob"]


async def test_a_lease_with_runs_that_only_wait_for_a_place_is_taken_first(
    journal_url: str,
) -> None:
    async with launched(journal_url, executor_lease=LEASE) as runtime:
        asking = Asking(runtime=runtime, num_concurrent_runs=1)
        asking.run(run_id="a")
        asking.run(run_id="b")
        await until(lambda: has_asked(runtime) and waits_for_place(runtime))
    execute(
        journal_url,
        "UPDATE workflow_status SET executor_id = 'executor-3'"
        " WHERE workflow_uuid = 'b'",
    )
    execute(
        journal_url,
        "UPDATE workflow_status SET status = 'CANCELLED' WHERE workflow_uuid = 'a'",
    )

    pool = LEASE | {"pool_size": 4}
    async with launched(journal_url, executor_lease=pool) as runtime:
        Asking(runtime=runtime, num_concurrent_runs=1)
        assert runtime.executor_id == "executor-3"
        await runtime.send("b", Answer(text="Bob"))
        assert (await soon(runtime.result("b"))).result == "Bob"


def test_a_program_without_a_loop_launches_under_a_lease(journal_url: str) -> None:
    runtime = DBOSRuntime(database_url=journal_url, executor_lease=LEASE)
    runtime.launch_sync()

    executor_id = runtime.executor_id
    runtime.destroy_sync()

    assert executor_id == "executor-0"
