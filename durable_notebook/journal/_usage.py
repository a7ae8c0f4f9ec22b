"""What model calls cost, off the events that tell of it, and what was kept.

The responses of LlamaIndex's models carry what the provider counted: in `raw` under
`usage` or `usage_metadata`, or flat in `additional_kwargs`. Events that hold such a
response, at whatever depth, tell it to the journal. Nothing is estimated.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from durable_notebook._model import Json
from durable_notebook.journal._entry import RecordedEntry

_IN = ("prompt_tokens", "input_tokens", "prompt_token_count")
_OUT = (
    "completion_tokens",
    "output_tokens",
    "candidates_token_count",
    "response_token_count",
)
_TOTAL = ("total_tokens", "total_token_count")
_USAGES = ("usage", "usage_metadata")

# No call has more; a number beyond that means something else.
_MOST = 1_000_000_000
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of model calls. The total may be more than its parts, or all there is."""

    given: int = 0
    made: int = 0
    total: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.given + other.given, self.made + other.made, self.total + other.total
        )


class Call(NamedTuple):
    """One model call as an event tells of it; the same call has the same `key`."""

    key: str
    usage: Usage
    has_id: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What earlier lives of a run have done, and this one did not do again."""

    steps: int = 0
    time: timedelta = timedelta()
    tokens: int = 0


@dataclass(slots=True)
class _Counted:
    """The calls of a run. Of one with an id the largest count stands: streams grow."""

    by_step: dict[str, Usage] = field(default_factory=dict)
    _known: dict[str, tuple[str, Usage]] = field(default_factory=dict)

    def add(self, step: str, call: Call) -> None:
        if call.has_id:
            of, before = self._known.get(call.key, (step, Usage()))
            if call.usage.total <= before.total:
                return
            self._known[call.key] = of, call.usage
            taken = Usage(-before.given, -before.made, -before.total)
            self._sum(of, taken + call.usage)
        else:
            self._sum(step, call.usage)

    def _sum(self, step: str, usage: Usage) -> None:
        if usage != Usage():
            self.by_step[step] = self.by_step.get(step, Usage()) + usage


def usage_by_step(entries: Sequence[RecordedEntry]) -> dict[str, Usage]:
    """What the steps of a run have used, as far as their events and stream tell.

    A call counts once, at the step that told of it first: not again where its event is
    published and returned, is passed on to other steps, or is a part of the result.
    """
    counted = _Counted()
    for recorded in entries:
        for step, call in _calls_of(recorded):
            counted.add(step, call)
    return counted.by_step


def kept_before(entries: Sequence[RecordedEntry], session: int) -> Kept:
    """What the process lives before this one have done of a run."""
    before = [e for e in entries if e.entry.session < session]
    bodies = [times for e in before for times in e.entry.bodies.values()]
    seconds, end = 0.0, 0.0
    for started, finished, *_ in sorted(bodies):  # Those side by side count once.
        seconds += max(0.0, finished - max(started, end))
        end = max(end, finished)
    tokens = sum(usage.total for usage in usage_by_step(before).values())
    return Kept(len(bodies), timedelta(seconds=seconds), tokens)


def _calls_of(recorded: RecordedEntry) -> Iterator[tuple[str, Call]]:
    """The calls that the bodies of a turn have told of, each with its step."""
    told: Counter[str] = Counter()
    received: set[str] = set()
    first = recorded.name
    for tick in recorded.entry.ticks:
        if tick["type"] != "step_result":
            continue
        step = str(tick["step_id"])
        had = {call.key for call in calls(tick.get("event"))}
        received |= had
        outputs = [sent.get("event") for sent in tick.get("sends", [])]
        outputs += [r.get("result") for r in tick.get("result", [])]
        # What a body sends and returns is one call, told of twice.
        found = {c.key: c for tree in outputs for c in calls(tree) if c.key not in had}
        told.update(found.keys())
        yield from ((step, call) for call in found.values())
        first = step if first == recorded.name else first
    for tree in recorded.entry.stream:
        for call in calls(tree):
            if told[call.key] > 0:
                told[call.key] -= 1
            elif call.key not in received:
                yield first, call


# -- in one event ----------------------------------------------------------------------


def calls(tree: Json) -> list[Call]:
    """The model calls that an event, or anything else of JSON, tells of."""
    return list(_walk(tree, 0))


def _walk(tree: Json, depth: int) -> Iterator[Call]:
    if depth > _DEEPEST:
        return
    if isinstance(tree, list):
        for item in tree:
            yield from _walk(item, depth + 1)
    elif isinstance(tree, dict):
        own = _call(tree)
        if own is not None:
            yield own
        # A response has in `additional_kwargs` what `raw` says already.
        raw = list(_walk(tree.get("raw"), depth + 1)) if own is None else []
        yield from raw
        for name, value in tree.items():
            is_said = own is not None and name in _USAGES
            is_said |= name == "raw" or (bool(raw) and name == "additional_kwargs")
            if not is_said:
                yield from _walk(value, depth + 1)


def _call(tree: dict[str, Json]) -> Call | None:
    """The call that a mapping itself is about; None if it is about none."""
    usage = None
    for name in _USAGES:
        usage = usage or _read(tree.get(name))
    usage = usage or _read(tree)
    if usage is None:
        return None
    call_id = tree.get("id") or tree.get("response_id")
    if isinstance(call_id, str) and call_id:
        return Call(f"id {call_id}", usage, has_id=True)
    text = json.dumps(tree, sort_keys=True, default=str)
    return Call(text, usage, has_id=False)


def _read(tree: Json) -> Usage | None:
    """Counts of tokens, without those that cannot be."""
    if not isinstance(tree, dict):
        return None
    given, made, total = (_number(tree, names) for names in (_IN, _OUT, _TOTAL))
    if not (given or made or total):
        return None
    return Usage(given, made, max(total, given + made))


def _number(tree: dict[str, Json], names: tuple[str, ...]) -> int:
    for name in names:
        value = tree.get(name)
        if type(value) is int and 0 < value <= _MOST:
            return value
    return 0
