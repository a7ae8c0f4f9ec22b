"""Deleting runs and trimming finished ones, through the client."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from dbos import DBOS
from workflows import Context, Workflow, step
from workflows.errors import WorkflowCancelledByUser
from workflows.events import HumanResponseEvent, InputRequiredEvent, StartEvent
from workflows.events import StopEvent as Stop

from durable_notebook import Client, DBOSRuntime
from durable_notebook._model import RunStatus
from durable_notebook.errors import (
    ConfigError,
    InvalidPositionError,
    InvalidRunIdError,
    LiveElsewhereError,
    RunFinishedError,
    RunIdTakenError,
    UnknownRunError,
)

HOLDER = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from durable_notebook import Client, DBOSRuntime
from test_upkeep import Asking
async def main():
    async with DBOSRuntime(database_url=sys.argv[1], executor_id="other") as runtime:
        await Client(runtime).start(Asking, run_id="theirs")
        print("started", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


class Question(InputRequiredEvent):
    text: str


class Answer(HumanResponseEvent):
    text: str


class Asking(Workflow):
    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> Question:
        await ctx.store.set("asked", True)
        return Question(text="name?")

    @step
    async def hear(self, ev: Answer) -> Stop:
        return Stop(result=ev.text)


class Quick(Workflow):
    @step
    async def only(self, ev: StartEvent) -> Stop:
        return Stop(result=ev.get("value"))


@pytest.fixture
async def client(journal_url: str, no_leaks: None) -> AsyncIterator[Client]:
    async with DBOSRuntime(database_url=journal_url) as runtime:
        yield Client(runtime)


# A session has many runs.
SHARED = ("durable_session",)


def rows(url: str) -> dict[str, int]:
    """How many rows each table of the database has that can be of a run."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        counts = {
            table: connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar()
            for table in sa.inspect(engine).get_table_names()
            if "migration" not in table and table not in SHARED
        }
    engine.dispose()
    return {table: int(count or 0) for table, count in counts.items()}


async def finished(client: Client, *run_ids: str) -> None:
    for run_id in run_ids:
        run = await client.start(Quick, run_id=run_id, value=1)
        await run.result()


async def test_a_deleted_run_leaves_nothing(client: Client, journal_url: str) -> None:
    await finished(client, "kept")
    before = rows(journal_url)
    run = await client.start(Asking, run_id="gone")
    await client.runtime.send("gone", Answer(text="Ada"))
    assert await run.result() == "Ada"

    await client.delete("gone")

    assert rows(journal_url) == before
    assert [info.run_id for info in await client.runs()] == ["kept"]
    with pytest.raises(UnknownRunError):
        await client.delete("gone")


async def test_a_live_run_is_stopped_and_deleted(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    run = await client.start(Asking, run_id="a")

    await client.delete("a")

    assert await client.runs() == []
    assert client.runtime.live("a") is None
    with pytest.raises(UnknownRunError):
        await run.result()
    again = await client.start(Quick, run_id="a", value=2)
    assert await again.result() == 2
    assert caplog.records == []


async def test_a_run_that_another_process_executes_is_not_deleted(
    client: Client, journal_url: str
) -> None:
    command = [sys.executable, "-c", HOLDER, journal_url, str(Path(__file__).parent)]
    holder = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"started\n"
        with pytest.raises(LiveElsewhereError) as refused:
            await client.delete("theirs")
    finally:
        holder.kill()
        await holder.communicate()

    assert (refused.value.run_id, refused.value.executor_id) == ("theirs", "other")
    await client.delete("theirs")
    assert await client.runs() == []


async def test_trimming_keeps_the_newest_finished_runs(client: Client) -> None:
    await client.start(Asking, run_id="waiting")
    await finished(client, "a", "b", "c")

    gone = await client.trim(keep=2)

    assert gone == ["a"]
    left = {info.run_id for info in await client.runs()}
    assert left == {"waiting", "b", "c"}
    assert sorted(await client.trim(keep=0)) == ["b", "c"]


async def test_trimming_by_age_deletes_what_ended_before(
    client: Client, journal_url: str
) -> None:
    await finished(client, "old", "new")
    engine = sa.create_engine(journal_url)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE workflow_status SET updated_at = updated_at - 7200000"
                " WHERE workflow_uuid = 'old'"
            )
        )
    engine.dispose()

    assert await client.trim(older_than=timedelta(hours=3)) == []
    assert await client.trim(older_than=timedelta(hours=1)) == ["old"]
    assert [info.run_id for info in await client.runs()] == ["new"]


async def test_trimming_without_a_bound_is_refused(client: Client) -> None:
    await finished(client, "a")

    with pytest.raises(ConfigError, match="'older_than'"):
        await client.trim()
    with pytest.raises(ConfigError):
        await client.trim(keep=-1)

    assert len(await client.runs()) == 1


async def test_a_run_tells_its_size(client: Client) -> None:
    await finished(client, "small")
    run = await client.start(Quick, run_id="large", value="x" * 10_000)
    await run.result()

    small = await client.run("small").info()
    large = await run.info()

    assert small.size is not None
    assert large.size is not None
    assert large.size - small.size > 20_000
    assert {i.run_id: i.size for i in await client.runs()} == {
        "small": small.size,
        "large": large.size,
    }


async def test_a_finished_run_is_not_cancelled(client: Client) -> None:
    await finished(client, "a")
    run = await client.start(Asking, run_id="b")

    await client.cancel("b")
    with pytest.raises(RunFinishedError):
        await client.cancel("a")

    with pytest.raises(WorkflowCancelledByUser):
        await run.result()
    assert (await run.info()).status is RunStatus.CANCELLED


@pytest.mark.parametrize("position", [-1, 3, 99])
async def test_a_fork_needs_a_position_of_the_journal(
    client: Client, position: int
) -> None:
    await finished(client, "a")

    with pytest.raises(InvalidPositionError) as refused:
        await client.fork("a", position)

    assert refused.value.last == 1
    assert len(await client.runs()) == 1


async def test_a_fork_needs_an_id_of_its_own(client: Client) -> None:
    @DBOS.workflow(name="theirs_forked")
    async def theirs() -> None:
        pass

    await finished(client, "a", "b")
    handle = await DBOS.start_workflow_async(theirs)
    await handle.get_result()

    with pytest.raises(RunIdTakenError, match="Choose another id"):
        await client.fork("a", 0, "b")
    with pytest.raises(RunIdTakenError):
        await client.fork("a", 0, handle.get_workflow_id())
    with pytest.raises(InvalidRunIdError):
        await client.fork("a", 0, " ")
    with pytest.raises(UnknownRunError):
        await client.fork("nobody")
