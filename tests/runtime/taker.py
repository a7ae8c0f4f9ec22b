"""Another process, executor `two`: it takes a run of `one` over and ends it.

It does each step when it is told to, with a line, and says when that is done.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import sqlalchemy as sa
from process_lives import launched, reading, soon
from sample_workflows import Saying


async def take_over(url: str, run_id: str) -> None:
    """Be that process."""
    async with launched(url, executor_id="two") as runtime:
        runtime.define(Saying(gate=_told, runtime=runtime))
        print("ready", flush=True)
        await _told()
        give(url, run_id)
        assert await runtime.resume(run_id)
        print("taken", flush=True)
        await soon(runtime.result(run_id))
        print("ended", flush=True)


def give(url: str, run_id: str) -> None:
    """Make `two` the executor of a run, as an operator does who believes `one` dead."""
    with reading(url) as connection:
        connection.execute(
            sa.text(
                "UPDATE workflow_status SET executor_id = 'two', owner_xid = 'given'"
                " WHERE workflow_uuid = :run_id"
            ),
            {"run_id": run_id},
        )
        connection.commit()


async def _told() -> None:
    await asyncio.to_thread(sys.stdin.readline)


class Taker:
    """The process, seen from the one it has taken a run from."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def until(self, word: str) -> None:
        """Wait until it says this."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 30)
        assert line.decode().strip() == word, line

    async def take(self) -> None:
        """Have it take the run, as far as the gate there."""
        await self._tell()
        await self.until("taken")

    async def end(self) -> None:
        """Open its gate, and wait until the run has ended there."""
        await self._tell()
        await self.until("ended")

    async def _tell(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        await self._process.stdin.drain()

    async def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def another_process(url: str, run_id: str) -> AsyncIterator[Taker]:
    """A live process that can take a run over."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "import taker; taker.main()", url, run_id),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parent,
    )
    taker = Taker(process)
    try:
        await taker.until("ready")
        yield taker
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def main() -> None:
    asyncio.run(take_over(*sys.argv[1:]))
