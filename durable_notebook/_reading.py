"""A run as one look at it found it: all that a panel shows, read off the disk once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from durable_notebook._entry import RecordedEntry
from durable_notebook._model import Attempt, RunInfo
from durable_notebook._printed import Output, output_of
from durable_notebook._timeline import attempts


@dataclass(frozen=True, slots=True)
class Printing:
    """What the bodies of a live run have printed, and no entry before `position` has.

    `session` is the number of the process life that executes it.
    """

    position: int
    session: int
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RunReading:
    """A run, its timeline, and what it has printed."""

    info: RunInfo
    attempts: list[Attempt]
    output: Output

    @classmethod
    def of(
        cls,
        info: RunInfo,
        entries: Sequence[RecordedEntry],
        *,
        is_live: bool,
        printing: Printing | None,
    ) -> Self:
        """Read a run off its entries; `is_live` if bodies may be in flight."""
        if printing is None:
            output = output_of(entries)
        else:
            before = [e for e in entries if e.position < printing.position]
            output = output_of(before, printing.parts, printing.session)
        return cls(info, attempts(entries, is_live=is_live), output)
