"""Runs that step bodies begin: who began them, and what becomes of them."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from dbos import DBOS
from process_lives import launched, never, reading, soon, until
from sample_workflows import Logged, Once, Other
from workflows import step
from workflows.events import StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook.engine import ExecutorLock
from durable_notebook.errors import LostOwnershipError, UnknownRunError
from durable_notebook.runtime.process._runs import Runs


class Family(Logged):
    """One body that runs two others, one of them with an id of its own."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        inside = Once(self.log, self.gate, runtime=self.runtime)
        named = inside.run(run_id="named", value=1)
        unnamed = inside.run(value=2)
        return StopEvent(result=[await named, await unnamed])


async def test_dbos_knows_which_run_has_begun_a_run(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        assert await soon(Family(runtime=runtime).run(run_id="f")) == [1, 2]
        await soon(Once(runtime=runtime).run(run_id="stranger", value=3))

        found = await DBOS.list_workflows_async(parent_workflow_id="f")
        steps = await DBOS.list_workflow_steps_async("f")

    assert "named" in [status.workflow_id for status in found]
    assert len(found) == 2
    assert [step["function_name"] for step in steps] == ["StartEvent", "only"]


@pytest.mark.parametrize("named", [True, False])
async def test_a_body_of_a_run_that_was_lost_begins_none(
    journal_url: str, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has its run may have looked for it already, and would begin another."""
    # Mostly the watch is the first to see that the run was lost, and cancels the body.
    monkeypatch.setattr(Runs, "stop_lost", lambda *_: None)
    refused: list[Exception] = []

    class Late(Logged):
        @step
        async def only(self, ev: StartEvent) -> StopEvent:
            with reading(journal_url) as connection:
                connection.execute(
                    sa.text(
                        "UPDATE workflow_status SET executor_id = 'two', "
                        "owner_xid = 'given' WHERE workflow_uuid = 'f'"
                    )
                )
                connection.commit()
            inside = Once(self.log, runtime=self.runtime)
            try:
                await (inside.run(run_id="c") if named else inside.run())
            except LostOwnershipError as e:
                refused.append(e)
                raise
            return StopEvent()

    log: list[str] = []
    async with launched(journal_url) as runtime:
        lock = ExecutorLock.take(runtime.store, "two")
        Late(log, runtime=runtime).run(run_id="f")
        await until(lambda: refused)

        assert refused[0].args == ("f",)
        assert names(runtime) == {"f"}
        lock.release()
    assert log == []


def names(runtime: DBOSRuntime) -> set[str]:
    return {row.run_id for row in runtime.store.runs()}


async def test_a_deleted_run_takes_the_runs_with_it_that_its_bodies_began(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        await soon(Family(runtime=runtime).run(run_id="f"))
        await soon(Once(runtime=runtime).run(run_id="stranger", value=3))
        await client.fork("f", new_run_id="fork")
        await soon(client.run("fork").result())

        await client.delete("f")

        # The fork has begun one of its own, and found the one that has a name.
        assert {"fork", "stranger"} <= names(runtime)
        assert "named" not in names(runtime)
        assert runtime.store.children("f") == []
        assert len(runtime.store.children("fork")) == 1


async def test_children_that_are_live_are_stopped_with_their_parent(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        handler = Family([], never, runtime=runtime).run(run_id="f")
        await until(lambda: len(runtime.store.children("f")) == 2)
        await until(lambda: runtime.live("named"))

        await Client(runtime).delete("f")

        with pytest.raises(UnknownRunError):
            await soon(handler)
        assert names(runtime) == set()
        assert runtime.live("named") is None


async def test_trimming_leaves_the_children_of_a_run_that_has_not_ended(
    journal_url: str,
) -> None:
    """Its body may be executed again, and must not do them again."""
    gate = asyncio.Event()

    class Lasting(Logged):
        @step
        async def only(self, ev: StartEvent) -> StopEvent:
            await Other(runtime=self.runtime).run(run_id="child")
            await self.pass_gate()
            return StopEvent()

    async with launched(journal_url) as runtime:
        client = Client(runtime)
        handler = Lasting([], gate.wait, runtime=runtime).run(run_id="p")
        await until(lambda: is_ended(runtime, "child"))

        before = await client.trim(keep=0)
        gate.set()
        await soon(handler)
        await until(lambda: is_ended(runtime, "p"))
        kept = await client.trim(keep=1)
        after = await client.trim(keep=0)

    assert (before, kept, sorted(after)) == ([], [], ["child", "p"])


def is_ended(runtime: DBOSRuntime, run_id: str) -> bool:
    row = runtime.store.run(run_id)
    return row is not None and not row.is_unfinished
