"""A guarded server on a real socket, in this process."""

from __future__ import annotations

import asyncio
import signal
import socket
from pathlib import Path

import httpx
import pytest
from process_lives import launched, quick_dbos, soon, until
from sample_workflows import Asking, Once

from durable_notebook import DBOSRuntime
from durable_notebook.errors import ConfigError
from durable_notebook.server import AccessPolicy, Listener

ANY_PORT = AccessPolicy(port=0)


def client(listener: Listener) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=listener.url, trust_env=False, timeout=30)


async def test_a_run_of_the_notebook_is_answered_through_it(journal_url: str) -> None:
    """And goes on when the server stops: the runtime is the notebook's."""
    async with launched(journal_url) as runtime:
        workflow = Asking(runtime=runtime)
        first, second = workflow.run(run_id="first"), workflow.run(run_id="second")
        await until(lambda: runtime.live("second"))
        async with (
            Listener(runtime, {"asking": workflow}, ANY_PORT) as listener,
            client(listener) as http,
        ):
            event = {"event": {"type": "Answer", "value": {"text": "Ada"}}}
            assert (await http.post("/events/first", json=event)).is_success
            assert await soon(first) == "Ada"
            started = await http.post("/workflows/asking/run-nowait")
            assert started.is_success, started.text
        assert runtime.is_launched
        assert not second.is_done()


async def test_a_runtime_that_it_launched_ends_with_it(journal: Path) -> None:
    url = f"sqlite:///{journal}"
    quick_dbos(url)
    runtime = DBOSRuntime(database_url=url)
    workflow = Once(runtime=runtime)
    async with (
        Listener(runtime, {"once": workflow}, ANY_PORT) as listener,
        client(listener) as http,
    ):
        reply = await http.post("/workflows/once/run")
        assert reply.is_success, reply.text
    assert not runtime.is_launched


async def test_a_port_that_is_taken_is_said(journal: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        policy = AccessPolicy(port=taken.getsockname()[1])
        runtime = DBOSRuntime(database_url=f"sqlite:///{journal}")
        with pytest.raises(ConfigError, match="taken by another program"):
            async with Listener(runtime, {"once": Once(runtime=runtime)}, policy):
                pass
    assert not runtime.is_launched


async def test_signals_are_left_alone_where_they_mean_something_else(
    journal: Path,
) -> None:
    async with launched(f"sqlite:///{journal}") as runtime:
        before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
        workflows = {"once": Once(runtime=runtime)}
        async with Listener(runtime, workflows, ANY_PORT, takes_signals=False):
            during = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]

    assert during == before


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/..%2fetc"],
)
async def test_a_path_that_tries_to_leave_finds_nothing(
    journal: Path, path: str
) -> None:
    async with (
        launched(f"sqlite:///{journal}") as runtime,
        Listener(runtime, {"once": Once(runtime=runtime)}, ANY_PORT) as listener,
    ):
        reply = await asked(listener, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    assert b" 404 " in reply.partition(b"\r\n")[0]
    assert b"root:" not in reply


async def asked(listener: Listener, request: str) -> bytes:
    """What a raw request is answered: no client has mended its path."""
    port = int(listener.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    answer = await asyncio.wait_for(reader.read(1 << 16), 10)
    writer.close()
    return answer


async def test_slow_clients_keep_nobody_waiting(journal: Path) -> None:
    policy = AccessPolicy(port=0, slowest_s=0.2)
    async with (
        launched(f"sqlite:///{journal}") as runtime,
        Listener(runtime, {"once": Once(runtime=runtime)}, policy) as listener,
        client(listener) as http,
    ):
        head = (
            "POST /workflows/once/run HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
        slow = [asyncio.create_task(asked(listener, head)) for _ in range(20)]
        assert (await http.post("/workflows/once/run")).is_success
        answers = await asyncio.gather(*slow)

    assert all(b" 408 " in answer.partition(b"\r\n")[0] for answer in answers)


async def test_a_body_of_100_mb_is_refused_without_reading_it(journal: Path) -> None:
    async with (
        launched(f"sqlite:///{journal}") as runtime,
        Listener(runtime, {"once": Once(runtime=runtime)}, ANY_PORT) as listener,
    ):
        head = (
            "POST /workflows/once/run HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            "Content-Length: 104857600\r\n\r\n"
        )
        answer = await asked(listener, head)

    assert b" 413 " in answer.partition(b"\r\n")[0]
