"""Runs that step bodies begin: who began them, and what becomes of them."""

from __future__ import annotations

from dbos import DBOS
from process_lives import launched, soon
from sample_workflows import Logged, Once
from workflows import step
from workflows.events import StartEvent, StopEvent


class Family(Logged):
    """One body that runs two others, one of them with an id of its own."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        inside = Once(runtime=self.runtime)
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
