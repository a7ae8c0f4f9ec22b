"""Runs that are judged, made by the runtime itself, in two lives."""

from __future__ import annotations

from dataclasses import replace

from durable_notebook._model import Attempt, AttemptStatus, EventView, RunInfo
from durable_notebook.course import Evidence
from tests.views.samples import attempt, info, interrupted

START = replace(
    attempt(0, name="start"),
    store=({"op": "add", "path": "/state_data/_data/count", "value": 0},),
)
CUT = replace(interrupted(1), step="charge", received=EventView("Paid", {"cents": 40}))
AGAIN = replace(
    attempt(3601, session=2, name="charge"), attempt=2, is_repeat=True, position=1
)
SHIP = replace(attempt(3602, session=2, name="ship"), position=2)


def found(*rows: Attempt, **changes: object) -> Evidence:
    """An order that was killed while it charged, or these rows."""
    made: RunInfo = info(steps=3, run_id="order-1")
    return replace(
        Evidence(
            info=made,
            rows=rows or (START, CUT, AGAIN, SHIP),
            workflow_steps=("start", "charge", "ship", "refund"),
            ledger=["charged 40", "charged 40", "shipped"],
            ledger_name="ledger.txt",
        ),
        **changes,  # type: ignore[arg-type]
    )


def failed(second: float) -> Attempt:
    return replace(
        attempt(second, name="charge"), status=AttemptStatus.FAILED, error="No: no"
    )
