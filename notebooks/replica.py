"""A replica for lesson 8: `durable-notebook serve` in a process that can be killed.

It does not outlive the notebook that started it: its standard input is a pipe from
there, and ends when that process ends, however it does.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from durable_notebook.cli import main

# `%durable_connect --postgres` has its server there.
_POSTGRES = Path(".durable_notebook/postgres")
_LONGEST_END_S = 30


class Replica:
    """A process with an executor id of its own, on the journal of the environment."""

    def __init__(self, name: str, workflow: str) -> None:
        options = ("--executor-id", name, "--port", "0")
        self.name = name
        self._url = ""
        with Path(f"{name}.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__, "serve", workflow, "--json", *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # ■ interrupts the kernel's whole group.
            )
        # A kernel that ends has little time, and any way of stopping is safe.
        atexit.register(self._process.kill)

    @property
    def url(self) -> str:
        """Where it serves. Waits until it does."""
        if not self._url:
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            if not line:
                raise RuntimeError(
                    f"{self.name} did not start. {self.name}.log says why."
                )
            self._url = json.loads(line)["url"]
        return self._url

    def ask(self, path: str, **body: Any) -> Any:
        """Ask it over HTTP: with GET, or with POST if there is something to send.

        Gives the reply, also where that is a refusal.
        """
        data = json.dumps(body).encode() if body else None
        request = Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urlopen(request) as reply:
                return json.load(reply)
        except HTTPError as refusal:
            return json.load(refusal)

    def kill(self) -> int:
        """Kill it with SIGKILL; it is gone when this returns. Gives its exit status."""
        self._process.kill()
        return self._ended()

    def drain(self) -> int:
        """Ask it to end, with SIGTERM, and wait for that. Gives its exit status."""
        self._process.terminate()
        return self._ended()

    def _ended(self) -> int:
        status = self._process.wait(_LONGEST_END_S)
        atexit.unregister(self._process.kill)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return status

    def __repr__(self) -> str:
        status = self._process.poll()
        if status is None:
            return f"{self.name} serves at {self.url} (process {self._process.pid})"
        return f"{self.name} has ended with {status}"


def _end_with_notebook() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    try:
        if (_POSTGRES / "postmaster.pid").exists():
            # Nobody has stopped it where the notebook was killed: join, and leave.
            # It brings IPython along, which a replica does not need.
            from durable_notebook.notebook._local_postgres import (  # noqa: PLC0415
                LocalPostgres,
            )

            postgres = LocalPostgres(_POSTGRES)
            postgres.start()
            postgres.stop()
    finally:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_notebook, daemon=True).start()
    sys.exit(main())
