"""A journal with two lives, as values."""

from __future__ import annotations

from datetime import timedelta

from durable_notebook._model import (
    Attempt,
    AttemptStatus,
    EventView,
    RunInfo,
    RunStatus,
    at,
)

BEGAN = at(1_700_000_000)


def attempt(second: float, *, session: int = 1, name: str = "tick") -> Attempt:
    started = BEGAN + timedelta(seconds=second)
    return Attempt(
        step=name,
        position=int(second * 2),
        received=EventView("Tick", {"count": int(second * 2)}),
        returned=(EventView("Tick", {"count": int(second * 2) + 1}),),
        started=started,
        finished=started + timedelta(seconds=0.5),
        attempt=1,
        session=session,
        status=AttemptStatus.COMPLETED,
        store=({"op": "replace", "path": "/state_data/_data/count", "value": 1},),
    )


def interrupted(second: float) -> Attempt:
    return Attempt(
        step="tick",
        position=None,
        received=EventView("Tick", {"count": int(second * 2)}),
        returned=(),
        started=BEGAN + timedelta(seconds=second),
        finished=None,
        attempt=1,
        session=1,
        status=AttemptStatus.INTERRUPTED,
    )


TWO_LIVES = [
    attempt(0),
    attempt(0.5),
    interrupted(1),
    attempt(3601, session=2),
    attempt(3601.5, session=2),
]


def info(**changes: object) -> RunInfo:
    values: dict[str, object] = {
        "run_id": "a",
        "workflow": "__main__.Counter",
        "status": RunStatus.COMPLETED,
        "waits_for": None,
        "steps": 4,
        "started": BEGAN,
        "updated": BEGAN,
        "executor_id": "local",
    }
    return RunInfo(**(values | changes))  # type: ignore[arg-type]
