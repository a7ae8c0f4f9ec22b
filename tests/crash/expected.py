"""What each workflow leaves when nobody interrupts it, written down by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .asking import PANEL
from .lasting import BEATS, CHUNKS, TALKERS
from .workflows import ITEMS, STEPS, TRIES

Plain = list[Any]
"""An event as its class's name and its fields."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A run's outcome.

    `commits` is how many a process makes for it, roughly: the random kills are among
    them. Where bodies interleave, the order between them is nobody's promise.
    """

    result: Any
    store: dict[str, Any]
    stream: list[Plain]
    commits: int
    answers: list[str] = field(default_factory=list)
    interleaves: bool = False
    status: str = "SUCCESS"


def _seen(*texts: str) -> list[Plain]:
    return [["Seen", {"what": what}] for what in texts]


def _asked(about: str) -> list[Plain]:
    return [["Question", {"about": about}]]


def _stop(result: Any) -> list[Plain]:
    return [["StopEvent", {"result": result}]]


_IDS = [str(number) for number in range(ITEMS)]
_HALVES = [f"{number}{half}" for number in _IDS for half in "ab"]
_ENDS = ("begins", "is half done", "ends")
_HEARD = ["my name", "my town"]

EXPECTED: dict[str, Expected] = {
    "counter": Expected(
        result=STEPS,
        store={"total": STEPS},
        stream=[
            *_seen(*(f"{n} makes {n}" for n in range(1, STEPS + 1))),
            *_stop(STEPS),
        ],
        commits=24,
    ),
    "fanout": Expected(
        result=_IDS,
        store={"items": _IDS, "made": ITEMS, "joined": _IDS},
        stream=[*_seen(*(f"{n} is made" for n in _IDS)), *_stop(_IDS)],
        commits=26,
    ),
    "interleaved": Expected(
        result=sorted(_IDS + _HALVES),
        store={"items": _IDS, "begun": ITEMS, "ended": ITEMS, "audited": 2 * ITEMS},
        stream=[
            *_seen(*(f"{n} {end}" for n in _IDS for end in _ENDS)),
            *_stop(sorted(_IDS + _HALVES)),
        ],
        commits=48,
        interleaves=True,
    ),
    "retries": Expected(
        result=_IDS[:2],
        store={"tried": 2 * TRIES, "tried_on": 2 * TRIES},
        stream=[
            *_seen(*(f"{n} try {t}" for n in _IDS[:2] for t in range(TRIES))),
            *_stop(_IDS[:2]),
        ],
        commits=24,
        interleaves=True,
    ),
    "fails": Expected(
        result="LookupError: no such thing",
        store={"total": 1},
        stream=[
            *_seen("1 begins"),
            [
                "WorkflowFailedEvent",
                {
                    "step_name": "second",
                    "exception": {
                        "exception_type": "builtins.LookupError",
                        "exception_message": "no such thing",
                    },
                    "attempts": 1,
                },
            ],
        ],
        commits=16,
        status="ERROR",
    ),
    "backoff": Expected(
        result=["beat", "work"],
        store={"tried": 3, "beats": BEATS},
        stream=[*_seen(*(f"work try {n}" for n in range(3))), *_stop(["beat", "work"])],
        commits=24,
    ),
    "streaming": Expected(
        result=[*_IDS[:TALKERS], "beat"],
        store={},
        stream=[
            *_seen(*(f"{n} says {i}" for n in _IDS[:TALKERS] for i in range(CHUNKS))),
            *_stop([*_IDS[:TALKERS], "beat"]),
        ],
        commits=26,
        interleaves=True,
    ),
    "parent": Expected(
        result=6,
        store={"asked": True, "total": 6},
        stream=[*_seen("the child says 6"), *_stop(6)],
        commits=26,
    ),
    "interview": Expected(
        result=_HEARD,
        # The step runs three times: twice up to an answer it waits for.
        store={"asked": 3, "heard": _HEARD},
        stream=[
            *_asked("name"),
            *_seen("name is my name"),
            *_asked("town"),
            *_seen("name is my name", "town is my town"),
            *_stop(_HEARD),
        ],
        commits=20,
        answers=["name", "town"],
    ),
    "spoken": Expected(
        result=_HEARD,
        store={},
        stream=[
            *_asked("name"),
            *_asked("name"),
            *_asked("town"),
            *_asked("name"),
            *_asked("town"),
            *_stop(_HEARD),
        ],
        commits=20,
        answers=["name", "town"],
    ),
    "panel": Expected(
        result=_IDS[:PANEL],
        store={"heard": PANEL},
        stream=[
            *(asked for n in _IDS[:PANEL] for asked in _asked(n)),
            *_seen(*(f"{n} heard my {n}" for n in _IDS[:PANEL])),
            *_stop(_IDS[:PANEL]),
        ],
        commits=24,
        answers=_IDS[:PANEL],
        interleaves=True,
    ),
    "letters": Expected(
        result=_HEARD,
        store={"heard": _HEARD},
        stream=[
            *_asked("name"),
            *_seen("name is my name"),
            *_asked("town"),
            *_seen("town is my town"),
            *_stop(_HEARD),
        ],
        commits=20,
        answers=["name", "town"],
    ),
    "duet": Expected(
        result=True,
        store={"is_ready": True},
        stream=[*_asked("name"), *_stop(True)],
        commits=19,
        answers=["name"],
    ),
}
