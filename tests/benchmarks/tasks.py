"""What one process measures: each task is given a runtime and returns its figures."""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

from workflows.events import StopEvent
from workflows.runtime.types.ticks import TickAddEvent

from tests.benchmarks import databases, waiting, workflows
from tests.benchmarks.workflows import Progress, Size, notes

Figures = dict[str, float]
Task = Callable[..., Awaitable[Figures]]

# Answers come at a random moment, so that none meets a poll by luck.
_IDLE_S = (0.2, 1.2)


async def launch(runtime: Any, workflow: type, name: str = "") -> tuple[Any, float]:
    """A workflow on a launched runtime, and how many seconds the launch took."""
    made = workflow(
        timeout=None, runtime=runtime, workflow_name=name or workflow.__name__
    )
    # What the imports left is looked through about now, for 50 ms; whether before the
    # launch or in it is luck.
    gc.collect()
    before = time.perf_counter()
    await runtime.launch()
    return made, time.perf_counter() - before


async def settle() -> None:
    """Let what a launch leaves to do in the background be done."""
    await asyncio.sleep(0.2)


async def counter(
    runtime: Any, *, n: int, url: str, run_id: str = "counter", **_: Any
) -> Figures:
    made, launch_s = await launch(runtime, workflows.Counter)
    await settle()
    notes.stop_at = n
    size = databases.size(url) if url else 0
    began = time.perf_counter()
    result = await made.run(run_id=run_id)
    ended = time.perf_counter()
    assert result == n, result
    assert notes.bodies == n, notes
    return {
        "launch_ms": launch_s * 1e3,
        "first_ms": (notes.first - began) * 1e3,
        "step_ms": (notes.last - notes.first) / n * 1e3,
        "end_ms": (ended - notes.last) * 1e3,
        "step_bytes": (databases.size(url) - size) / n if url else 0,
        "done": result,
    }


async def fanout(runtime: Any, *, n: int, **_: Any) -> Figures:
    made, _launched = await launch(runtime, workflows.FanOut)
    await settle()
    notes.stop_at = n
    result = await made.run(start_event=Size(n=n), run_id="fan-out")
    assert result == n, result
    return {"all_ms": (notes.last - notes.first) * 1e3, "done": result}


async def stream(runtime: Any, *, n: int, **_: Any) -> Figures:
    made, _launched = await launch(runtime, workflows.Publisher)
    await settle()
    handler = made.run(start_event=Size(n=n), run_id="stream")
    seen: list[float] = []
    numbers: list[int] = []
    async for event in handler.stream_events():
        if isinstance(event, Progress):
            seen.append(time.perf_counter())
            numbers.append(event.number)
        elif isinstance(event, StopEvent):
            break
    result = await handler
    assert result == n, result
    assert sorted(numbers) == list(range(n)), numbers
    return {
        "in_order": numbers == sorted(numbers),
        "events_per_s": n / (seen[-1] - notes.first),
        "first_event_ms": (seen[0] - notes.first) * 1e3,
        "done": result,
    }


async def store(runtime: Any, *, n: int, **_: Any) -> Figures:
    made, _launched = await launch(runtime, workflows.Storer)
    await settle()
    result = await made.run(start_event=Size(n=n), run_id="store")
    # With the result the last value is on disk, whenever the runtime writes.
    seconds = time.perf_counter() - notes.first
    assert result == n, result
    return {"sets_per_s": n / seconds, "done": result}


async def many(runtime: Any, *, n: int, **_: Any) -> Figures:
    made, _launched = await launch(runtime, workflows.Five)
    await settle()
    began = time.perf_counter()
    results = await asyncio.gather(*(made.run(run_id=f"five-{i}") for i in range(n)))
    seconds = time.perf_counter() - began
    assert results == [5] * n, results
    return {"runs_per_s": n / seconds, "done": len(results)}


async def answer(
    runtime: Any, *, n: int, idle_s: tuple[float, float] = _IDLE_S, **_: Any
) -> Figures:
    """From sending an answer to the body that takes it, in one process."""
    made, _launched = await launch(runtime, workflows.Interview)

    async def send(handler: Any, number: int) -> float:
        sent = time.perf_counter()
        handler.ctx.send_event(workflows.Answer(number=number))
        return sent

    return await _interview(made, n, send, idle_s)


async def answer_outside(
    runtime: Any, *, n: int, sender: list[str], **_: Any
) -> Figures:
    """The same, sent by another process, which prints when it sent."""
    made, _launched = await launch(runtime, workflows.Interview)
    process = await asyncio.create_subprocess_exec(
        *sender, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"

    async def send(_handler: Any, number: int) -> float:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"%d\n" % number)
        return float(await process.stdout.readline())

    figures = await _interview(made, n, send)
    process.stdin.close()
    await process.wait()
    return figures


async def _interview(
    made: Any,
    n: int,
    send: Callable[[Any, int], Awaitable[float]],
    idle_s: tuple[float, float] = _IDLE_S,
) -> Figures:
    chance = random.Random(0)
    notes.stop_at = n
    handler = made.run(run_id="interview")
    took = []
    for number in range(n):
        await _until(lambda number=number: number in notes.asked)
        await asyncio.sleep(chance.uniform(*idle_s))
        sent = await send(handler, number)
        await _until(lambda number=number: number in notes.answered)
        took.append((notes.answered[number] - sent) * 1e3)
    result = await handler
    assert result == n, result
    return {"answer_ms": statistics.median(took), "done": result}


async def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + 60
    while not is_so():
        assert time.perf_counter() < deadline, "nothing came within a minute"
        await asyncio.sleep(0.0005)


async def sender(runtime: Any, **_: Any) -> Figures:
    """The process that answers from outside: it is told on its input what to send."""
    await launch(runtime, workflows.Interview)
    adapter = runtime.get_external_adapter("interview")
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        tick = TickAddEvent(event=workflows.Answer(number=int(line)))
        print(time.perf_counter(), flush=True)
        await adapter.send_event(tick)
    return {}


async def resume(
    runtime: Any, *, n: int, die_at: int, keep: Callable[[Figures], None], **_: Any
) -> Figures:
    """Go on with a counter that was killed after `n` steps; be killed at `die_at`."""
    began = 0.0

    def figures() -> Figures:
        return {"resume_s": notes.first - began, "done": notes.bodies}

    notes.die_at = die_at
    notes.stop_at = sys.maxsize if die_at >= 0 else n + 10
    notes.last_words = lambda: keep(figures())
    began = time.perf_counter()
    made, _launched = await launch(runtime, workflows.Counter)
    result = await made.run(run_id="counter")
    assert result == n + 10, result
    return figures()


async def floor(_runtime: Any, *, n: int, url: str, **_: Any) -> Figures:
    """Commit a row of 300 bytes `n` times, and do nothing else."""
    with closing(databases.connect(url)) as connection:
        if url.startswith("sqlite"):
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(
            "CREATE TABLE entry (run TEXT, position INTEGER, body TEXT, "
            "PRIMARY KEY (run, position))"
        )
        mark = "?" if url.startswith("sqlite") else "%s"
        insert = f"INSERT INTO entry VALUES ('run', {mark}, {mark})"
        began = time.perf_counter()
        for position in range(n):
            connection.execute(insert, (position, "x" * 300))
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "done": n}


TASKS: dict[str, Task] = {
    "counter": counter,
    "fanout": fanout,
    "stream": stream,
    "store": store,
    "many": many,
    "answer": answer,
    "answer_outside": answer_outside,
    "sender": sender,
    "resume": resume,
    "wait_once": waiting.wait_once,
    "waiting": waiting.waiting,
    "floor": floor,
}
