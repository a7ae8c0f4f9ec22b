"""What DBOS Conductor sees of our runs, and what comes of what it asks for.

Its client is a package of its own that DBOS loads for a `conductor_key`; here a
recorder is in its place, which holds DBOS's published contract. What that client asks
of a process it asks of DBOS's classes, and so do these tests.
"""

from __future__ import annotations

import asyncio
import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from dbos import DBOS
from dbos._utils import GlobalParams
from process_lives import launched, live, never, quick_dbos, reading, soon, until
from sample_workflows import Asking, Counter, Failing, Once, OutOfPaperError

from durable_notebook import Client, DBOSRuntime
from durable_notebook.engine._internals import instance
from durable_notebook.errors import UnknownTablesError

KEY = "a-key-of-this-test"


class Recorder:
    """A Conductor client that keeps what it was made with, and when it was started."""

    made: dict[str, Any]
    started_as: str

    def __init__(self, dbos: DBOS, **settings: Any) -> None:
        Recorder.made = settings

    def start(self) -> None:
        Recorder.started_as = GlobalParams.executor_id  # As its first message says.

    def stop(self) -> None:
        pass


@pytest.fixture
def with_conductor(monkeypatch: pytest.MonkeyPatch) -> None:
    package = SimpleNamespace(ConductorWebsocket=Recorder)
    monkeypatch.setitem(sys.modules, "dbos_enterprise", package)


def connected(url: str, executor_id: str | None = None) -> DBOSRuntime:
    """A runtime on a DBOS that the program has configured for Conductor."""
    DBOS(
        config={
            "name": "the-shop",
            "system_database_url": url,
            "notification_listener_polling_interval_sec": 0.01,
            "log_level": "WARNING",
            "executor_id": executor_id,
            "conductor_key": KEY,
            "conductor_url": "ws://127.0.0.1:9/conductor",
            "conductor_executor_metadata": {"zone": "b"},
            "conductor_metadata_only_mode": True,
        }
    )
    return DBOSRuntime()


async def test_the_settings_for_conductor_reach_it(
    journal_url: str, with_conductor: None
) -> None:
    async with connected(journal_url, "r1"):
        pass

    assert Recorder.made == {
        "app_name": "the-shop",
        "conductor_url": "ws://127.0.0.1:9/conductor",
        "conductor_key": KEY,
        "executor_metadata": {"zone": "b"},
        "metadata_only_mode": True,
        "alert_handler": None,
    }


async def test_conductor_is_told_of_the_executor_that_owns_the_runs(
    journal_url: str, with_conductor: None
) -> None:
    async with connected(journal_url, "r1") as runtime:
        await soon(Once(runtime=runtime).run(run_id="r"))
        status = await DBOS.get_workflow_status_async("r")

    assert Recorder.started_as == "r1"
    assert status is not None
    assert status.executor_id == runtime_id(journal_url) == "r1"


def runtime_id(url: str) -> Any:
    """Who has the session of the last life."""
    with reading(url) as connection:
        text = "SELECT executor_id FROM durable_session ORDER BY session DESC LIMIT 1"
        return connection.exec_driver_sql(text).scalar()


def test_with_conductor_a_restart_goes_on_with_its_own_runs(
    journal_url: str, with_conductor: None
) -> None:
    """DBOS by itself would be another executor, and recover nothing."""

    async def life(work: Any) -> Any:
        async with connected(journal_url, "r1") as runtime:
            return await work(runtime)

    async def first(runtime: DBOSRuntime) -> None:
        Counter([], never, runtime=runtime).run(run_id="r")
        await until(lambda: (r := runtime.live("r")) and r.position == 5)

    async def second(runtime: DBOSRuntime) -> Any:
        Counter(runtime=runtime)
        return (await soon(Client(runtime).run("r").result())).final_count

    asyncio.run(life(first))
    assert asyncio.run(life(second)) == 5


async def test_with_conductor_unknown_tables_are_refused_too(
    journal_url: str, with_conductor: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from durable_notebook.store import _dbos_tables

    unknown = {**_dbos_tables.DBOS_TABLES, "workflow_plans": ("workflow_uuid",)}
    monkeypatch.setattr(_dbos_tables, "DBOS_TABLES", unknown)
    with pytest.raises(UnknownTablesError, match="workflow_plans"):
        await connected(journal_url, "r1").launch()


async def recover(*executor_ids: str) -> None:
    """Do what Conductor asks for when it has not heard of executors."""
    await asyncio.to_thread(DBOS._recover_pending_workflows, list(executor_ids))


def test_runs_of_a_dead_executor_are_claimed_by_who_has_the_class(
    journal_url: str,
) -> None:
    async def dead(runtime: DBOSRuntime) -> None:
        Counter([], never, runtime=runtime).run(run_id="r")
        await until(lambda: (r := runtime.live("r")) and r.position == 5)

    async def alive(runtime: DBOSRuntime) -> None:
        await recover("r1")
        assert (await DBOS.get_workflow_status_async("r")).status == "ENQUEUED"  # type: ignore[union-attr]
        log: list[str] = []
        Counter(log, runtime=runtime)
        result = await soon(Client(runtime).run("r").result())
        assert (result.final_count, log) == (5, ["increment 3", "increment 4"])
        row = runtime.store.run("r")
        assert row is not None
        assert row.executor_id == "r2"

    live(journal_url, dead, executor_id="r1")
    live(journal_url, alive, executor_id="r2")


async def test_a_living_executor_that_it_takes_for_dead_is_left_in_peace(
    journal_url: str,
) -> None:
    log: list[str] = []
    gate = asyncio.Event()
    async with launched(journal_url, executor_id="r1") as runtime:
        handler = Once(log, gate.wait, runtime=runtime).run(run_id="r", value=1)
        await until(lambda: log)

        await recover("r1")

        assert (await DBOS.get_workflow_status_async("r")).status == "PENDING"  # type: ignore[union-attr]
        gate.set()
        assert await soon(handler) == 1
    assert log == ["only"]


async def test_its_lists_show_our_runs_as_they_are(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="done"))
        with pytest.raises(OutOfPaperError):
            await soon(Failing(runtime=runtime).run(run_id="failed"))
        Asking(runtime=runtime).run(run_id="open")
        await until(lambda: (r := runtime.live("open")) and r.is_at_rest)
        await until(lambda: not runtime.live("failed"))

        found = {s.workflow_id: s for s in await DBOS.list_workflows_async()}
        pending = await DBOS.list_workflows_async(status="PENDING")

        assert {i: s.status for i, s in found.items()} == {
            "done": "SUCCESS",
            "failed": "ERROR",
            "open": "PENDING",
        }
        assert [s.workflow_id for s in pending] == ["open"]
        assert {s.executor_id for s in found.values()} == {runtime.executor_id}
        assert len({s.app_version for s in found.values()}) == 1
        assert str(found["done"].name).endswith("Counter")
        assert found["done"].output["value"]["final_count"] == 5
        assert "tray 2 is empty" in str(found["failed"].error)
        json.dumps(found["open"].input)  # As it is sent: nothing in it is a pickle.


async def test_its_steps_are_the_turns(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Counter(runtime=runtime).run(run_id="r"))
        entries = runtime.store.entries("r")
        steps = await DBOS.list_workflow_steps_async("r")

    names = ["StartEvent", "start", *["increment"] * 5]
    assert [step["function_name"] for step in steps] == names
    assert [step["function_id"] for step in steps] == [e.position + 1 for e in entries]
    for step in steps:
        assert step["error"] is None
        json.dumps(step["output"])
        began, ended = step["started_at_epoch_ms"], step["completed_at_epoch_ms"]
        assert began is not None
        assert ended is not None
        assert began <= ended


async def test_it_sees_that_an_executor_has_something_pending(journal_url: str) -> None:
    """As it asks before it lets a version or an executor go."""
    async with launched(journal_url, executor_id="r1") as runtime:
        Asking(runtime=runtime).run(run_id="r")
        await until(lambda: runtime.store.last_entry("r"))
        dbos = instance()
        assert dbos is not None
        pending = dbos._sys_db.get_pending_workflows

        found = await asyncio.to_thread(pending, "r1", DBOS.application_version)
        others = await asyncio.to_thread(pending, "r2", DBOS.application_version)

    assert [each.workflow_id for each in found] == ["r"]
    assert others == []


async def test_without_its_package_dbos_says_what_is_missing(journal_url: str) -> None:
    """The runtime has nothing to add to that."""
    with pytest.raises(Exception, match="requires the dbos-enterprise package"):
        connected(journal_url)
    quick_dbos(journal_url)
    async with DBOSRuntime():
        pass
