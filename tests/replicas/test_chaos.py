"""Two replicas and many runs with questions, while both die again and again.

`CHAOS_S` says for how long, `CHAOS_SEED` by which plan.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import verdict
from .bodies import read_log
from .driver import Driver
from .plan import Plan
from .processes import Nursery

SECONDS = float(os.environ.get("CHAOS_S", "10"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """The path of a socket may not be long."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as found:
        yield Path(found)


@pytest.mark.timeout(SECONDS + 300)
@pytest.mark.parametrize("leased", [False, True], ids=["fixed-ids", "leases"])
async def test_every_run_ends_right_while_its_replicas_die(
    leased: bool, postgres_url: str, folder: Path
) -> None:
    """And every acknowledged answer is applied once, and no body runs twice at once."""
    plan = Plan.of(SEED, SECONDS, leased=leased)
    async with Nursery.opened(folder) as nursery:
        driver = Driver(plan, postgres_url, folder, nursery)
        async with driver.replicas():
            await driver.carry_out(SECONDS)
            await driver.until_ended()
            assert driver.problems == [], "\n".join([*driver.problems, driver.outputs])
            said = {run: await driver.read_by_each(run) for run in plan.runs}

    lines = read_log(driver.log)
    found = verdict.journals(postgres_url)
    problems = [
        *driver.problems,
        *verdict.of_journals(found, plan.runs),
        *verdict.of_bodies(lines, driver.fates),
        *verdict.of_answers(found, plan.runs, driver.acknowledged),
    ]
    for run in plan.runs:
        seen = driver.streams.get(run, [])
        problems += verdict.of_readers(run, found[run], seen, said[run])
    print(
        f"seed {SEED}, {SECONDS:.0f} s: {len(found)} runs, {dict(driver.acts)}, "
        f"{len(driver.acknowledged)} answers acknowledged, bodies in "
        f"{verdict.spread(lines)} processes, {driver.given} runs given"
    )
    assert problems == [], "\n".join([*problems, driver.outputs])
    assert "Traceback" not in driver.outputs
