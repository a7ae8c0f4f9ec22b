"""Where measurements are made: each in a fresh process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Figures = dict[str, float]

ROOT = Path(__file__).parents[2]
_LIMIT_S = 600


@dataclass(frozen=True)
class Lab:
    """Where measurements are made: SQLite, or a Postgres server by its URL.

    `longest` is how many times its size the scenario `resume` goes up to.
    """

    server: str | None = None
    longest: int = 200
    profile: str | None = None

    def run(self, task: str, runtime: str, url: str, **arguments: Any) -> Figures:
        """Do a task in a fresh process; `lines` of its figures is what it printed."""
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            out = Path(folder, "figures.json")
            request = {"task": task, "runtime": runtime, "url": url, "out": str(out)}
            if self.profile is not None:
                request["profile"] = self.profile
            done = subprocess.run(
                command({**request, **arguments}),
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=_LIMIT_S,
                check=False,
            )
            said = done.stderr + done.stdout
            if done.returncode not in (0, -signal.SIGKILL) or not out.exists():
                last = said.strip().splitlines()[-1:] or [f"status {done.returncode}"]
                raise MeasurementError(f"{runtime}, {task}: {last[0]}", said)
            return {**json.loads(out.read_text()), "lines": len(said.splitlines())}


class MeasurementError(Exception):
    """A process could not measure what it was to measure."""


def command(request: dict[str, Any]) -> list[str]:
    """What runs a task in a process of its own."""
    return [sys.executable, "-m", "tests.benchmarks.child", json.dumps(request)]
