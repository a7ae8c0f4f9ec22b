"""The benchmarks run and count right. What they measure is asserted nowhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.benchmarks import databases
from tests.benchmarks.child import perform
from tests.benchmarks.lab import Lab
from tests.benchmarks.scenarios import SCENARIOS, Figure, Scenario
from tests.benchmarks.tables import medians, table

IN_ONE_PROCESS = ["counter", "fanout", "stream", "store", "many", "answer"]


@pytest.mark.parametrize("runtime", ["memory", "ours"])
@pytest.mark.parametrize("task", IN_ONE_PROCESS)
async def test_a_task_counts_what_was_run(
    task: str, runtime: str, journal_url: str
) -> None:
    figures = await perform(
        task, runtime, journal_url, ends=True, n=2, idle_s=(0.0, 0.01)
    )

    assert figures["done"] == 2
    assert figures.get("in_order", True)


async def test_the_floor_commits_each_row(journal: Path, journal_url: str) -> None:
    figures = await perform("floor", "floor", journal_url, n=3)

    with closing(sqlite3.connect(journal)) as connection:
        count = connection.execute("SELECT count(*) FROM entry").fetchone()
    assert (figures["done"], count) == (3, (3,))


@pytest.mark.parametrize(
    ("name", "done"), [("resume", 13), ("outside", 1), ("http", 3)]
)
def test_a_scenario_of_several_processes_counts_what_was_run(
    name: str, done: int
) -> None:
    scenario = _scenario(name)

    figures = scenario.measure(Lab(longest=1), "ours", 1 if name == "outside" else 3)

    assert figures["done"] == done


async def test_a_finished_run_is_copied_row_by_row(journal_url: str) -> None:
    await perform("counter", "ours", journal_url, n=3, run_id="finished", ends=True)

    databases.multiply(journal_url, "finished", 2)
    databases.multiply(journal_url, "finished", 3, before=2)

    with closing(databases.connect(journal_url)) as connection:
        runs = connection.execute(
            "SELECT workflow_uuid, count(*) FROM operation_outputs GROUP BY 1"
        ).fetchall()
    assert {run for run, _ in runs} == {
        "finished",
        *(f"finished-copy-{i}" for i in range(1, 6)),
    }
    assert len({entries for _, entries in runs}) == 1
    # A launch and another run go on beside them.
    figures = await perform(
        "counter", "ours", journal_url, n=2, run_id="next", ends=True
    )
    assert figures["done"] == 2


def test_the_table_compares_with_floor_and_peer() -> None:
    scenario = _scenario("counter")
    runs = {
        "memory": [{"step_ms": 1.0}],
        "floor": [{"seconds": 0.2}],
        "ours": [{"step_ms": 2.0}, {"step_ms": 9.0}, {"step_ms": 4.0}],
        "peer": [{"step_ms": 40.0}],
    }

    found = medians(scenario, 100, scenario.figures[0], runs)
    row = table([(scenario, 100, runs)]).splitlines()[2]

    assert found == {"memory": 1.0, "floor": 2.0, "ours": 4.0, "peer": 40.0}
    assert "| **4** | 40 | 1.33 × | 10 × |" in row


def test_a_rate_is_compared_the_other_way_round() -> None:
    rate = Figure("runs_per_s", "runs", "1/s", is_rate=True)
    scenario = Scenario("many", "", 10, (rate,), lambda *_: {})
    runs = {
        "memory": [{"runs_per_s": 100.0}],
        "floor": [{"seconds": 0.1}],
        "ours": [{"runs_per_s": 25.0}],
        "peer": [{"runs_per_s": 5.0}],
    }

    assert "| 2.00 × | 5 × |" in table([(scenario, 10, runs)])


def _scenario(name: str) -> Scenario:
    return next(scenario for scenario in SCENARIOS if scenario.name == name)
