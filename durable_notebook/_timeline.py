"""The journal read as a timeline: one row an execution of a step body.

Interrupted executions are rows too. They are known from the entry after them: a
session that takes over records what it found unfinished.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from durable_notebook._entry import Entry, RecordedEntry
from durable_notebook._model import Attempt, AttemptStatus, EventView, Json, at


def attempts(
    entries: Sequence[RecordedEntry], *, is_live: bool = False
) -> list[Attempt]:
    """The executions a journal tells of, in the order in which they began.

    `is_live` says whether bodies that began and have not ended still run.
    """
    sessions = {number: i for i, number in enumerate(_sessions(entries), start=1)}
    waiting = set()
    if entries:
        waiting = {p["waiter"] for p in entries[-1].entry.prompts if p["waiter"]}
    rows: list[Attempt] = []
    begun: dict[str, RecordedEntry] = {}
    for recorded in entries:
        entry, session = recorded.entry, sessions[recorded.entry.session]
        rows += [_interrupted(tree, sessions) for tree in entry.interrupted]
        changes = tuple(entry.store)
        for tick in entry.ticks:
            if tick["type"] == "session_start":
                begun.clear()
            elif tick["type"] == "step_result":
                begun.pop(f"{tick['step_id']}:{tick['worker_id']}", None)
                rows.append(_finished(tick, recorded, session, changes, waiting))
                # One patch tells of the whole turn: it stands at its first step.
                changes = ()
        begun.update(dict.fromkeys(entry.starts, recorded))
    for key, recorded in begun.items():
        rows.append(_begun(key, recorded, sessions, is_live=is_live))
    rows += _prompts(entries, sessions)
    far = at(32503680000)
    codes = _codes(entries, sessions)
    rows = [replace(row, code=codes.get(row.session, "")) for row in rows]
    return sorted(rows, key=lambda row: row.started or far)


def _codes(
    entries: Sequence[RecordedEntry], sessions: dict[int, int]
) -> dict[int, str]:
    """The code that each session ran. It keeps the one that it began with."""
    found: dict[int, str] = {}
    code = ""
    for recorded in entries:
        code = recorded.entry.code or code
        found[sessions[recorded.entry.session]] = code
    return found


def _sessions(entries: Sequence[RecordedEntry]) -> list[int]:
    return sorted({r.entry.session for r in entries})


def _interrupted(tree: Json, sessions: dict[int, int]) -> Attempt:
    return Attempt(
        step=tree["step"],
        position=None,
        received=EventView.of(tree["event"]),
        returned=(),
        started=at(tree["started"]),
        finished=None,
        attempt=tree["attempt"],
        session=sessions.get(tree["session"], 1),
        status=AttemptStatus.INTERRUPTED,
    )


def _finished(
    tick: Json,
    recorded: RecordedEntry,
    session: int,
    changes: tuple[Json, ...],
    waiting: set[str],
) -> Attempt:
    results = tick.get("result", [])
    sent = [tree["event"] for tree in tick.get("sends", [])]
    sent += [r["result"] for r in results if r["type"] == "result" and r["result"]]
    failed = next((r["exception"] for r in results if r["type"] == "failed"), None)
    status = AttemptStatus.COMPLETED
    if failed is not None:
        status = AttemptStatus.FAILED
    elif any(r["type"] == "add_waiter" and r["waiter_id"] in waiting for r in results):
        status = AttemptStatus.WAITING
    times = recorded.entry.bodies.get(tick.get("invocation_id", ""))
    views = [EventView.of(tree) for tree in sent]
    return Attempt(
        step=str(tick["step_id"]),
        position=recorded.position,
        received=EventView.of(tick["event"]),
        returned=tuple(view for view in views if view is not None),
        started=at(times[0]) if times else None,
        finished=at(times[1]) if times else None,
        attempt=int(times[2]) if times else 1,
        session=session,
        status=status,
        store=changes,
        error=None if failed is None else _error(failed),
    )


def _error(tree: Json) -> str:
    name = str(tree["exception_type"]).rpartition(".")[2]
    return f"{name}: {tree['exception_message']}"


def _begun(
    key: str, recorded: RecordedEntry, sessions: dict[int, int], *, is_live: bool
) -> Attempt:
    return Attempt(
        step=key.rpartition(":")[0],
        position=None,
        received=_trigger(recorded.entry),
        returned=(),
        started=at(recorded.entry.at),
        finished=None,
        attempt=1,
        session=sessions[recorded.entry.session],
        status=AttemptStatus.RUNNING if is_live else AttemptStatus.INTERRUPTED,
    )


def _trigger(entry: Entry) -> EventView | None:
    """What started the only body of a turn; unknown where a turn started several."""
    if len(entry.starts) != 1:
        return None
    events = [tick["event"] for tick in entry.ticks if tick["type"] == "add_event"]
    if not events and entry.interrupted:
        events = [tree["event"] for tree in entry.interrupted]
    return EventView.of(events[-1]) if events else None


def _prompts(
    entries: Sequence[RecordedEntry], sessions: dict[int, int]
) -> list[Attempt]:
    """Questions that a step returned: no body waits for their answer."""
    if not entries:
        return []
    last = entries[-1].entry
    return [
        Attempt(
            step="(prompt)",
            position=None,
            received=EventView.of(tree["asked"]),
            returned=(),
            started=at(tree["at"]),
            finished=None,
            attempt=1,
            session=sessions[last.session],
            status=AttemptStatus.WAITING,
        )
        for tree in last.prompts
        if not tree["waiter"]
    ]
