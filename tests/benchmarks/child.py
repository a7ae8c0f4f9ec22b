"""One measurement, in a process of its own: `python -m tests.benchmarks.child REQUEST`.

The request is JSON: the task, its runtime, and the arguments of the task. The figures
go into the file that it names.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks import workflows
from tests.benchmarks.runtimes import make
from tests.benchmarks.tasks import TASKS, Figures


async def perform(
    task: str,
    runtime: str,
    url: str,
    *,
    executor_id: str = "benchmark",
    is_quiet: bool = True,
    ends: bool = False,
    **arguments: Any,
) -> Figures:
    """Do a task; `ends` takes the runtime down afterwards."""
    workflows.forget()
    made = None if runtime == "floor" else make(runtime, url, executor_id, is_quiet)
    where = "" if runtime == "memory" else url
    try:
        return await TASKS[task](made, url=where, **arguments)
    finally:
        if ends and made is not None:
            await made.destroy()


def _keep(out: Path, figures: Figures) -> None:
    out.write_text(json.dumps(figures))


def main() -> None:
    request = json.loads(sys.argv[1])
    keep = partial(_keep, Path(request.pop("out")))
    profile = request.pop("profile", None)
    if request["task"] == "resume":
        request["keep"] = keep
    work = perform(**request)
    keep(_profiled(work, profile) if profile else asyncio.run(work))
    sys.stdout.flush()
    os._exit(0)  # Whatever a runtime still has to end is not of this measurement.


def _profiled(work: Any, path: str) -> Figures:
    import cProfile

    profiler = cProfile.Profile()
    figures: Figures = profiler.runcall(asyncio.run, work)
    profiler.dump_stats(path)
    return figures


if __name__ == "__main__":
    main()
