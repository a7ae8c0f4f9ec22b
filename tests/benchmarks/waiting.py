"""Runs that wait: what they cost in memory, and how soon an answer is taken."""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import time
from typing import Any

from workflows.runtime.types.ticks import TickAddEvent

from tests.benchmarks import workflows
from tests.benchmarks.workflows import notes

Figures = dict[str, float]

ANSWERED = 50


async def wait_once(runtime: Any, *, url: str, **_: Any) -> Figures:
    """Leave a run that waits, to be copied."""
    made = workflows.Interview(timeout=None, runtime=runtime)
    await runtime.launch()
    made.run(run_id="waiting")
    await _until(lambda: _waits(runtime, "waiting"))
    await runtime.destroy()
    return {"done": 1}


async def waiting(
    runtime: Any, *, n: int, released: bool, answered: int = ANSWERED, **_: Any
) -> Figures:
    """Launch beside waiting runs, and answer some: in memory, or released.

    Memory is that of the process, from before the workflow is known to when nothing
    more happens.
    """
    if released:
        runtime.release_idle_after(0)
    await runtime.launch()
    await asyncio.sleep(0.5)
    before, began = _memory_mb(), time.perf_counter()
    workflows.Interview(timeout=None, runtime=runtime)
    ids = [f"waiting-copy-{number + 1}" for number in range(n)]

    def is_there(run_id: str) -> bool:
        if released:
            return bool(runtime.is_released(run_id))
        return _is_at_rest(runtime, run_id)

    for run_id in ids:
        await _until(lambda run_id=run_id: is_there(run_id))
    took_s = time.perf_counter() - began
    figures = {"memory_mb": _memory_mb() - before, "begun_s": took_s}
    took = await _answers(runtime, ids, answered)
    figures["wake_p50_ms"] = statistics.median(took)
    figures["wake_p95_ms"] = sorted(took)[int(len(took) * 0.95)]
    return {**figures, "done": len(took)}


async def _answers(runtime: Any, ids: list[str], count: int) -> list[float]:
    chance = random.Random(0)
    notes.stop_at = count + 1  # No run ends: the next process finds all of them.
    took = []
    for number, run_id in enumerate(chance.sample(ids, min(count, len(ids)))):
        await asyncio.sleep(chance.uniform(0.0, 0.1))
        tick = TickAddEvent(event=workflows.Answer(number=number))
        sent = time.perf_counter()
        await runtime.post(run_id, tick)
        await _until(lambda number=number: number in notes.answered)
        took.append((notes.answered[number] - sent) * 1e3)
    return took


def _waits(runtime: Any, run_id: str) -> bool:
    last = runtime.store.last_entry(run_id)
    return last is not None and bool(last.entry.prompts)


def _is_at_rest(runtime: Any, run_id: str) -> bool:
    run = runtime.live(run_id)
    return run is not None and run.is_at_rest


def _memory_mb() -> float:
    """What the process holds, where the system tells: on Linux."""
    gc.collect()
    with open("/proc/self/status") as status:
        sizes = dict(line.split(":", 1) for line in status)
    return int(sizes["VmRSS"].split()[0]) / 1024


async def _until(is_so: Any) -> None:
    deadline = time.perf_counter() + 300
    while not is_so():
        assert time.perf_counter() < deadline, "it took more than five minutes"
        await asyncio.sleep(0.0005)
