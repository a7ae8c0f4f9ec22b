"""A list of runs costs little, however many there are."""

from __future__ import annotations

import asyncio

from durable_notebook import Client, DBOSRuntime
from durable_notebook._model import RunStatus
from tests.test_upkeep import Asking


class Looking(DBOSRuntime):
    """Notes after whom it has looked: a lock to try, or a query, each time."""

    looked_after: tuple[str, ...] = ()

    def is_executor_alive(self, executor_id: str) -> bool:
        self.looked_after += (executor_id,)
        return super().is_executor_alive(executor_id)


def test_a_list_looks_once_after_each_executor(
    journal_url: str, no_leaks: None
) -> None:
    async def leave(executor_id: str) -> None:
        runtime = DBOSRuntime(database_url=journal_url, executor_id=executor_id)
        async with runtime:
            for n in range(3):
                await Client(runtime).start(Asking, run_id=f"{executor_id}-{n}")

    async def look() -> tuple[tuple[str, ...], set[RunStatus]]:
        runtime = Looking(database_url=journal_url, executor_id="here")
        async with runtime:
            infos = await Client(runtime).runs()
        return runtime.looked_after, {info.status for info in infos}

    for executor_id in ("one", "two"):
        asyncio.run(leave(executor_id))
    looked_after, statuses = asyncio.run(look())

    assert sorted(looked_after) == ["one", "two"]
    assert statuses == {RunStatus.INTERRUPTED}
