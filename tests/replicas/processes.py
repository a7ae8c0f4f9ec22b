"""The replicas as the driver has them: processes to be asked, and to be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from .bodies import clock

_LINE = 1 << 24
ROOT = Path(__file__).parents[2]


class GoneError(Exception):
    """The process has died before it has replied."""


class RefusedError(Exception):
    """The process has replied that it could not do it."""


@dataclass(slots=True)
class Fate:
    """When a process was stopped, continued and ended, by the clock of the bodies."""

    pid: int
    stopped_at: list[float]
    continued_at: list[float]
    ended_at: float | None = None


class Nursery:
    """The process of which the replicas are forks."""

    def __init__(self, parent: asyncio.subprocess.Process, folder: Path) -> None:
        self._parent = parent
        self._folder = folder
        self._pids: asyncio.Queue[int] = asyncio.Queue()
        self._open: dict[int, Process] = {}
        self._codes: dict[int, asyncio.Future[int]] = {}
        self._numbers = count()

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path) -> AsyncIterator[Nursery]:
        """A process that has imported all; its folder may have no long path."""
        pipe = asyncio.subprocess.PIPE
        parent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.replicas.program"),
            cwd=ROOT,
            stdin=pipe,
            stdout=pipe,
        )
        found = cls(parent, folder)
        reading = asyncio.create_task(found._read())
        server = await asyncio.start_unix_server(
            found._connected, found._socket, limit=_LINE
        )
        try:
            yield found
        finally:
            server.close()
            await server.wait_closed()
            parent.kill()
            await parent.wait()
            await reading

    @property
    def _socket(self) -> str:
        return str(self._folder / "socket")

    async def _read(self) -> None:
        assert self._parent.stdout is not None
        while line := await self._parent.stdout.readline():
            said = json.loads(line)
            if "pid" in said:
                self._pids.put_nowait(said["pid"])
            else:
                self._code(said["ended"]).set_result(said["code"])

    def _code(self, pid: int) -> asyncio.Future[int]:
        return self._codes.setdefault(pid, asyncio.Future())

    async def _connected(
        self, lines: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        try:
            line = await lines.readline()
            if line:
                process = self._open[json.loads(line)["pid"]]
                await process.read(lines, out)
        finally:
            out.close()
            with contextlib.suppress(ConnectionError):
                await out.wait_closed()

    async def launch(self, options: dict[str, Any]) -> Process:
        """A new replica, which launches a runtime with these options."""
        output = self._folder / f"output-{next(self._numbers)}"
        asked = {"output": str(output), "socket": self._socket, **options}
        assert self._parent.stdin is not None
        self._parent.stdin.write(f"{json.dumps(asked)}\n".encode())
        pid = await self._pids.get()
        process = self._open[pid] = Process(pid, self._code(pid))
        return process


class Process:
    """One process life of a replica."""

    def __init__(self, pid: int, code: asyncio.Future[int]) -> None:
        self._code = code
        self._numbers = count()
        self._open: dict[int, asyncio.Queue[dict[str, Any] | None]] = {}
        self._out: asyncio.StreamWriter | None = None
        self._silent = asyncio.Event()
        self._silent.set()
        self.fate = Fate(pid, [], [])
        self.is_up = asyncio.Event()
        self.is_stopped = False

    def _say(self, what: dict[str, Any]) -> None:
        assert self._out is not None
        self._out.write(f"{json.dumps(what)}\n".encode())

    async def read(
        self, lines: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        """Hear what it says, up to its end."""
        self._out = out
        self._silent.clear()
        with contextlib.suppress(ConnectionError):
            while (line := await lines.readline()).endswith(b"\n"):
                self._hear(json.loads(line))
        self.is_up.clear()
        for replies in self._open.values():
            replies.put_nowait(None)
        self._silent.set()

    def _hear(self, said: dict[str, Any]) -> None:
        if "up" in said:
            self.is_up.set()
        elif said["number"] in self._open:
            self._open[said["number"]].put_nowait(said)

    @property
    def can_be_asked(self) -> bool:
        """Whether it is launched, and goes on."""
        return self.is_up.is_set() and not self.is_stopped

    async def ask(self, do: str, **asked: Any) -> Any:
        """Have it do something, and give its reply.

        Raises:
            GoneError, RefusedError: It has not done it, or nobody knows.
        """
        async for said in self.asked(do, **asked):
            if "value" in said:
                return said["value"]
        raise GoneError

    async def asked(self, do: str, **asked: Any) -> AsyncGenerator[dict[str, Any]]:
        """All that it says to what it is asked."""
        if not self.is_up.is_set():
            raise GoneError
        number = next(self._numbers)
        replies = self._open[number] = asyncio.Queue()
        try:
            self._say({"number": number, "do": do, **asked})
            while True:
                said = await replies.get()
                if said is None:
                    raise GoneError
                if "error" in said:
                    raise RefusedError(said["error"])
                yield said
                if "value" in said:
                    return
        finally:
            del self._open[number]

    # -- what is done to it --------------------------------------------------------

    @property
    def has_ended(self) -> bool:
        return self._code.done()

    def _signal(self, number: signal.Signals) -> None:
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.fate.pid, number)

    def stop(self) -> None:
        """Have the system stop it."""
        self.is_stopped = True
        self.fate.stopped_at.append(clock())
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.is_stopped = False
        self.fate.continued_at.append(clock())
        self._signal(signal.SIGCONT)

    async def kill(self) -> None:
        """End it as `kill -9` does."""
        if not self.has_ended:
            self.fate.ended_at = clock()
            self._signal(signal.SIGKILL)
        await self.ended()

    async def drain(self) -> int:
        """Tell it to end; gives its exit code."""
        self._signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end, and for the last thing it said."""
        code = await asyncio.shield(self._code)
        await self._silent.wait()
        if self.fate.ended_at is None:
            self.fate.ended_at = clock()
        return code
