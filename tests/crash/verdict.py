"""Whether a run that was killed ended as one that was not."""

from __future__ import annotations

import json
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

from durable_notebook.journal._entry import Entry

from .backends import Backend
from .bodies import Body
from .expected import Expected, Plain

Identity = tuple[str, str]

# What the library publishes about itself; no reader gets these without asking.
_HIDDEN = ("StepStateChanged", "WorkflowIdleEvent", "UnhandledEvent")


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database holds of the run."""

    status: str | None = None
    positions: list[int] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    mail: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, backend: Backend, url: str) -> Stored:
        """Read what a process, killed or not, has left."""
        runs, rows, mail = backend.rows(
            url,
            "SELECT status FROM workflow_status WHERE workflow_uuid NOT LIKE '%-child'",
            "SELECT function_id - 1, output FROM operation_outputs"
            " WHERE workflow_uuid NOT LIKE '%-child' ORDER BY function_id",
            "SELECT sequence FROM durable_mail ORDER BY sequence",
        )
        assert len(runs) <= 1, "a run was started twice"
        return cls(
            runs[0][0] if runs else None,
            [row[0] for row in rows],
            [Entry.decode(row[1]) for row in rows],
            [row[0] for row in mail],
        )

    @property
    def stream(self) -> list[Plain]:
        """The events that a reader gets."""
        trees = [tree for entry in self.entries for tree in entry.stream]
        return [plain for plain in map(_plain, trees) if plain[0] not in _HIDDEN]

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
            kinds = {result["type"] for result in tick.get("result", [])}
            if tick["type"] == "step_result" and not kinds & {"add_waiter", "failed"}:
                fields = _plain(tick["event"])[1]
                given = fields.get("id") or fields.get("about") or "start"
                found.add((str(tick["step_id"]), given))
        return found


def _plain(tree: dict[str, Any]) -> Plain:
    value = dict(tree["value"])
    data = value.pop("_data", None) or {}
    return [tree["qualified_name"].rpartition(".")[2], {**value, **data}]


def outcome_of(folder: Path, process: int) -> dict[str, Any]:
    """What a finished process gave its caller."""
    outcome: dict[str, Any] = json.loads((folder / f"outcome-{process}").read_text())
    return outcome


def of_run(expected: Expected, stored: Stored, outcome: dict[str, Any]) -> list[str]:
    """What a finished run has that the uninterrupted one has not, in words."""
    last = stored.entries[-1]
    stream = [[name, _without_times(value)] for name, value in stored.stream]
    end = {"SUCCESS": "completed", "ERROR": "failed"}[expected.status]
    pairs = {
        "status": (expected.status, stored.status),
        "positions": (list(range(len(stored.entries))), stored.positions),
        "result": (expected.result, outcome["result"]),
        "end": (end, (last.end or {}).get("status")),
        "store": (expected.store, _in_order(expected, stored.store)),
        "answers consumed": (expected.answers, _in_order(expected, stored.answers)),
        "cursor": (max(stored.mail, default=0), last.cursor),
        "open prompts": ([], last.prompts),
        "stream": (_lanes(expected, expected.stream), _lanes(expected, stream)),
        "stream as read": (stored.stream, outcome["stream"]),
    }
    return [f"{k}: {a}\nbecame {b}" for k, (a, b) in pairs.items() if a != b]


def of_bodies(bodies: list[Body], finished: list[set[Identity]]) -> list[str]:
    """Which bodies ran that should not; `finished` as it was after each process."""
    problems = []
    first: dict[Identity, int] = {}
    latest: dict[Identity, tuple[int, int]] = {}
    for number, body in enumerate(bodies):
        if body.step in ("ask", "heard"):
            continue
        began = first.setdefault(body.identity, number)
        if any(other.cause == body.identity for other in bodies[began:number]):
            problems.append(f"{body.identity} ran again: its successor had started")
        if latest.get(body.identity) == (body.process, body.life):
            problems.append(f"{body.identity} ran twice in process {body.process}")
        if any(body.identity in done for done in finished[: body.process - 1]):
            problems.append(f"{body.identity} ran again: its entry was on disk")
        latest[body.identity] = body.process, body.life
    asking = {body.input for body in bodies if body.step == "ask"}
    again = len({(b.process, b.life) for b in bodies if b.life > 1})
    lives = len(finished) + again
    return problems + [p for i in asking for p in _of_waits(i, bodies, lives)]


def _of_waits(given: str, bodies: list[Body], lives: int) -> list[str]:
    """A body that waits runs anew for each answer: once a life, and forgets none."""
    heard: list[int] = []
    last_of_life: dict[tuple[int, int], int] = {}
    for body in bodies:
        if body.identity == ("ask", given):
            heard.append(0)
            last_of_life[body.process, body.life] = len(heard) - 1
        elif body.identity == ("heard", given):
            heard[-1] += 1
    problems = []
    most = 0
    for number, answers in enumerate(heard):
        # A killed process's last body may have had no time to hear.
        if answers < most and number not in last_of_life.values():
            problems.append(f"the body of {given} forgot an answer: it had {heard}")
        most = max(most, answers)
    often = [n for n, times in Counter(heard).items() if times > lives]
    if often:
        problems.append(f"the body of {given} ran too often: it had {heard} answers")
    return problems


def _without_times(value: dict[str, Any]) -> dict[str, Any]:
    return {name: v for name, v in value.items() if name != "elapsed_seconds"}


def _lanes(expected: Expected, stream: list[Plain]) -> Any:
    """A stream as far as its order is defined: of each item, where they interleave."""
    if not expected.interleaves:
        return stream
    lanes: dict[str, list[Plain]] = {}
    for event in stream[:-1]:
        lane = event[1].get("what", event[1].get("about"))
        lanes.setdefault(lane.split()[0], []).append(event)
    return dict(sorted(lanes.items())), stream[-1:]


def _in_order(expected: Expected, value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _in_order(expected, v) for k, v in value.items()}
    if expected.interleaves and isinstance(value, list):
        return sorted(value)
    return value
