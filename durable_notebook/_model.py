"""The nouns: values that every layer passes around.

Nothing here knows a database, a workflow class or a screen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Any

Json = Any
"""A value that `json.dumps` accepts. Python's type system has no exact name for it."""


class RunStatus(StrEnum):
    """What a run is doing, in the words that every table and panel uses."""

    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing will ever be added to the run's journal."""
        return self in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


class AttemptStatus(StrEnum):
    """How one execution of a step body ended, or that it has not yet."""

    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    RUNNING = "running"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as data: readable where its class is not defined."""

    name: str
    fields: dict[str, Json] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: Json) -> EventView | None:
        """Read the tree an event is journalled as; None if it is not one."""
        if not isinstance(tree, dict) or "qualified_name" not in tree:
            return None
        value = tree.get("value")
        fields = dict(value) if isinstance(value, dict) else {}
        # Dynamic fields of an event live in a `_data` mapping of the library's.
        data = fields.pop("_data", None)
        if isinstance(data, dict):
            fields.update(data)
        return cls(str(tree["qualified_name"]).rpartition(".")[2], fields)

    def __str__(self) -> str:
        shown = [
            f"{short(k)}={glimpse(v)}" for k, v in islice(self.fields.items(), _FIELDS)
        ]
        if len(self.fields) > _FIELDS:
            shown.append(f"… {len(self.fields) - _FIELDS} more")
        return f"{short(self.name)}({', '.join(shown)})"


_FIELDS = 50


def glimpse(value: Json, limit: int = 60) -> str:
    """The beginning of `repr(value)`, which takes no longer where there is more."""
    text = ""
    for piece in _pieces(value, limit):
        text += piece
        if len(text) > limit:
            return text[: limit - 1] + "…"
    return text


def _pieces(value: Json, limit: int) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for i, (key, member) in enumerate(value.items()):
            yield ", " if i else ""
            yield from _pieces(key, limit)
            yield ": "
            yield from _pieces(member, limit)
        yield "}"
    elif isinstance(value, list):
        yield "["
        for i, member in enumerate(value):
            yield ", " if i else ""
            yield from _pieces(member, limit)
        yield "]"
    elif isinstance(value, str) and len(value) > limit:
        yield repr(value[: limit + 1])
    else:
        yield repr(value)


def short(text: str, limit: int = 200) -> str:
    """A text, cut where it is longer."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def handle(run_id: str) -> str:
    """What a page calls a run: its id, or a digest of one that it could not be sent.

    A run may begin with no such id here; it may with DBOS's own calls.
    """
    if run_id.isprintable() and len(run_id) <= _LONGEST_HANDLE:
        return run_id
    return f"#{hashlib.sha256(run_id.encode('utf-8', 'surrogatepass')).hexdigest()}"


_LONGEST_HANDLE = 200


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question of a run that a person has not answered.

    `number` identifies it within its run; `expects` names the event classes that
    answer it; `requirements` are fields the answer must have with these values.
    `schemas` has of each of those classes which fields it takes, as JSON schema; None
    where that was not recorded. `due` is when the run gives up waiting for it; None
    where no time is set for that.
    """

    run_id: str
    number: int
    asked: EventView | None
    expects: tuple[str, ...]
    requirements: dict[str, Json]
    asked_at: datetime
    schemas: tuple[Json, ...] = ()
    due: datetime | None = None

    @classmethod
    def read(cls, run_id: str, tree: Json, set_going_at: float | None = None) -> Prompt:
        """Read an open prompt of a journal entry.

        Its time counts from when the run was last set going again, as its wait does.
        """
        expects = tuple(tree["expects"])
        timeout_s = tree.get("timeout_s")
        since = max(tree["at"], set_going_at or 0.0)
        return cls(
            run_id=run_id,
            number=tree["number"],
            asked=EventView.of(tree["asked"]),
            expects=expects,
            requirements=tree["requirements"],
            asked_at=at(tree["at"]),
            schemas=tuple(tree.get("schemas") or [None] * len(expects)),
            due=None if timeout_s is None else at(since + timeout_s),
        )

    @property
    def answer_name(self) -> str:
        """The class a person answers with, as its author wrote it."""
        return " or ".join(name.rpartition(".")[2] for name in self.expects)

    @property
    def key(self) -> str:
        """The idempotency key of an answer: one prompt takes one answer."""
        return f"answer:{self.number}"


class EndingKind(StrEnum):
    """What became of a question that waits for nobody any more."""

    ANSWERED = "answered"
    TIMED_OUT = "timed out"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a question: who answered it, when, and what they gave.

    `by` and `given` are None where that is not, or no longer, on record; `at` is when
    the answer was on disk. A run may not have taken it yet (`is_taken`).
    """

    kind: EndingKind
    at: datetime | None = None
    by: str | None = None
    given: EventView | None = None
    is_taken: bool = True


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a step body, as the journal knows it.

    `position` is that of the journal's entry which tells how it ended: its result, or
    that it was interrupted, which the session after notes first. Until then it is None.
    `session` counts the process lives of the run from 1; `code` names the version of
    the workflow that ran it. `is_repeat` says that it does again what an earlier
    session left unfinished, `is_retried` that it failed and is tried again.
    """

    step: str
    position: int | None
    received: EventView | None
    returned: tuple[EventView, ...]
    started: datetime | None
    finished: datetime | None
    attempt: int
    session: int
    status: AttemptStatus
    store: tuple[dict[str, Json], ...] = ()
    error: str | None = None
    code: str = ""
    is_repeat: bool = False
    is_retried: bool = False


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run as a list of runs shows it.

    `size` is what it has on disk, in bytes; None where nobody has asked for it. `due`
    is when a run that only waits goes on by itself; None where no time is set for that.
    `progress` is how far it said that it is: done, of how many, of what; None once it
    has ended.
    """

    run_id: str
    workflow: str
    status: RunStatus
    waits_for: str | None
    steps: int
    started: datetime
    updated: datetime
    executor_id: str | None
    size: int | None = None
    error: str | None = None
    start_event: EventView | None = None
    prompts: tuple[Prompt, ...] = ()
    due: datetime | None = None
    progress: tuple[int, int, str] | None = None


def at(epoch_s: float) -> datetime:
    """Turn seconds since the epoch into a timezone-aware time."""
    return datetime.fromtimestamp(epoch_s, tz=UTC)
