"""How many requests a server answers: runs are started, and then answered, over HTTP.

The peer's server runs on the dbos that it was made for, in an environment of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.benchmarks import databases
from tests.benchmarks.lab import ROOT, Figures, Lab, MeasurementError

_PEER_PYTHON = ROOT / ".venv-bench-peer" / "bin" / "python"

# So many clients ask at once, each over a connection of its own.
_CLIENTS = 16
_LIMIT_S = 300.0

# A handler that asks is written down by the peer a moment later.
_SETTLE_S = 2.0


def http(lab: Lab, runtime: str, n: int) -> Figures:
    """Start so many runs, answer each, and wait for all."""
    with databases.fresh(lab.server) as url:
        return asyncio.run(_load(runtime, url, n))


class _Clients:
    """Whoever asks a server of a runtime."""

    def __init__(self, runtime: str, http: httpx.AsyncClient) -> None:
        self._runtime = runtime
        self._http = http

    async def start(self, handler: str) -> None:
        await self._post("/workflows/greeter/run-nowait", {"handler_id": handler})

    async def answer(self, handler: str) -> None:
        event = {"type": "UserInput", "value": {"response": "Ada"}}
        await self._post(f"/events/{handler}", {"event": event})

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        reply = await self._http.post(path, json=body)
        if reply.status_code != 200:
            said = f"{self._runtime}, {path}: {reply.text[:200]}"
            raise MeasurementError(said, reply.text)

    async def until_open(self, count: int) -> None:
        """Wait until no more than so many runs go on."""
        deadline = time.monotonic() + _LIMIT_S
        while await self._open() > count:
            if time.monotonic() > deadline:
                raise MeasurementError(f"{self._runtime}: runs do not end", "")
            await asyncio.sleep(0.05)

    async def _open(self) -> int:
        found = (await self._http.get("/handlers")).json()["handlers"]
        return sum(handler["status"] == "running" for handler in found)


async def _load(runtime: str, url: str, n: int) -> Figures:
    handlers = [f"h{number}" for number in range(n)]
    most = httpx.Limits(max_connections=_CLIENTS)
    async with (
        _served(runtime, url) as base,
        httpx.AsyncClient(
            base_url=base, limits=most, timeout=_LIMIT_S, trust_env=False
        ) as http,
    ):
        clients = _Clients(runtime, http)
        for warming in ("warm-1", "warm-2"):
            await clients.start(warming)
        started = await _timed("start", handlers, clients.start)
        await asyncio.sleep(_SETTLE_S)
        began = time.perf_counter()
        answered = await _timed("answer", handlers, clients.answer)
        await clients.until_open(2)
        ended = n / (time.perf_counter() - began)
    return {**started, **answered, "ended_per_s": ended, "done": n}


async def _timed(
    what: str, handlers: list[str], do: Callable[[str], Awaitable[None]]
) -> Figures:
    """Do it for each, some at a time; the rate, and how long one took."""
    waiting = iter(handlers)
    took: list[float] = []

    async def client() -> None:
        for handler in waiting:
            began = time.perf_counter()
            await do(handler)
            took.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(_CLIENTS)))
    seconds = time.perf_counter() - began
    hundredths = statistics.quantiles(took, n=100, method="inclusive")
    return {
        f"{what}s_per_s": len(took) / seconds,
        f"{what}_p50_ms": hundredths[49] * 1e3,
        f"{what}_p99_ms": hundredths[98] * 1e3,
    }


@asynccontextmanager
async def _served(runtime: str, url: str) -> AsyncIterator[str]:
    """The URL of a server in a process of its own, which is killed with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    python = str(_PEER_PYTHON) if runtime == "peer" else sys.executable
    arguments = [python, "-m", "tests.benchmarks.served", runtime, url, str(port)]
    with tempfile.TemporaryFile() as said:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            cwd=ROOT,
            stdout=said,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            await _until_up(process, port)
            yield f"http://127.0.0.1:{port}"
        except Exception as e:
            said.seek(0)
            print(said.read().decode(errors="replace")[-3000:], file=sys.stderr)
            raise MeasurementError(f"{runtime}: {e!r}", "") from e
        finally:
            with contextlib.suppress(ProcessLookupError):  # It may have ended.
                process.kill()
            await process.wait()


async def _until_up(process: asyncio.subprocess.Process, port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.returncode is None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise MeasurementError("the server did not come up", "")
