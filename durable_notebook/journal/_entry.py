"""The journal entry: what one turn of a run leaves on disk, and its JSON form.

An entry is self-contained and versioned; this module is all that is needed to read
one. `runtime` writes entries, `_timeline` and `_client` read them.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, fields
from typing import Any

from durable_notebook._model import Json
from durable_notebook.journal._compact import pack, unpack

FORMAT = 1


def now() -> float:
    """The time in seconds since the epoch, as exactly as an entry holds it."""
    return rounded(time.time())


def rounded(time_s: float) -> float:
    """A time as exactly as an entry holds it: to a tenth of a millisecond."""
    return round(time_s, 4)


class NewerFormat(ValueError):  # noqa: N818 - never seen by a caller of the package
    """The entry is in a form that only a later version of this package reads."""


@dataclass(slots=True)
class Entry:
    """One turn: all that must be on disk together, or not at all.

    Attributes:
        session: The process life that wrote it (a row of the session table).
        code: The digest of the workflow's code, on the first entry that ran it.
        at: Seconds since the epoch at which it was handed to the database.
        position: Its place in the journal: a row that was moved there is noticed.
        ticks: The inputs of the control loop, in the order they were reduced.
        store: JSON Patch from the store as of the entry before to the store now.
        stream: Events published since the entry before, in order.
        cursor: Sequence of the last mailbox message consumed so far.
        steps: How many step bodies have finished so far, in the whole run.
        events: How many events the stream has so far, in the whole run.
        bodies: Per finished invocation `[started, finished, attempt]`.
        starts: Keys (`step:worker`) of the step bodies that start once it is on disk.
        flight: Per step body still in flight, what it has already made durable:
            `[tries, edits, events, [sends], *interrupted invocations]`. A re-execution
            does not repeat these. Complete at each entry, so only the last counts.
        interrupted: Step bodies that an earlier session left unfinished.
        prompts: The questions open after this turn. Complete at each entry.
        rest: Set if the run does nothing by itself after this turn: when its next
            deadline is due, in seconds since the epoch, or zero where it has none.
        progress: How far the run said that it is, `[done, total, label]`, if it did.
            Complete at each entry but the last.
        output: What bodies printed whose results it has, as `[step, text]`.
        end: How the run ended, on its last entry only.
    """

    session: int
    at: float
    code: str = ""
    position: int | None = None
    ticks: list[Json] = field(default_factory=list)
    store: list[Json] = field(default_factory=list)
    stream: list[Json] = field(default_factory=list)
    cursor: int = 0
    steps: int = 0
    events: int = 0
    bodies: dict[str, list[float]] = field(default_factory=dict)
    starts: list[str] = field(default_factory=list)
    flight: dict[str, list[Json]] = field(default_factory=dict)
    interrupted: list[Json] = field(default_factory=list)
    prompts: list[Json] = field(default_factory=list)
    rest: float | None = None
    progress: list[Json] = field(default_factory=list)
    output: list[list[str]] = field(default_factory=list)
    end: dict[str, Json] | None = None

    def encode(self) -> str:
        """Write the entry as compact JSON, without the members that are empty."""
        body: dict[str, Any] = {"v": FORMAT}
        for name in _NAMES:
            value = getattr(self, name)
            if value or (value is not None and name in _NUMBERS):
                body[name] = value
        body = pack(body)
        text = _COMPACT.encode(body)
        try:
            text.encode()
        except UnicodeEncodeError:
            # A lone surrogate (a file name, a text cut inside an emoji) has no UTF-8
            # form, but it has a JSON escape.
            text = json.dumps(body, separators=(",", ":"))
        return text

    @classmethod
    def decode(cls, text: str, *, is_brief: bool = False) -> Entry:
        """Read what `encode` wrote.

        `is_brief` leaves out what the turn did: who lists thousands of runs needs
        where each stands.

        Raises:
            NewerFormat, TypeError, ValueError: The text is no entry of this version.
        """
        body = json.loads(text)
        if not isinstance(body, dict) or not isinstance(body.get("v"), int):
            raise ValueError("not a journal entry")
        if body["v"] > FORMAT:
            raise NewerFormat(
                f"journal format {body['v']}, this version reads {FORMAT}"
            )
        for name, kind in _KINDS.items():
            if not isinstance(body.get(name, kind()), kind):
                raise ValueError(f"its {name!r} is no {kind.__name__}")
        if is_brief:
            body = {name: v for name, v in body.items() if name not in _DONE}
        try:
            body = unpack(body)
        except (TypeError, LookupError, AttributeError) as e:
            raise ValueError(f"not a journal entry: {e!r}") from e
        return cls(**{name: body[name] for name in _NAMES if name in body})


_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_NAMES = tuple(f.name for f in fields(Entry))
_LISTS = (
    *("ticks", "store", "stream", "starts", "interrupted", "prompts", "output"),
    "progress",
)
_KINDS: dict[str, type] = {
    **dict.fromkeys(_LISTS, list),
    **dict.fromkeys(("bodies", "flight", "end"), dict),
}
# What a turn did, as against where the run stands after it.
_DONE = ("ticks", "store", "stream", "bodies", "starts", "flight", "interrupted")
# Written also when they are zero.
_NUMBERS = ("session", "at", "position", "rest")


@dataclass(frozen=True, slots=True)
class RecordedEntry:
    """An entry with its place in the journal. `name` is what DBOS's tools show."""

    position: int
    name: str
    entry: Entry
