"""The options and methods of `llama-agents-dbos`, whose programs run unchanged."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from dbos import DBOS
from process_lives import (
    launched,
    live,
    never,
    quick_dbos,
    reading,
    soon,
    until,
)
from sample_workflows import (
    Answer,
    Asking,
    Counted,
    Counter,
    Once,
    Other,
    Question,
)
from workflows import Workflow, step
from workflows.errors import WorkflowCancelledByUser
from workflows.events import StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook._config import Settings, is_postgres, sqlite_path
from durable_notebook._lease import LeaseTerms
from durable_notebook.errors import (
    ConfigError,
    NotLaunchedError,
    OtherArgumentsError,
    TooManyRecoveriesError,
)

LEASE = {
    "pool_size": 2,
    "acquire_timeout": 1.0,
    "heartbeat_interval": 1.0,
    "lease_timeout": 3.0,
    "slot_prefix": "executor",
}


# -- options ------------------------------------------------------------------------


async def test_the_options_with_an_effect_are_taken(journal_url: str) -> None:
    options: dict[str, Any] = {
        "polling_interval_sec": 0.01,
        "queue_polling_interval_sec": 0.02,
        "run_migrations_on_launch": True,
        "max_recovery_attempts": 3,
        "schema": None,
        "_experimental_executor_lease": None,
    }
    async with launched(journal_url, **options) as runtime:
        assert await soon(Other(runtime=runtime).run()) == "other"


@pytest.mark.parametrize(
    "options",
    [
        {"schema": "mine"},
        {"pool_size": 5},
        {"pool_min_size": 1},
        {"executor_lease": LEASE},
        {"_experimental_executor_lease": LEASE},
    ],
    ids=lambda options: next(iter(options)),
)
async def test_an_option_of_postgres_is_refused_on_sqlite(
    journal: Path, options: dict[str, Any]
) -> None:
    name = next(iter(options)).removeprefix("_experimental_")
    with pytest.raises(ConfigError, match=f"'{name}' is for Postgres"):
        await DBOSRuntime(database_url=f"sqlite:///{journal}", **options).launch()

    assert not journal.exists()


async def test_the_options_of_postgres_are_taken_there(postgres_url: str) -> None:
    runtime = DBOSRuntime(
        database_url=postgres_url, schema="mine", pool_size=5, pool_min_size=1
    )
    async with runtime:
        assert await soon(Other(runtime=runtime).run(run_id="o")) == "other"

    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT workflow_uuid FROM mine.workflow_status")
        assert row.fetchall() == [("o",)]
        row = connection.execute("SELECT workflow_uuid FROM dbos.workflow_status")
        assert row.fetchall() == []


@pytest.mark.parametrize("name", ["executor_lease", "_experimental_executor_lease"])
async def test_an_executor_is_leased_on_postgres(postgres_url: str, name: str) -> None:
    async with launched(postgres_url, **{name: LEASE}) as runtime:
        assert runtime.executor_id == "executor-0"
        assert await soon(Other(runtime=runtime).run(run_id="o")) == "other"
        assert runtime.lease_lost_event is not None

        row = runtime.store.run("o")

    assert row is not None
    assert row.executor_id == "executor-0"


async def test_without_a_lease_none_can_be_lost(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        assert runtime.lease_lost_event is None


@pytest.mark.parametrize(
    ("lease", "remedy"),
    [
        ({}, "only the first is needed"),
        ({"pool_size": 0}, "'pool_size' of 1 or more"),
        ({"pool_size": 2.5}, "'pool_size' of 1 or more"),
        ({"pool_size": None}, "'pool_size' of 1 or more"),
        ({"pool_size": 2, "size": 3}, "It takes 'pool_size', 'acquire_timeout'"),
        ({"pool_size": 2, "acquire_timeout": -1}, "'acquire_timeout' of 0 or more"),
        ({"pool_size": 2, "acquire_timeout": float("nan")}, "0 or more"),
        ({"pool_size": 2, "lease_timeout": "30"}, "Give numbers"),
        ({"pool_size": 2, "heartbeat_interval": 0}, "above zero"),
        ({"pool_size": 2, "heartbeat_interval": 30}, "some times as long"),
        ({"pool_size": 2, "lease_timeout": 10.0}, "some times as long"),
        ({"pool_size": 2, "lease_timeout": float("inf")}, "some times as long"),
        ({"pool_size": 2, "slot_prefix": ""}, "1 to 100 printable characters"),
        ({"pool_size": 2, "slot_prefix": "a\0"}, "1 to 100 printable characters"),
    ],
    ids=str,
)
def test_a_lease_that_cannot_work_is_refused(lease: Any, remedy: str) -> None:
    with pytest.raises(ConfigError, match=remedy):
        DBOSRuntime(executor_lease=lease)


def test_an_executor_id_beside_a_lease_is_refused() -> None:
    with pytest.raises(ConfigError, match="'executor_id' would have no effect"):
        DBOSRuntime(executor_id="mine", executor_lease={"pool_size": 2})
    with pytest.raises(ConfigError, match="'notebook' would have no effect"):
        Settings(notebook="a.ipynb", executor_lease=LeaseTerms(pool_size=2))


@pytest.mark.parametrize(
    "options",
    [
        {"polling_interval_sec": 0},
        {"queue_polling_interval_sec": -1},
        {"max_recovery_attempts": -1},
    ],
    ids=str,
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        DBOSRuntime(**options)


def test_an_unknown_option_is_an_error_of_type() -> None:
    meant = "'polling_intervall'; perhaps it is 'polling_interval_sec'"
    with pytest.raises(TypeError, match=meant):
        DBOSRuntime(polling_intervall=1)  # type: ignore[call-arg]


def test_a_url_in_the_place_of_settings_or_a_runtime_is_refused() -> None:
    url: Any = "sqlite:///journal.sqlite"
    with pytest.raises(ConfigError, match=r"DBOSRuntime\(database_url=") as refused:
        DBOSRuntime(url)
    assert "'str'" in str(refused.value)
    with pytest.raises(ConfigError, match=r"Client\(DBOSRuntime\("):
        Client(url)


def test_options_beside_settings_are_refused(journal_url: str) -> None:
    with pytest.raises(ConfigError, match="'database_url', 'pool_size'"):
        DBOSRuntime(Settings(), database_url=journal_url, pool_size=2)


async def test_the_queue_is_looked_at_as_often_as_was_asked(journal_url: str) -> None:
    """The end of a cancelled run shows that a look came after the fork."""
    async with launched(journal_url, queue_polling_interval_sec=3600.0) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a"))

        fork = await DBOS.fork_workflow_async("a", 1)
        await DBOS.cancel_workflow_async("a")
        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)

        row = runtime.store.run(fork.get_workflow_id())
        assert row is not None
        assert row.dbos_status == "ENQUEUED"


def test_a_run_is_not_begun_again_more_often_than_was_asked(journal_url: str) -> None:
    log: list[str] = []

    async def begin(runtime: DBOSRuntime) -> None:
        Once(log, never, runtime=runtime).run(run_id="o", value=1)
        await until(lambda: runtime.live("o"))

    async def refuse(runtime: DBOSRuntime) -> str | None:
        workflow = Once(log, runtime=runtime)
        with pytest.raises(TooManyRecoveriesError) as refused:
            await soon(workflow.run(run_id="o"))
        assert refused.value.count == 2
        return (await Client(runtime).run("o").info()).waits_for

    async def use(runtime: DBOSRuntime) -> Any:
        return await soon(Once(log, runtime=runtime).run(run_id="o"))

    live(journal_url, begin)
    live(journal_url, begin, max_recovery_attempts=1)

    why = live(journal_url, refuse, max_recovery_attempts=1)

    assert "begun 2 times" in (why or "")
    assert live(journal_url, use, max_recovery_attempts=2) == 1


# -- migrations ---------------------------------------------------------------------


@pytest.fixture
def url_without_tables(journal_url: str) -> str:
    if is_postgres(journal_url):
        with psycopg.connect(journal_url) as connection:
            connection.execute("DROP SCHEMA dbos CASCADE")
    else:
        Path(sqlite_path(journal_url)).unlink()
    return journal_url


async def test_a_launch_without_migrations_waits_for_them(
    url_without_tables: str,
) -> None:
    url = url_without_tables
    runtime = DBOSRuntime(database_url=url, run_migrations_on_launch=False)
    with pytest.raises(ConfigError, match=r"await runtime\.run_migrations\(\)"):
        await runtime.launch()

    await runtime.run_migrations()
    await runtime.run_migrations()
    with reading(url) as connection:
        rows = connection.execute(sa.text("SELECT * FROM durable_mail")).fetchall()
    async with runtime:
        result = await soon(Other(runtime=runtime).run())
        await runtime.run_migrations()

    assert rows == []
    assert result == "other"


async def test_migrations_need_a_database() -> None:
    with pytest.raises(ConfigError, match="No database"):
        await DBOSRuntime().run_migrations()


# -- launch and destroy -------------------------------------------------------------


@pytest.fixture
def synchronous(journal_url: str) -> Iterator[DBOSRuntime]:
    """A runtime that a program without a loop has launched."""
    quick_dbos(journal_url)
    runtime = DBOSRuntime(database_url=journal_url)
    runtime.launch_sync()
    yield runtime
    runtime.destroy_sync()


def test_a_program_without_a_loop_launches(synchronous: DBOSRuntime) -> None:
    async def main() -> Any:
        return await soon(Counter(runtime=synchronous).run(run_id="c"))

    synchronous.launch_sync()

    assert synchronous.is_launched
    assert asyncio.run(main()) == Counted(final_count=5)


def test_runs_of_such_a_program_outlive_its_loops(synchronous: DBOSRuntime) -> None:
    async def ask() -> None:
        handler = Asking(runtime=synchronous).run(run_id="a")
        async for event in handler.stream_events():
            if isinstance(event, Question):
                return

    async def answer() -> Any:
        handler = Asking(runtime=synchronous).run(run_id="a")
        await handler.send_event(Answer(text="Ada"))
        events = [event async for event in handler.stream_events()]
        return events[0], await soon(handler)

    asyncio.run(ask())
    assert synchronous.live("a") is not None

    assert asyncio.run(answer()) == (Question(text="name?"), "Ada")


def test_a_program_without_a_loop_destroys_what_its_loop_launched(
    journal_url: str,
) -> None:
    quick_dbos(journal_url)
    runtime = DBOSRuntime(database_url=journal_url)

    async def main() -> None:
        await runtime.launch()
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a"))

    asyncio.run(main())
    runtime.destroy_sync()
    runtime.destroy_sync()

    assert not runtime.is_launched


def test_another_thread_destroys_what_a_loop_launched(journal_url: str) -> None:
    quick_dbos(journal_url)
    runtime = DBOSRuntime(database_url=journal_url)

    async def main() -> bool:
        await runtime.launch()
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a"))
        thread = threading.Thread(target=runtime.destroy_sync)
        thread.start()
        await until(lambda: not thread.is_alive())
        return runtime.is_launched

    assert not asyncio.run(main())


async def test_the_synchronous_calls_are_refused_on_a_loop(journal_url: str) -> None:
    runtime = DBOSRuntime(database_url=journal_url)
    with pytest.raises(ConfigError, match=r"await runtime\.launch\(\)"):
        runtime.launch_sync()
    async with runtime:
        with pytest.raises(ConfigError, match=r"await runtime\.destroy\(\)"):
            runtime.destroy_sync()
        assert runtime.is_launched

    assert not runtime.is_launched


def test_a_launch_that_fails_leaves_no_loop_behind() -> None:
    before = threading.active_count()

    with pytest.raises(ConfigError):
        DBOSRuntime().launch_sync()

    assert threading.active_count() == before


async def test_dbos_may_be_left_to_the_program(journal_url: str) -> None:
    runtime = DBOSRuntime(database_url=journal_url)
    await runtime.launch()
    await soon(Other(runtime=runtime).run(run_id="o"))

    await runtime.destroy(destroy_dbos=False)
    status = await DBOS.get_workflow_status_async("o")
    DBOS.destroy()

    assert status is not None
    assert status.status == "SUCCESS"
    with pytest.raises(NotLaunchedError):
        assert runtime.store


async def test_a_workflow_may_be_constructed_after_the_launch(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        workflow = Other(runtime=runtime)
        await until(lambda: runtime.get_registered(workflow))

        assert await soon(workflow.run()) == "other"


# -- the id of a run that there is ---------------------------------------------------


class Go(StartEvent):
    number: int
    colour: str = "red"


class Going(Workflow):
    @step
    async def only(self, ev: Go) -> StopEvent:
        return StopEvent(result=[ev.number, ev.colour])


async def test_the_id_of_a_finished_run_gives_its_result(journal_url: str) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        workflow = Once(log, runtime=runtime)
        await soon(workflow.run(run_id="o", value=1))

        again = await soon(workflow.run(run_id="o", value=1))
        without = await soon(workflow.run(run_id="o"))

    assert (again, without, log) == (1, 1, ["only"])


@pytest.mark.parametrize(
    "arguments", [{"value": 2}, {"value": 1, "more": 1}, {"other": 1}], ids=str
)
async def test_the_id_of_a_run_with_other_arguments_is_taken(
    journal_url: str, arguments: dict[str, Any]
) -> None:
    async with launched(journal_url) as runtime:
        workflow = Once(runtime=runtime)
        await soon(workflow.run(run_id="o", value=1))

        with pytest.raises(OtherArgumentsError, match=r"begun with StartEvent\(value"):
            await soon(workflow.run(run_id="o", **arguments))


async def test_declared_fields_are_compared_as_they_were_given(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        workflow = Going(runtime=runtime)
        await soon(workflow.run(run_id="g", number=1, colour="blue"))

        same = await soon(workflow.run(run_id="g", number=1))
        attached = await soon((await client.start(Going, run_id="g")).result())
        with pytest.raises(OtherArgumentsError):
            await soon(workflow.run(run_id="g", number=2))
        with pytest.raises(OtherArgumentsError):
            await soon(client.start(Going, run_id="g", colour="red", number=1))

    assert same == attached == [1, "blue"]
