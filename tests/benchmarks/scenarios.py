"""The scenarios: which processes make up a measurement, and what is read from them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import databases, load
from tests.benchmarks.lab import Figures, Lab, command


@dataclass(frozen=True)
class Figure:
    """A row of the table. A rate is the better the higher it is."""

    key: str
    label: str
    unit: str
    target: str = ""
    is_rate: bool = False


@dataclass(frozen=True)
class Scenario:
    """Something to measure.

    `commits` is how many of the floor's commits it is compared with, if it is;
    `slow` names runtimes that take long, which are measured in one round only.
    """

    name: str
    about: str
    n: int
    figures: tuple[Figure, ...]
    measure: Callable[[Lab, str, int], Figures]
    runtimes: tuple[str, ...] = ("memory", "ours", "peer")
    commits: Callable[[int], int] | None = None
    slow: tuple[str, ...] = ()


def one_process(task: str) -> Callable[[Lab, str, int], Figures]:
    """A measurement that is one task on a fresh database."""

    def measure(lab: Lab, runtime: str, n: int) -> Figures:
        with databases.fresh(lab.server) as url:
            return lab.run(task, runtime, url, n=n)

    return measure


def answer_outside(lab: Lab, runtime: str, n: int) -> Figures:
    with databases.fresh(lab.server) as url:
        sender = {
            "task": "sender",
            "runtime": runtime,
            "url": url,
            "executor_id": "sender",
            "out": os.devnull,
        }
        return lab.run("answer_outside", runtime, url, n=n, sender=command(sender))


def resume(lab: Lab, runtime: str, n: int) -> Figures:
    """One run through many lives: each is killed at the next number of steps."""
    longest = lab.longest if runtime == "ours" else min(lab.longest, 10)
    lengths = [times * n for times in (1, 10, 50, 200) if times <= longest]
    found: Figures = {}
    with databases.fresh(lab.server) as url:
        lives = zip([0, *lengths], [*lengths, -1], strict=True)
        for steps, die_at in lives:
            figures = lab.run("resume", runtime, url, n=steps, die_at=die_at)
            if steps:
                found[f"resume_{steps // n}_s"] = figures["resume_s"]
                found["done"] = found.get("done", 0) + figures["done"]
            else:
                found["done"] = figures["done"]
    return found


def launch(lab: Lab, runtime: str, n: int) -> Figures:
    """A launch on a database that has runs, with logging as it is by itself."""
    with databases.fresh(lab.server) as url:
        lab.run("counter", runtime, url, n=n)
        return lab.run("counter", runtime, url, n=n, run_id="another", is_quiet=False)


def finished(lab: Lab, runtime: str, n: int) -> Figures:
    """Counters in a database with more and more finished runs."""
    found: Figures = {"done": 0}
    with databases.fresh(lab.server) as url:
        lab.run("counter", runtime, url, n=5, run_id="finished")
        before = 0
        for there in (0, 1_000, 10_000):
            databases.multiply(url, "finished", there - before, before)
            before = there
            figures = lab.run("counter", runtime, url, n=n, run_id=f"after-{there}")
            found[f"after_{there}_ms"] = figures["step_ms"]
            found[f"launch_{there}_ms"] = figures["launch_ms"]
            found["done"] += figures["done"]
    return found


def idle(lab: Lab, runtime: str, n: int) -> Figures:
    """Runs that wait, in memory and released: a launch beside them, and answers."""
    found: Figures = {}
    with databases.fresh(lab.server) as url:
        lab.run("wait_once", runtime, url)
        databases.multiply(url, "waiting", n)
        for name, released in (("released", True), ("live", False)):
            figures = lab.run("waiting", runtime, url, n=n, released=released)
            found |= {f"{name}_{key}": value for key, value in figures.items()}
            found["done"] = found.get("done", 0) + figures["done"]
    return found


SCENARIOS = (
    Scenario(
        "counter",
        "sequential steps",
        200,
        (Figure("step_ms", "a step", "ms", "≤ 2.0; ≤ 1.8 × floor; ≥ 15 × peer"),),
        one_process("counter"),
        runtimes=("memory", "floor", "ours", "peer"),
        commits=lambda n: n,
    ),
    Scenario(
        "fanout",
        "jobs on eight workers, collected",
        100,
        (Figure("all_ms", "all jobs", "ms", "≥ 20 × peer"),),
        one_process("fanout"),
        runtimes=("memory", "floor", "ours", "peer"),
        commits=lambda n: 2 * n + 1,
        slow=("peer",),
    ),
    Scenario(
        "stream",
        "events published by one body",
        1_000,
        (
            Figure("events_per_s", "events read", "1/s", "≥ 5,000", is_rate=True),
            Figure("first_event_ms", "until the first", "ms", "≤ 50"),
        ),
        one_process("stream"),
        slow=("peer",),
    ),
    Scenario(
        "store",
        "ctx.store.set, until the result",
        500,
        (Figure("sets_per_s", "values set", "1/s", "≥ 3,000", is_rate=True),),
        one_process("store"),
        slow=("peer",),
    ),
    Scenario(
        "answer",
        "from an answer to its body",
        5,
        (Figure("answer_ms", "in one process", "ms", "≤ 15"),),
        one_process("answer"),
    ),
    Scenario(
        "outside",
        "from an answer to its body",
        5,
        (Figure("answer_ms", "from another process", "ms", "≤ 150"),),
        answer_outside,
        runtimes=("ours", "peer"),
    ),
    Scenario(
        "idle",
        "runs that wait for a person",
        10_000,
        (
            Figure("released_memory_mb", "memory, released", "MB", "a few"),
            Figure("live_memory_mb", "memory, not released", "MB"),
            Figure("released_begun_s", "until all wait, released", "s"),
            Figure("live_begun_s", "until all wait, not released", "s"),
            Figure("released_wake_p50_ms", "from an answer to its body", "ms", "≤ 50"),
            Figure("released_wake_p95_ms", "the same, 95 of 100", "ms", "≤ 50"),
            Figure("live_wake_p50_ms", "the same, not released", "ms"),
        ),
        idle,
        runtimes=("ours",),
        slow=("ours",),
    ),
    Scenario(
        "http",
        "runs started and answered over HTTP by 16 clients",
        300,
        (
            Figure("starts_per_s", "started", "1/s", is_rate=True),
            Figure("start_p50_ms", "to start one", "ms"),
            Figure("start_p99_ms", "the same, 99 of 100", "ms"),
            Figure("answers_per_s", "answered", "1/s", is_rate=True),
            Figure("answer_p50_ms", "to answer one", "ms"),
            Figure("answer_p99_ms", "the same, 99 of 100", "ms"),
            Figure("ended_per_s", "answered and ended", "1/s", is_rate=True),
        ),
        load.http,
        runtimes=("ours", "peer"),
        slow=("peer",),
    ),
    Scenario(
        "many",
        "runs of five steps at once",
        100,
        (Figure("runs_per_s", "runs", "1/s", "≥ 60", is_rate=True),),
        one_process("many"),
        runtimes=("memory", "floor", "ours", "peer"),
        commits=lambda n: 5 * n,
        slow=("peer",),
    ),
    Scenario(
        "resume",
        "from launch to the next body, after a kill",
        100,
        (
            Figure("resume_1_s", "after 100 steps", "s"),
            Figure("resume_10_s", "after 1,000", "s"),
            Figure("resume_50_s", "after 5,000", "s", "≤ 1.0"),
            Figure("resume_200_s", "after 20,000", "s", "as after 1,000"),
        ),
        resume,
        runtimes=("ours", "peer"),
        slow=("ours", "peer"),
    ),
    Scenario(
        "launch",
        "on a database that has runs",
        10,
        (
            Figure("launch_ms", "launch", "ms", "≤ 100"),
            Figure("lines", "log lines", "", "≤ 2"),
        ),
        launch,
        runtimes=("ours", "peer"),
    ),
    Scenario(
        "bytes",
        "net of the database after launch",
        500,
        (Figure("step_bytes", "a step", "bytes", "≤ 700"),),
        one_process("counter"),
        runtimes=("ours", "peer"),
        slow=("ours", "peer"),
    ),
    Scenario(
        "finished",
        "counter beside finished runs",
        200,
        (
            Figure("after_0_ms", "a step, none", "ms"),
            Figure("after_1000_ms", "a step, 1,000", "ms"),
            Figure("after_10000_ms", "a step, 10,000", "ms", "as with none"),
            Figure("launch_0_ms", "launch, none", "ms"),
            Figure("launch_1000_ms", "launch, 1,000", "ms"),
            Figure("launch_10000_ms", "launch, 10,000", "ms", "as with none"),
        ),
        finished,
        runtimes=("ours", "peer"),
        slow=("peer",),
    ),
)
