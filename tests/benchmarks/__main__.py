"""Measure and write the table: `python -m tests.benchmarks`, or `make bench`."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.benchmarks import databases
from tests.benchmarks.lab import Lab, MeasurementError
from tests.benchmarks.runtimes import RUNTIMES, is_installed
from tests.benchmarks.scenarios import SCENARIOS, Scenario
from tests.benchmarks.tables import Measured, medians, table
from tests.postgres_server import PostgresServer

PACKAGES = (
    "durable-notebook",
    "llama-index-workflows",
    "dbos",
    "llama-agents-dbos",
)
RESULTS = Path(__file__).with_name("RESULTS.md")
POSTGRES_RESULTS = Path(__file__).with_name("RESULTS-postgres.md")

HEAD = """\
# What durability costs

Written by `make bench`; how it is measured is said in `tests/benchmarks`. Medians of
{rounds} interleaved rounds (one for what is slow), each measurement in a fresh process
on a fresh database: {backend}.

{when}, {machine}, load {load}.
{versions}.

* **memory**: the library's default runtime, nothing durable.
* **floor**: one raw durable commit for each step, and nothing else.
* **peer**: llama-agents-dbos, patched to start on dbos 3; over HTTP as it is, on the
  dbos 2.31.1 that it was made for.
* *to the floor*: what ours takes, compared with memory and floor together.
* *to the peer*: how many times faster, or smaller, ours is.

"""


def main() -> None:
    options = _options()
    with _server(options.pg) as server:
        _measure_all(options, Lab(server, profile=options.profile))


@contextmanager
def _server(asked: str | None) -> Iterator[str | None]:
    """The Postgres server to measure on; one of our own if none is named."""
    if asked != "":
        yield asked
        return
    server = PostgresServer(is_durable=True)
    try:
        yield server.url("postgres")
    finally:
        server.remove()


def _measure_all(options: argparse.Namespace, lab: Lab) -> None:
    began = time.monotonic()
    wanted = [
        s for s in SCENARIOS if s.name in options.scenario or not options.scenario
    ]
    runtimes = [name for name in options.runtimes if is_installed(name)]
    for name in set(options.runtimes) - set(runtimes):
        _say(f"{name} is not installed here: `make bench` does that.\n")
    measured = []
    for scenario in wanted:
        n = options.n or scenario.n
        _say(f"{scenario.name} {n:,}: {scenario.about}\n")
        runs = _measure(lab, scenario, n, runtimes, options.rounds)
        measured.append((scenario, n, runs))
        for figure in scenario.figures:
            found = medians(scenario, n, figure, runs)
            shown = "   ".join(f"{name} {value:.4g}" for name, value in found.items())
            _say(f"    {figure.label} [{figure.unit}]   {shown}\n")
        if not (options.scenario or options.n):
            # After each scenario: who stops in the middle has what was measured.
            results = RESULTS if lab.server is None else POSTGRES_RESULTS
            results.write_text(_head(lab, options.rounds) + table(measured))
    print(f"\n{table(measured)}")
    _say(f"{time.monotonic() - began:.0f} s\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--scenario", action="append", choices=names, default=[], help="may be repeated"
    )
    parser.add_argument(
        "--runtimes", type=lambda names: names.split(","), default=list(RUNTIMES)
    )
    parser.add_argument("--n", type=int, help="another size than the scenario's own")
    parser.add_argument(
        "--pg",
        nargs="?",
        const="",
        help="measure on Postgres: on the server of this URL, or one of our own",
    )
    parser.add_argument("--profile", help="write cProfile's figures to this file")
    return parser.parse_args()


def _measure(
    lab: Lab, scenario: Scenario, n: int, runtimes: list[str], rounds: int
) -> Measured:
    runs: Measured = {}
    for number in range(rounds):
        for runtime in (name for name in runtimes if name in scenario.runtimes):
            if number and runtime in scenario.slow:
                continue
            if sys.stderr.isatty():
                _say(f"\r    round {number + 1} of {rounds}: {runtime:8}\r")
            try:
                figures = _once(lab, scenario, runtime, n)
            except (MeasurementError, subprocess.TimeoutExpired) as e:
                _say(f"    failed: {e.args[0]}\n")
                continue
            runs.setdefault(runtime, []).append(figures)
    return runs


def _once(lab: Lab, scenario: Scenario, runtime: str, n: int) -> dict[str, float]:
    if runtime != "floor":
        return scenario.measure(lab, runtime, n)
    assert scenario.commits is not None
    with databases.fresh(lab.server) as url:
        return lab.run("floor", runtime, url, n=scenario.commits(n))


def _head(lab: Lab, rounds: int) -> str:
    return HEAD.format(
        rounds=rounds,
        backend="SQLite, WAL, `synchronous=FULL`" if lab.server is None else "Postgres",
        when=datetime.datetime.now(datetime.UTC).strftime("%d %B %Y"),
        machine=f"{os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}",
        load=f"{os.getloadavg()[0]:.1f}",
        versions=", ".join(f"{name} {_version(name)}" for name in PACKAGES),
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(absent)"


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    main()
