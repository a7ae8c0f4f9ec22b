"""A run as one look at it found it: all that a panel shows, read off the disk once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from durable_notebook._model import Attempt, RunInfo
from durable_notebook.journal._entry import RecordedEntry
from durable_notebook.journal._printed import Output, output_of
from durable_notebook.journal._progress import Progress, newest
from durable_notebook.journal._timeline import attempts
from durable_notebook.journal._usage import Kept, Usage, kept_before, usage_by_step


@dataclass(frozen=True, slots=True)
class InMemory:
    """What a live run has in memory: printed, and in no entry before `position`.

    `session` is the number of the process life that executes it, `progress` what it
    reported last in that.
    """

    position: int
    session: int
    printed: tuple[tuple[str, str], ...]
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class RunReading:
    """A run with its entries, read at one time.

    `is_live` says whether bodies may be in flight; `session` is the number of the life
    of its executor, where that is this process, `rows` the timeline, if somebody has
    made it already.
    """

    info: RunInfo
    entries: Sequence[RecordedEntry]
    is_live: bool
    in_memory: InMemory | None = None
    session: int | None = None
    rows: Sequence[Attempt] | None = None

    def attempts(self) -> Sequence[Attempt]:
        """The run's timeline."""
        if self.rows is not None:
            return self.rows
        return attempts(self.entries, is_live=self.is_live)

    def output(self) -> Output:
        """What its bodies have printed."""
        live = self.in_memory
        if live is None:
            return output_of(self.entries, (), self.session if self.is_of_now else None)
        before = [e for e in self.entries if e.position < live.position]
        return output_of(before, live.printed, live.session)

    @property
    def is_of_now(self) -> bool:
        """Whether this life of its executor has added to it."""
        return any(e.entry.session == self.session for e in self.entries)

    def progress(self) -> Progress | None:
        """What it reported last of how far it is."""
        live = None if self.in_memory is None else self.in_memory.progress
        return live or newest(self.entries)

    def usage(self) -> dict[str, Usage]:
        """What its steps used of models."""
        return usage_by_step(self.entries)

    def kept(self) -> Kept:
        """What earlier lives have done that this one did not do again."""
        if self.session is None:
            return Kept()
        return kept_before(self.entries, self.session)
