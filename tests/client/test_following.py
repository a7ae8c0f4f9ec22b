"""A timeline read again and again, of runs that go on, end and are rewound."""

from __future__ import annotations

from pathlib import Path

import pytest
from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook._model import RunStatus
from durable_notebook.errors import UnknownRunError


class Tick(Event):
    n: int


class Counter(Workflow):
    @step
    async def count(self, ev: StartEvent | Tick) -> Tick | StopEvent:
        n = ev.n if isinstance(ev, Tick) else 0
        return Tick(n=n + 1) if n < 5 else StopEvent(result=n)


async def test_what_is_read_piece_by_piece_is_the_whole_journal(tmp_path: Path) -> None:
    async with DBOSRuntime(database_url=f"sqlite:///{tmp_path}/j.db") as runtime:
        client = Client(runtime)
        run = await client.start(Counter, run_id="a")
        following = client.follow("a")
        reading = await following.read()
        while not reading.info.status.is_final:
            reading = await following.read()

        rows = reading.attempts()
        assert await run == 5
        assert rows == await run.journal()
        assert reading.info.status is RunStatus.COMPLETED
        again = (await following.read()).attempts()
        assert all(row is before for row, before in zip(again, rows, strict=True))


async def test_a_rewound_run_is_read_from_its_beginning(tmp_path: Path) -> None:
    async with DBOSRuntime(database_url=f"sqlite:///{tmp_path}/j.db") as runtime:
        client = Client(runtime)
        run = await client.start(Counter, run_id="a")
        await run
        following = client.follow("a")
        before = (await following.read()).attempts()

        await client.rewind("a", 2)
        await client.run("a")
        rows = (await following.read()).attempts()

        assert rows == await run.journal()
        assert rows != before


async def test_a_run_that_is_gone_is_told_of(tmp_path: Path) -> None:
    async with DBOSRuntime(database_url=f"sqlite:///{tmp_path}/j.db") as runtime:
        client = Client(runtime)
        await (await client.start(Counter, run_id="a"))
        following = client.follow("a")
        await following.read()

        await client.delete("a")

        with pytest.raises(UnknownRunError):
            await following.read()


async def test_the_source_of_a_row_is_that_of_its_step(tmp_path: Path) -> None:
    async with DBOSRuntime(database_url=f"sqlite:///{tmp_path}/j.db") as runtime:
        client = Client(runtime)
        run = await client.start(Counter, run_id="a")
        await run
        row = (await run.journal())[0]

        assert "async def count(self" in await client.source(row)
