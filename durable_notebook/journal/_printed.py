"""What the step bodies of a run have printed, read off its journal.

Bodies print as ever. Who shows a run gives what they print to it
(`runtime.keep_output`), and the entry with a body's result has its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from durable_notebook.journal._entry import RecordedEntry

KEPT = 64 * 1024
"""How many characters of a run are shown: the newest."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What a body printed, in which life of the run (counted from 1)."""

    step: str
    text: str
    session: int


@dataclass(frozen=True, slots=True)
class Output:
    """The newest of what a run has printed, oldest first.

    `dropped` are the characters before it that are not kept; `session` the life of the
    run that goes on, zero where none does: what earlier ones printed is only shown
    again.
    """

    parts: tuple[Printed, ...] = ()
    dropped: int = 0
    session: int = 0

    @property
    def text(self) -> str:
        """All of it, with a note of what is missing before it."""
        note = f"… {self.dropped:,} earlier characters are not kept\n"
        kept = "".join(part.text for part in self.parts)
        return note + kept if self.dropped else kept


def output_of(
    entries: Sequence[RecordedEntry],
    live: Iterable[tuple[str, str]] = (),
    live_session: int | None = None,
) -> Output:
    """What a run has printed: on disk, and behind that by bodies that are in flight.

    `live_session` is the number of the process life that executes it, if one does.
    """
    known = {recorded.entry.session for recorded in entries}
    known |= set() if live_session is None else {live_session}
    sessions = {number: i for i, number in enumerate(sorted(known), start=1)}
    parts = [
        Printed(step, text, sessions[recorded.entry.session])
        for recorded in entries
        for step, text in recorded.entry.output
    ]
    last = 0 if live_session is None else sessions[live_session]
    parts += [Printed(step, text, last) for step, text in live]
    return _newest(parts, last)


def _newest(parts: list[Printed], session: int) -> Output:
    kept: list[Printed] = []
    room = KEPT
    for part in reversed(parts):
        if room > 0:
            kept.append(Printed(part.step, part.text[-room:], part.session))
        room -= len(part.text)
    return Output(tuple(reversed(kept)), max(0, -room), session)
