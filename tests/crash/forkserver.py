"""A process without threads that has everything imported, and forks for each job.

`Forkserver` is the client's end; `python -m tests.crash.forkserver` is the server. A
job is a line of JSON on its standard input, the child's exit status a line back.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Self

from . import child

_ROOT = Path(__file__).parents[2]

# What a launch and a run import when they begin: here once instead of in each fork.
_LATE = (
    "dbos._sys_db_postgres",
    "dbos._sys_db_sqlite",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "workflows.plugins.basic",
    "workflows.representation.validate",
)


class Forkserver:
    """Runs jobs one after the other, each in a fresh process."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.forkserver"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, job: child.Job) -> int:
        """Do a job; gives its exit code, or minus the signal that ended it."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(asdict(job)) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())

    def close(self) -> None:
        """End the server, which ends when its input does."""
        self._server.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve() -> None:
    """Fork for each job on standard input, until it ends."""
    for module in _LATE:
        import_module(module)
    gc.freeze()
    assert threading.active_count() == 1, "a fork would lose the other threads"
    for line in sys.stdin:
        job = child.Job(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            os.close(0)
            child.main(job)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve()
