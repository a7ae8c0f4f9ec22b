"""The journal read as a timeline: one row an execution of a step body.

Interrupted executions are rows too. They are known from the entry after them: a
session that takes over records what it found unfinished.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from durable_notebook._model import Attempt, AttemptStatus, EventView, Json, at
from durable_notebook.journal._entry import Entry, RecordedEntry


def attempts(
    entries: Sequence[RecordedEntry], *, is_live: bool = False
) -> list[Attempt]:
    """The executions a journal tells of, in the order in which they began.

    `is_live` says whether bodies that began and have not ended still run.
    """
    timeline = Timeline()
    timeline.add(entries)
    return timeline.rows(is_live=is_live)


class Timeline:
    """The executions that a journal tells of, as far as it was read.

    Entries are added as they come: each is looked at once, and a row that has not
    changed is the same object as before.
    """

    def __init__(self) -> None:
        self.last: RecordedEntry | None = None
        """The newest entry that was added."""
        self._rows: list[Attempt] = []
        self._begun: dict[str, Attempt] = {}
        self._asked: list[Attempt] = []
        self._sessions: dict[int, int] = {}
        self._codes: dict[int, str] = {}
        # Which rows have asked, by their place: their questions may be open again.
        self._waits: dict[int, set[str]] = {}
        self._to_repeat: list[Json] = []

    def add(self, entries: Sequence[RecordedEntry]) -> None:
        """Go on with the entries that come next."""
        before = self.last
        for recorded in entries:
            self._number(recorded.entry)
            self._add(recorded)
            self.last = recorded
        prompts = [] if self.last is None else self.last.entry.prompts
        if entries and (before is None or before.entry.prompts or prompts):
            self._ask(prompts)

    def rows(self, *, is_live: bool) -> list[Attempt]:
        """The rows so far, in the order in which they began."""
        begun: Iterable[Attempt] = self._begun.values()
        if not is_live:
            begun = (replace(row, status=AttemptStatus.INTERRUPTED) for row in begun)
        rows = [*self._rows, *begun, *self._asked]
        return sorted(rows, key=lambda row: row.started or _FAR)

    def _number(self, entry: Entry) -> None:
        """Count the process lives, and note the code that each ran."""
        is_new = entry.session not in self._sessions
        session = self._sessions.setdefault(entry.session, len(self._sessions) + 1)
        latest = next(reversed(self._codes.values()), "")
        if is_new:
            self._codes[session] = entry.code or latest
        elif entry.code and entry.code != self._codes[session]:
            # A session runs one code: what came before it was named ran it too.
            self._codes[session] = entry.code
            self._rows = [
                replace(r, code=entry.code) if r.session == session else r
                for r in self._rows
            ]

    def _add(self, recorded: RecordedEntry) -> None:
        entry = recorded.entry
        session = self._sessions[entry.session]
        code = self._codes[session]
        if entry.interrupted:
            again = [t for t in self._to_repeat if not _is_any(t, entry.interrupted)]
            self._to_repeat = again + entry.interrupted
        for tree in entry.interrupted:
            row = _interrupted(tree, recorded.position, self._sessions)
            self._rows.append(replace(row, code=self._codes[row.session]))
        changes = tuple(entry.store)
        for tick in entry.ticks:
            if tick["type"] == "session_start":
                self._begun.clear()
            elif tick["type"] == "step_result":
                self._begun.pop(f"{tick['step_id']}:{tick['worker_id']}", None)
                row = _finished(tick, recorded, session, changes)
                self._rows.append(
                    replace(row, code=code, is_repeat=self._repeats(tick))
                )
                asked = {
                    r["waiter_id"]
                    for r in tick.get("result", [])
                    if r["type"] == "add_waiter"
                }
                if asked:
                    self._waits[len(self._rows) - 1] = asked
                # One patch tells of the whole turn: it stands at its first step.
                changes = ()
        to_repeat = Counter(tree["step"] for tree in self._to_repeat)
        to_repeat.subtract(r.step for r in self._begun.values() if r.is_repeat)
        for key in entry.starts:
            row = _begun(key, recorded, session)
            is_repeat = to_repeat[row.step] > 0
            to_repeat[row.step] -= is_repeat
            self._begun[key] = replace(row, code=code, is_repeat=is_repeat)

    def _repeats(self, tick: Json) -> bool:
        """Whether a result is of work that an earlier session left unfinished."""
        for i, tree in enumerate(self._to_repeat):
            if tree["step"] == tick["step_id"] and tree["event"] == tick["event"]:
                del self._to_repeat[i]
                return True
        return False

    def _ask(self, prompts: Sequence[Json]) -> None:
        assert self.last is not None
        open_now = {p["waiter"] for p in prompts if p["waiter"]}
        for i, asked in self._waits.items():
            row, is_open = self._rows[i], bool(asked & open_now)
            if row.status is AttemptStatus.WAITING and not is_open:
                self._rows[i] = replace(row, status=AttemptStatus.COMPLETED)
            elif row.status is AttemptStatus.COMPLETED and is_open:
                self._rows[i] = replace(row, status=AttemptStatus.WAITING)
        session = self._sessions[self.last.entry.session]
        code = self._codes[session]
        asked_now = [_prompt(tree, session, code) for tree in prompts]
        rows = [row for row in asked_now if row is not None]
        if rows != self._asked:
            self._asked = rows


_FAR = at(32503680000)


def _is_any(tree: Json, others: Sequence[Json]) -> bool:
    return any(
        tree["step"] == other["step"] and tree["event"] == other["event"]
        for other in others
    )


def _interrupted(tree: Json, position: int, sessions: dict[int, int]) -> Attempt:
    return Attempt(
        step=tree["step"],
        position=position,
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
) -> Attempt:
    results = tick.get("result", [])
    sent = [tree["event"] for tree in tick.get("sends", [])]
    sent += [r["result"] for r in results if r["type"] == "result" and r["result"]]
    failed = next((r for r in results if r["type"] == "failed"), None)
    status = AttemptStatus.COMPLETED if failed is None else AttemptStatus.FAILED
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
        error=None if failed is None else _error(failed["exception"]),
        is_retried=failed is not None and _is_retried(failed),
    )


def _is_retried(failed: Json) -> bool:
    """Whether the policy of the step has it tried again."""
    decision = failed.get("retry_decision") or {}
    return decision.get("delay") is not None


def _error(tree: Json) -> str:
    name = str(tree["exception_type"]).rpartition(".")[2]
    return f"{name}: {tree['exception_message']}"


def _begun(key: str, recorded: RecordedEntry, session: int) -> Attempt:
    return Attempt(
        step=key.rpartition(":")[0],
        position=None,
        received=_trigger(recorded.entry),
        returned=(),
        started=at(recorded.entry.at),
        finished=None,
        attempt=1,
        session=session,
        status=AttemptStatus.RUNNING,
    )


def _trigger(entry: Entry) -> EventView | None:
    """What started the only body of a turn; unknown where a turn started several."""
    if len(entry.starts) != 1:
        return None
    events = [tick["event"] for tick in entry.ticks if tick["type"] == "add_event"]
    if not events and entry.interrupted:
        events = [tree["event"] for tree in entry.interrupted]
    return EventView.of(events[-1]) if events else None


def _prompt(tree: Json, session: int, code: str) -> Attempt | None:
    """A question that a step returned: no body waits for its answer."""
    if tree["waiter"]:
        return None
    return Attempt(
        step="(prompt)",
        position=None,
        received=EventView.of(tree["asked"]),
        returned=(),
        started=at(tree["at"]),
        finished=None,
        attempt=1,
        session=session,
        status=AttemptStatus.WAITING,
        code=code,
    )
