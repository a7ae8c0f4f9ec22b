"""A dump of a Postgres journal that was in use, restored into another database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from process_lives import add, live, soon, until
from sample_workflows import Answer, Asking, Counted, Counter

from durable_notebook import DBOSRuntime
from tests.postgres_server import PostgresServer


@pytest.fixture
def journal_url(postgres_url: str) -> str:
    """The backend that this is about."""
    return postgres_url


def test_a_dump_of_a_live_journal_goes_on_where_it_was_made(
    journal_url: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    log: list[str] = []
    copy = postgres_server.new_url()

    def dump() -> None:
        file = str(tmp_path / "dump")
        postgres_server.run("pg_dump", "-Fc", "-f", file, "-d", journal_url)
        postgres_server.create(copy)
        postgres_server.run("pg_restore", "-d", copy, file)

    async def use(runtime: DBOSRuntime) -> object:
        gate = asyncio.Event()
        asking = Asking(runtime=runtime).run(run_id="a")
        handler = Counter(log, gate.wait, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log and runtime.store.last_entry("a"))
        await soon(runtime.post("a", add(Answer(text="Ada")), key="1"))
        await asyncio.to_thread(dump)
        gate.set()
        assert await soon(asking) == "Ada"
        return await soon(handler)

    async def go_on(runtime: DBOSRuntime) -> list[object]:
        handler = Counter(log, runtime=runtime).run(run_id="c")
        asking = Asking(runtime=runtime).run(run_id="a")
        return [await soon(handler), await soon(asking)]

    assert live(journal_url, use) == Counted(final_count=5)
    log.clear()
    try:
        assert live(copy, go_on) == [Counted(final_count=5), "Ada"]
    finally:
        postgres_server.drop(copy)
    assert log == ["increment 3", "increment 4"]
