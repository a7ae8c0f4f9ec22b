"""The log of what step bodies do: lines in a file outside the database.

A line is one `write` on an `O_APPEND` file, so a kill can neither tear nor lose it.
Its clock is one for all processes of the machine, and goes on while one is stopped.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

_log = -1

What = Literal["begin", "end", "left"]


@dataclass(frozen=True, slots=True)
class Line:
    """That a body began, returned, or was left by an exception.

    `cause` is the body without whose recorded result this one could not begin.
    """

    at: float
    pid: int
    what: What
    run: str
    body: str
    cause: str | None = None


def open_log(path: Path) -> None:
    """Log the bodies of this process."""
    global _log  # noqa: PLW0603
    _log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def clock() -> float:
    """The clock of the log, in seconds."""
    return time.monotonic()


@contextmanager
def body(run: str, name: str, cause: str | None = None) -> Iterator[None]:
    """What a step does of a run, from its begin to its end."""
    _write("begin", run, name, cause)
    try:
        yield
    except BaseException:
        _write("left", run, name)
        raise
    _write("end", run, name)


def _write(what: What, run: str, name: str, cause: str | None = None) -> None:
    line = Line(clock(), os.getpid(), what, run, name, cause)
    os.write(_log, f"{json.dumps(asdict(line))}\n".encode())


def read_log(path: Path) -> list[Line]:
    """The lines of all processes, in the order in which they were written."""
    text = path.read_text() if path.exists() else ""
    return [Line(**json.loads(line)) for line in text.splitlines()]
