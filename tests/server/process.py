"""A program in a process of its own, to be asked over HTTP, and to be killed."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.server.served import parsed

_WITHIN_S = 60.0


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Program:
    """A running program, and what it has printed."""

    process: subprocess.Popen[bytes]
    printed: Path
    http: httpx.Client

    def output(self) -> str:
        return self.printed.read_text()

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.process.wait()

    def until(self, wanted: Any) -> None:
        """Wait until a state is reached, unless the program ends before."""
        deadline = time.monotonic() + _WITHIN_S
        while not wanted():
            assert self.process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.01)

    def _is_up(self) -> bool:
        try:
            return self.http.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def until_up(self) -> None:
        self.until(self._is_up)

    def handler(self, handler_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/handlers/{handler_id}").json()
        return found

    def finished(self, handler_id: str) -> dict[str, Any]:
        self.until(lambda: self.handler(handler_id).get("status") != "running")
        return self.handler(handler_id)

    def events(self, handler_id: str, after: int = -1) -> list[tuple[int, Any]]:
        """The events behind a number, up to the run's end."""
        path = f"/events/{handler_id}?after_sequence={after}"
        return parsed(self.http.get(path).text)

    def first_events(self, handler_id: str, count: int) -> list[tuple[int, Any]]:
        """Of a run that goes on: so many events, as they come."""
        path = f"/events/{handler_id}?after_sequence=-1"
        found = ""
        with self.http.stream("GET", path) as reply:
            for text in reply.iter_text():
                found += text
                complete = found[: found.rfind("\n\n") + 2]
                if len(parsed(complete)) >= count:
                    break
        return parsed(complete)[:count]


@contextmanager
def running(program: str, folder: Path, name: str) -> Iterator[Program]:
    """Run a program in a folder; it is killed with the block, if it still lives."""
    port = free_port()
    path = folder / f"{name}.py"
    path.write_text(program.replace("port=PORT", f"port={port}"))
    printed = folder / f"{name}-{port}.txt"
    with printed.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", path.name],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=_WITHIN_S, trust_env=False) as http:
        try:
            yield Program(process, printed, http)
        finally:
            process.kill()
            process.wait()
