"""What a diagnosis says: causes, each with a sentence and the commands that cure it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from durable_notebook._model import RunInfo

OURS = "durable-notebook"

UPGRADE = ("pip", "install", "-U", OURS)


def ours(
    command: str, *arguments: str, options: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The words of a command of ours, none of which is taken for another.

    An id may begin with a dash: then it stands behind a `--`.
    """
    given: list[str] = []
    for name, value in (options or {}).items():
        is_odd = value.startswith("-")
        given += [f"--{name}={value}"] if is_odd else [f"--{name}", value]
    if any(word.startswith("-") for word in arguments):
        return (OURS, command, *given, "--", *arguments)
    return (OURS, command, *arguments, *given)


class Cause(StrEnum):
    """What keeps a run, or a whole journal, from moving."""

    ENDED = "ended"
    FAILED = "failed"
    OUTCOME_LOST = "outcome-lost"
    UNREADABLE = "unreadable"
    NOBODY_TOOK_IT = "nobody-took-it"
    EXECUTOR_DEAD = "executor-dead"
    NOT_TAKEN = "not-taken"
    PAUSED = "paused"
    BEGUN_OFTEN = "begun-often"
    WAITING_FOR_ANSWER = "waiting-for-answer"
    RETRY_LATER = "retry-later"
    STEP_RUNNING = "step-running"
    NOT_BEGUN = "not-begun"
    WAITING_FOR_RUN = "waiting-for-run"
    WAITING_FOR_EVENT = "waiting-for-event"
    TIMES_OUT = "times-out"
    LEFT_AT_REST = "left-at-rest"
    MESSAGE_UNREAD = "message-unread"
    JOURNAL_NEWER = "journal-newer"
    JOURNAL_LOCKED = "journal-locked"
    JOURNAL_UNUSABLE = "journal-unusable"
    NO_RIGHTS = "no-rights"
    DBOS_UNTESTED = "dbos-untested"

    # What only the process knows that may execute the run.
    DEFINITION_MISSING = "definition-missing"
    GRAPH_CHANGED = "graph-changed"
    OWNED_ELSEWHERE = "owned-elsewhere"
    RELEASED = "released"
    STOPPED = "stopped"
    JOURNAL_FULL = "journal-full"
    JOURNAL_REFUSED = "journal-refused"


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause: a sentence, and the commands that cure it, each as its words.

    `run_id` is None where it concerns the whole journal; `since` tells from when on it
    was so, and `due` when it ends by itself; `evidence` are lines of what was found.
    """

    cause: Cause
    says: str
    run_id: str | None = None
    commands: tuple[tuple[str, ...], ...] = ()
    since: datetime | None = None
    due: datetime | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Examined:
    """A run, and why it does not move."""

    info: RunInfo
    found: list[Finding]
