"""The log of step bodies: one line for each that began, in a file outside the database.

A line is one `write` on an `O_APPEND` file, so a kill can neither tear nor lose it.
"""

from __future__ import annotations

import json
import os
import signal
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Body:
    """A body that began, in which process of the trial, and whose body caused it.

    A process has a second life when its run was left, and goes on there.
    """

    process: int
    life: int
    step: str
    input: str
    cause: tuple[str, str] | None

    @property
    def identity(self) -> tuple[str, str]:
        """What its re-execution has in common with it."""
        return self.step, self.input


_log = -1
_process = 0
_life = 1
_count = 0
_stop_at: int | None = None


def open_log(path: Path, process: int) -> None:
    """Log the bodies of this process, the trial's n-th."""
    global _log, _process  # noqa: PLW0603
    _log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    _process = process


def stop_at(number: int | None) -> None:
    """Have the system stop this process in its n-th body, until it is continued."""
    global _stop_at  # noqa: PLW0603
    _stop_at = number


def next_life() -> None:
    """Note that the run was left, and goes on in this process."""
    global _life  # noqa: PLW0603
    _life += 1


def began(step: str, given: str, cause: tuple[str, str] | None = None) -> None:
    """Note that a body begins: which step, with what, and which body's doing it is."""
    line = json.dumps(asdict(Body(_process, _life, step, given, cause)))
    os.write(_log, f"{line}\n".encode())
    global _count  # noqa: PLW0603
    _count += 1
    if _count == _stop_at:
        os.kill(os.getpid(), signal.SIGSTOP)


def heard(given: str) -> None:
    """Note that a body which waits has got an answer (the step is logged as "ask")."""
    began("heard", given)


def read_log(path: Path) -> list[Body]:
    """The bodies of all processes of a trial, in the order in which they began."""
    if not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [
        Body(
            line["process"],
            line["life"],
            line["step"],
            line["input"],
            None if line["cause"] is None else (line["cause"][0], line["cause"][1]),
        )
        for line in lines
    ]
