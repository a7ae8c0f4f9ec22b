"""Whether a run that was killed ended as one that was not."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workflows.context.serializers import JsonSerializer
from workflows.context.state_store import (
    DictState,
    StateCheckpoint,
    apply_state_patch,
    decode_state,
)

from durable_notebook._entry import Entry

from .bodies import Body
from .workflows import EXPECTED, Expected

Identity = tuple[str, str]

# What the library publishes about itself; no reader gets these without asking.
HIDDEN = ("StepStateChanged", "WorkflowIdleEvent", "UnhandledEvent")


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database holds of the run."""

    status: str | None = None
    positions: list[int] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    mail: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> Stored:
        """Read a copy, so that the file stays as the kill has left it."""
        with tempfile.TemporaryDirectory() as copy:
            for path in folder.glob("journal.sqlite*"):
                if path.suffix in (".sqlite", ".sqlite-wal"):
                    shutil.copy(path, copy)
            connection = sqlite3.connect(Path(copy) / "journal.sqlite")
            try:
                return cls._of(connection)
            finally:
                connection.close()

    @classmethod
    def _of(cls, connection: sqlite3.Connection) -> Stored:
        tables = {n for (n,) in connection.execute("SELECT name FROM sqlite_master")}
        if not {"workflow_status", "durable_mail"} <= tables:
            return cls()
        status = connection.execute("SELECT status FROM workflow_status").fetchall()
        rows = connection.execute(
            "SELECT function_id - 1, output FROM operation_outputs ORDER BY function_id"
        ).fetchall()
        mail = connection.execute("SELECT sequence FROM durable_mail ORDER BY sequence")
        assert len(status) <= 1, "a run was started twice"
        return cls(
            status[0][0] if status else None,
            [row[0] for row in rows],
            [Entry.decode(row[1]) for row in rows],
            [row[0] for row in mail],
        )

    @property
    def stream(self) -> list[list[Any]]:
        """The events that a reader gets."""
        trees = [tree for entry in self.entries for tree in entry.stream]
        return [plain for plain in map(_plain, trees) if plain[0] not in HIDDEN]

    @property
    def store(self) -> dict[str, Any]:
        """The values of `ctx.store` after the last entry."""
        payload = StateCheckpoint(DictState(), JsonSerializer()).to_dict()
        for entry in self.entries:
            payload = apply_state_patch(payload, entry.store)
        state = decode_state(payload["state_data"], JsonSerializer())
        assert isinstance(state, DictState)
        return dict(state.items())

    @property
    def answers(self) -> list[str]:
        """What the answers that the run has consumed are about."""
        ticks = [tick for entry in self.entries for tick in entry.ticks]
        events = [_plain(t["event"]) for t in ticks if t["type"] == "add_event"]
        return [value["about"] for name, value in events if name == "Answer"]

    @property
    def finished(self) -> set[Identity]:
        """The bodies that may never run again: an entry holds their result."""
        found = set()
        for tick in (tick for entry in self.entries for tick in entry.ticks):
            is_final = tick["type"] == "step_result" and not any(
                result["type"] == "add_waiter" for result in tick.get("result", [])
            )
            if is_final:
                given = _plain(tick["event"])[1]
                name = given.get("id") or given.get("about") or "start"
                found.add((str(tick["step_id"]), name))
        return found


def _plain(tree: dict[str, Any]) -> list[Any]:
    value = dict(tree["value"])
    data = value.pop("_data", None) or {}
    return [tree["qualified_name"].rpartition(".")[2], {**value, **data}]


def of_run(workflow: str, stored: Stored, outcome: dict[str, Any]) -> list[str]:
    """What a finished run has that the uninterrupted one has not, in words."""
    expected = EXPECTED[workflow]
    count = len(stored.positions)
    last = stored.entries[-1]
    pairs = {
        "status": ("SUCCESS", stored.status),
        "positions": (list(range(count)), stored.positions),
        "result": (expected.result, outcome["result"]),
        "end": ("completed", (last.end or {}).get("status")),
        "store": (expected.store, _comparable(expected, stored.store)),
        "answers": (expected.answers, stored.answers),
        "mail consumed": (max(stored.mail, default=0), last.cursor),
        "open prompts": ([], last.prompts),
        "stream": (_ordered(expected, expected.stream), _ordered(expected, stored.stream)),
        "stream as read": (stored.stream, outcome["stream"]),
    }
    return [f"{k}: {want} became {have}" for k, (want, have) in pairs.items() if want != have]


def of_bodies(bodies: list[Body], finished: list[set[Identity]]) -> list[str]:
    """Which bodies ran that should not; `finished` is per process, at its end."""
    problems = []
    for number, body in enumerate(bodies):
        if body.step in ("interview", "heard"):
            continue
        before = [b for b in bodies[:number] if b.identity == body.identity]
        if not before:
            continue
        since = bodies[bodies.index(before[0]) : number]
        if any(other.cause == body.identity for other in since):
            problems.append(f"{body.identity} ran again after its successor had started")
        if before[-1].process == body.process:
            problems.append(f"{body.identity} ran twice in process {body.process}")
        if body.identity in set().union(*finished[: body.process - 1]):
            problems.append(f"{body.identity} ran again after its entry was on disk")
    return problems + _of_interview(bodies, len(finished))


def _of_interview(bodies: list[Body], processes: int) -> list[str]:
    """A step that waits runs anew for each answer, and never forgets one."""
    heard: list[int] = []
    for body in bodies:
        if body.step == "interview":
            heard.append(0)
        elif body.step == "heard":
            heard[-1] += 1
    problems = []
    if heard != sorted(heard):
        problems.append(f"the interview heard {heard} answers: it forgot one")
    often = {n: times for n, times in Counter(heard).items() if times > processes}
    if often:
        problems.append(f"the interview ran too often: answers heard, times: {often}")
    return problems


def _ordered(expected: Expected, stream: list[list[Any]]) -> Any:
    """A stream as far as its order is defined: of each item, where they interleave."""
    if not expected.interleaves:
        return stream
    lanes: dict[str, list[str]] = {}
    for name, value in stream[:-1]:
        lanes.setdefault(value["what"].split()[0], []).append(f"{name} {value['what']}")
    return dict(sorted(lanes.items())), stream[-1]


def _comparable(expected: Expected, store: dict[str, Any]) -> dict[str, Any]:
    if not expected.interleaves:
        return store
    return {k: sorted(v) if isinstance(v, list) else v for k, v in store.items()}


def outcome_of(folder: Path, process: int) -> dict[str, Any]:
    """What a finished process gave its caller."""
    outcome: dict[str, Any] = json.loads((folder / f"outcome-{process}").read_text())
    return outcome
