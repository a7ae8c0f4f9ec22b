"""Whether runs that were executed by replicas that died ended as they should."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import psycopg

from durable_notebook.journal._entry import Entry

from .bodies import Line
from .processes import Fate
from .workflows import WAITING, abouts, expected


@dataclass(frozen=True, slots=True)
class Execution:
    """A body from its begin to its end, or to the death of its process."""

    run: str
    body: str
    pid: int
    began: float
    ended: float

    def __str__(self) -> str:
        span = f"{self.began:.3f} to {self.ended:.3f}"
        return f"{self.body!r} of {self.run} in process {self.pid}, {span}"


def executions(lines: list[Line], fates: list[Fate]) -> list[Execution]:
    """Every execution of a body that the log tells of."""
    ends = {fate.pid: fate.ended_at for fate in fates}
    found: list[Execution] = []
    open_lines: dict[tuple[int, str, str], Line] = {}
    for line in lines:
        key = line.pid, line.run, line.body
        if line.what == "begin":
            if key in open_lines:  # Its end is seen as an overlap with this one.
                found.append(_cut(open_lines.pop(key), ends))
            open_lines[key] = line
        elif key in open_lines:
            begin = open_lines.pop(key)
            found.append(Execution(line.run, line.body, line.pid, begin.at, line.at))
    found += [_cut(line, ends) for line in open_lines.values()]
    return sorted(found, key=lambda each: each.began)


def _cut(line: Line, ends: dict[int, float | None]) -> Execution:
    ended = ends[line.pid]
    at = float("inf") if ended is None else ended
    return Execution(line.run, line.body, line.pid, line.at, at)


def of_bodies(lines: list[Line], fates: list[Fate]) -> list[str]:
    """Which bodies ran in two processes at once, or again after they were recorded."""
    return _overlaps(executions(lines, fates), fates) + _again(lines)


def _overlaps(found: list[Execution], fates: list[Fate]) -> list[str]:
    by_fate = {fate.pid: fate for fate in fates}
    same: dict[tuple[str, str], list[Execution]] = defaultdict(list)
    problems = []
    for late in found:
        for early in same[late.run, late.body]:
            is_over = early.ended <= late.began
            if not is_over and not _was_stopped(early, late.began, by_fate[early.pid]):
                problems.append(f"at once: {early}; {late}")
        same[late.run, late.body].append(late)
    return problems


def _was_stopped(body: Execution, at: float, fate: Fate) -> bool:
    """Whether a body had been stopped before a time; it may end what it had begun.

    Only a lease is lost by that: another process begins the body anew meanwhile.
    """
    return any(body.began <= stopped <= at for stopped in fate.stopped_at)


def _again(lines: list[Line]) -> list[str]:
    """The bodies that began although what they had caused was begun before."""
    caused: set[tuple[str, str]] = set()
    problems = []
    for line in lines:
        if line.what != "begin":
            continue
        if (line.run, line.body) in caused and line.body not in WAITING:
            problems.append(f"again: {line.body!r} of {line.run} in {line.pid}")
        if line.cause is not None:
            caused.add((line.run, line.cause))
    return problems


# -- the journals ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Journal:
    """A run as the database has it."""

    run: str
    status: str
    parent: str | None
    entries: list[tuple[int, Entry]]

    @property
    def stream(self) -> list[Any]:
        trees = [tree for _, entry in self.entries for tree in entry.stream]
        return [plain(tree) for tree in trees]

    @property
    def answers(self) -> Counter[str]:
        """What the answers that it has consumed are about."""
        ticks = [tick for _, entry in self.entries for tick in entry.ticks]
        events = [plain(t["event"]) for t in ticks if t["type"] == "add_event"]
        return Counter(value["about"] for name, value in events if name == "Answer")


def plain(tree: dict[str, Any]) -> list[Any]:
    """An event of an entry, as a replica gives it."""
    value = dict(tree["value"])
    data = value.pop("_data", None) or {}
    return [tree["qualified_name"].rpartition(".")[2], {**value, **data}]


def journals(url: str) -> dict[str, Journal]:
    """Every run in the database."""
    with psycopg.connect(url, options="-csearch_path=dbos") as connection:
        entries: dict[str, list[tuple[int, Entry]]] = defaultdict(list)
        for run, position, body in connection.execute(
            "SELECT workflow_uuid, function_id - 1, output FROM operation_outputs"
            " ORDER BY workflow_uuid, function_id"
        ):
            entries[run].append((position, Entry.decode(body)))
        rows = connection.execute(
            "SELECT workflow_uuid, status, parent_workflow_id FROM workflow_status"
        )
        return {run: Journal(run, *rest, entries[run]) for run, *rest in rows}


def of_journals(found: dict[str, Journal], runs: list[str]) -> list[str]:
    """What is wrong with the journals, as each is by itself."""
    children = Counter(journal.parent for journal in found.values())
    problems = []
    for run in runs:
        if run not in found:
            problems.append(f"{run} is not there")
        elif children[run] != run.startswith("parent"):
            problems.append(f"{run} has {children[run]} children")
    extra = {j.run for j in found.values() if j.parent is None} - set(runs)
    problems += [f"{run} is nobody's" for run in extra]
    return problems + [p for journal in found.values() for p in _of_journal(journal)]


def _of_journal(journal: Journal) -> list[str]:
    positions = [position for position, _ in journal.entries]
    events = 0
    problems = []
    if positions != list(range(len(positions))):
        problems.append(f"positions of {journal.run}: {positions}")
    if journal.status != "SUCCESS":
        problems.append(f"status of {journal.run}: {journal.status}")
    for position, entry in journal.entries:
        events += len(entry.stream)
        if entry.events != events:
            problems.append(f"events of {journal.run} at {position}: not {events}")
    if sum(entry.end is not None for _, entry in journal.entries) != 1:
        problems.append(f"{journal.run} has not one end")
    return problems


def of_answers(
    found: dict[str, Journal], runs: list[str], acknowledged: Counter[str]
) -> list[str]:
    """The answers that were not applied exactly once, and those that nobody asked."""
    applied = sum((journal.answers for journal in found.values()), Counter[str]())
    wanted = Counter({about: 1 for run in runs for about in abouts(run)})
    problems = [
        f"answer {about}: acknowledged, and applied {applied[about]} times"
        for about in acknowledged
        if applied[about] != 1
    ]
    problems += [
        f"answer {each}: applied {n} times" for each, n in (applied - wanted).items()
    ]
    return problems


def of_readers(
    run: str, journal: Journal, seen: list[Any], said: list[Any]
) -> list[str]:
    """Whether everybody has read the same of a run: live, and from each replica."""
    problems = []
    stream = journal.stream
    if seen and seen != stream:
        problems.append(f"{run}, live: {_difference(seen, stream)}")
    for result, whole, half in said:
        if result != expected(run):
            problems.append(f"result of {run}: {result}")
        if not whole == half == stream:
            problems.append(f"{run}, read: {_difference(whole, stream)}")
    return problems


def _difference(read: list[Any], stream: list[Any]) -> str:
    """From where on a reader has got something else than the journal holds."""
    pairs = zip(read, stream, strict=False)
    first = next((n for n, (a, b) in enumerate(pairs) if a != b), None)
    at = min(len(read), len(stream)) if first is None else first
    counts = f"{len(read)} events, {len(stream)} in the journal"
    return f"{counts}; from {at} on {read[at : at + 3]}, and not {stream[at : at + 3]}"


def spread(lines: list[Line]) -> int:
    """How many processes have executed bodies."""
    return len({line.pid for line in lines})
