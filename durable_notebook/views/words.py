"""How times, durations and events are written, on screens and in terminals alike."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from durable_notebook._model import (
    Attempt,
    Ending,
    EndingKind,
    EventView,
    Json,
    RunInfo,
    RunStatus,
    glimpse,
    short,
)
from durable_notebook.views.table import harmless

LONGEST_NAME = 200
"""What is shown of a name that somebody has chosen."""

_HALF = 1_000


def duration(span: timedelta | None) -> str:
    """A duration with three digits and its unit."""
    if span is None:
        return ""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def seconds(count: float) -> str:
    """A time since a beginning, as short as it goes."""
    if count < 60:
        return f"{count:g} s" if count >= 1 or not count else f"{count * 1000:g} ms"
    minutes, rest = divmod(round(count), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join(f"{n} {unit}" for n, unit in parts if n)


def clock(moment: datetime | None) -> str:
    """The time of day where the reader is."""
    return "" if moment is None else moment.astimezone().strftime("%H:%M:%S")


def moment(time: datetime) -> str:
    """A time where the reader is, with its date if that is not today's."""
    local = time.astimezone()
    is_today = local.date() == datetime.now().astimezone().date()
    return local.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M")


def dated(time: datetime) -> str:
    """A time where the reader is, with its date: for what is read on other days."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def plural(count: int, word: str) -> str:
    """A count with its word."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def event(view: EventView | None) -> str:
    """An event in one line."""
    return "" if view is None else cut(str(view), 80)


def returned(row: Attempt) -> str:
    """What a step gave, in one line."""
    views = [str(view) for view in row.returned[:2]]
    more = len(row.returned) - len(views)
    return cut(", ".join(views) + (f" … {more} more" if more > 0 else ""), 90)


def changes(store: Iterable[Json]) -> str:
    """What a turn changed in the store, in one line."""
    parts = []
    for change in islice(store, 20):
        is_gone, name = change["op"] == "remove", place(change)
        parts.append(f"− {name}" if is_gone else f"{name} = {glimpse(change['value'])}")
    return cut(", ".join(parts), 90)


def place(change: Json) -> str:
    """What of the store a change changed."""
    path = str(change["path"]).removeprefix("/state_data").removeprefix("/_data")
    return path.removeprefix("/value").lstrip("/").replace("/", ".") or "all"


def cut(text: str, length: int) -> str:
    """A text on one line, with an ellipsis where it was longer."""
    # No more is looked at than could be shown: a text may have a megabyte.
    more = "…" if len(text) > 4 * length else ""
    line = " ".join(text[: 4 * length].split()) + more
    return line if len(line) <= length else line[: length - 1] + "…"


def ending(ended: Ending) -> str:
    """What became of a question: by whom it was answered, when, and with what."""
    if ended.kind is EndingKind.TIMED_OUT:
        until = "" if ended.at is None else f" until {moment(ended.at)}"
        return f"nobody answered{until}, so the run went on without"
    if ended.kind is EndingKind.DROPPED:
        return "no longer asked: the run has ended, or went on by itself"
    by = "" if ended.by is None else f" by {cut(ended.by, 80)}"
    when = "" if ended.at is None else f" at {moment(ended.at)}"
    said = "" if ended.given is None else f": {cut(str(ended.given), 160)}"
    later = "" if ended.is_taken else " (on disk; the run has not taken it yet)"
    return f"answered{by}{when}{said}{later}"


def sentence(text: str) -> str:
    """What is said to a person, on one line, harmless and bounded.

    Of one that is too long the middle is left out: its end says what to do.
    """
    if len(text) > 2 * _HALF:
        text = f"{text[:_HALF]} … {text[-_HALF:]}"
    return harmless(text)


def short_name(workflow: str) -> str:
    """The class name of a workflow's full name."""
    return short(workflow.rpartition(".")[2], LONGEST_NAME)


def name(text: str) -> str:
    """A run or a step by its name, on one line, harmless and bounded."""
    return harmless(short(text, LONGEST_NAME))


def reason(info: RunInfo) -> str:
    """What a run waits for, and until when, or the error with which it failed."""
    if info.status is RunStatus.FAILED:
        return cut(info.error or "", 160)
    if info.waits_for is None:
        return "" if info.progress is None else how_far(*info.progress)
    until = "" if info.due is None else f", until {moment(info.due)}"
    return cut(info.waits_for, 200) + until


def how_far(done: int, total: int, label: str) -> str:
    """How much is done of what."""
    said = f"{done:,} of {total:,}"
    if total > 0:
        said += f" ({min(max(done / total, 0.0), 1.0):.0%})"
    return f"{said} · {cut(harmless(label), 120)}" if label else said


def summary(info: RunInfo) -> str:
    """What a run is doing, in a few words."""
    if info.status is RunStatus.PAUSED:
        return "is paused, until somebody goes on with it"
    if info.waits_for is None:
        return reason(info)
    # A problem is a sentence of its own.
    before = "stands still." if info.waits_for[:1].isupper() else "waits for"
    return f"{before} {reason(info)}"
