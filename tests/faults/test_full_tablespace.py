"""The disk of the server is full, and until somebody makes room.

A small file system of its own holds the tables that runs write to, so that a write is
refused as by a full disk. What its log would need for that is a crash of the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from process_lives import add, launched, soon, until
from sample_workflows import Answer, Asking, Logged
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook.errors import StorageError
from tests.postgres_server import PostgresServer

TABLES = ("operation_outputs", "durable_mail")


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A journal on a disk that can be filled."""

    url: str
    folder: Path

    @contextmanager
    def full(self) -> Iterator[None]:
        """Somebody else has all the room that is left."""
        filler = self.folder / "filler"
        try:
            with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(os.urandom(4096))
            assert os.statvfs(self.folder).f_bavail == 0
            yield
        finally:
            filler.unlink()


@pytest.fixture
def disk(
    postgres_server: PostgresServer, postgres_template: str
) -> Iterator[SmallDisk]:
    with tempfile.TemporaryDirectory(prefix="disk-") as name:
        mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", name]
        mounted = subprocess.run(mount, capture_output=True, check=False)
        if mounted.returncode:
            pytest.skip(f"no file system of 8 MB: {mounted.stderr.decode().strip()}")
        try:
            Path(name).chmod(0o755)
            place = Path(name) / "tables"
            place.mkdir()
            with postgres_server.tablespace(place) as space:
                url = postgres_server.copy(postgres_template)
                with psycopg.connect(url) as connection:
                    for table in TABLES:
                        move = f"ALTER TABLE dbos.{table} SET TABLESPACE {space}"
                        connection.execute(move.encode())
                yield SmallDisk(url, Path(name))
                postgres_server.drop(url)
        finally:
            subprocess.run(["umount", name], check=True)


class Piece(Event):
    number: int


class Heavy(Logged):
    """Each step stores what no page has room for."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Piece:
        await ctx.store.set("numbers", [])
        return Piece(number=0)

    @step
    async def store_much(self, ctx: Context, ev: Piece) -> Piece | StopEvent:
        self.log.append(str(ev.number))
        await ctx.store.set("text", os.urandom(10_000).hex())
        numbers = [*await ctx.store.get("numbers"), ev.number]
        await ctx.store.set("numbers", numbers)
        await self.pass_gate()
        return (
            Piece(number=ev.number + 1) if ev.number < 9 else StopEvent(result=numbers)
        )


async def test_a_run_goes_on_by_itself_when_there_is_room_again(
    disk: SmallDisk,
) -> None:
    log: list[str] = []
    gate = asyncio.Event()

    async def pass_four() -> None:
        if len(log) == 5:
            await gate.wait()

    async with launched(disk.url) as runtime:
        handler = Heavy(log, pass_four, runtime=runtime).run(run_id="h")
        await until(lambda: len(log) == 5)
        before = runtime.store.entries("h")
        with disk.full():
            gate.set()
            with pytest.raises(StorageError, match="No space left"):
                await soon(handler)
            assert runtime.problem("h") is not None
            assert runtime.store.entries("h") == before

        await until(lambda: has_ended(runtime, "h"))
        result = await soon(runtime.result("h"))

    assert result.result == list(range(10))
    assert log == [str(n) for n in (0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9)]


def has_ended(runtime: DBOSRuntime, run_id: str) -> bool:
    row = runtime.store.run(run_id)
    return row is not None and row.dbos_status == "SUCCESS"


async def test_a_message_is_refused_and_counts_once_when_there_is_room(
    disk: SmallDisk,
) -> None:
    answer = add(Answer(text=os.urandom(20_000).hex()))
    async with launched(disk.url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a"))
        with disk.full(), pytest.raises(StorageError, match="No space left"):
            await soon(runtime.post("a", answer, key="1"))

        assert await soon(runtime.post("a", answer, key="1"))
        assert not await soon(runtime.post("a", answer, key="1"))
        assert await soon(handler) == answer.event.text
