"""From the journal back to a run: reduce the recorded ticks, apply the store patches.

No step body runs for this, so nobody's code has to be deterministic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel
from workflows._event_matching import step_accepts_event
from workflows.context.context_types import SerializedContext
from workflows.context.state_store import (
    InMemoryStateStore,
    StateCheckpoint,
    apply_state_patch,
    decode_state,
    infer_state_type,
)
from workflows.events import Event
from workflows.runtime.control_loop import rebuild_state_from_ticks
from workflows.runtime.types.internal_state import BrokerState
from workflows.runtime.types.ticks import (
    TickSessionStart,
    TickWaiterTimeout,
    WorkflowTick,
)

from durable_notebook._entry import RecordedEntry
from durable_notebook._model import Json
from durable_notebook.errors import DamagedJournalError, ReplayMismatchError
from durable_notebook.runtime._codec import Codec
from durable_notebook.runtime._flight import Carried, Flight, work_key
from durable_notebook.runtime._prompts import Prompts
from durable_notebook.runtime._registry import Definition
from durable_notebook.runtime._state import JournaledState
from durable_notebook.runtime._waits import Waits


@dataclass(slots=True)
class Restored:
    """Where a run stands on disk: what a process needs to go on with it."""

    state: BrokerState
    store: JournaledState
    events: list[Event]
    flight: Flight
    prompts: Prompts
    interrupted: list[Json]
    waits: list[tuple[float, TickWaiterTimeout]]
    steps: int
    position: int
    cursor: int
    at: float
    end: dict[str, Json] | None
    accepts: Callable[[Event], bool]


def first_inputs(
    definition: Definition,
    start: Json,
    init_state: BrokerState,
    serialized_state: dict[str, Any] | None,
) -> dict[str, Json]:
    """What DBOS keeps as a run's input: all it takes to begin it from nothing."""
    inputs: dict[str, Json] = {"durable_notebook": 1, "start": start}
    if definition.origin is not None:
        inputs["origin"] = definition.origin
    if init_state != BrokerState.from_workflow(definition.workflow):
        serialized = init_state.to_serialized(definition.codec.serializer)
        inputs["context"] = serialized.model_dump(mode="json")
    if serialized_state:
        store = InMemoryStateStore.from_dict(
            serialized_state, definition.codec.serializer
        )
        inputs["store"] = _payload(store.checkpoint().state, definition.codec)
    return inputs


def restore(
    run_id: str,
    definition: Definition,
    inputs: dict[str, Json],
    entries: list[RecordedEntry],
) -> Restored:
    """Bring a run back to the end of its journal.

    Raises:
        DamagedJournalError: An entry is missing.
        ReplayMismatchError: The journal does not fit today's workflow.
    """
    for position, recorded in enumerate(entries):
        if recorded.position != position:
            raise DamagedJournalError(run_id, position, "there is no entry")
    codec = definition.codec
    where = -1
    try:
        state = _first_state(definition, inputs)
        payload = inputs.get("store") or _payload(
            infer_state_type(definition.workflow)(), codec
        )
        events = []
        waits = Waits()
        for recorded in entries:
            where, entry = recorded.position, recorded.entry
            ticks: list[WorkflowTick] = [codec.read_tick(t) for t in entry.ticks]
            for tick in ticks:
                if isinstance(tick, TickSessionStart):
                    keep_order(state)
                waits.next(tick, state)
                state = rebuild_state_from_ticks(state, [tick], run_id=run_id)
            payload = apply_state_patch(payload, entry.store)
            events += [codec.read_event(tree) for tree in entry.stream]
        _check_in_flight(state, entries)
        store = JournaledState(
            decode_state(payload["state_data"], codec.serializer), codec.serializer
        )
    except Exception as e:
        problem = f"{type(e).__name__}: {e}"
        raise ReplayMismatchError(run_id, max(where, 0), problem) from e
    last = entries[-1].entry if entries else None
    carried, interrupted = _left_in_flight(state, entries, codec)
    keep_order(state)
    asked = [p["number"] for r in entries for p in r.entry.prompts]
    return Restored(
        state=state,
        store=store,
        events=events,
        flight=Flight(carried),
        prompts=Prompts(
            codec,
            definition.answers(),
            last.prompts if last else [],
            max(asked, default=-1) + 1,
        ),
        interrupted=interrupted,
        waits=waits.left(state),
        steps=sum(len(r.entry.bodies) for r in entries),
        position=entries[-1].position + 1 if entries else 0,
        cursor=last.cursor if last else 0,
        at=last.at if last else 0.0,
        end=last.end if last else None,
        accepts=partial(_is_accepted, state),
    )


def keep_order(state: BrokerState) -> None:
    """Have interrupted bodies begin again in the order in which they first began.

    At the start of a session the library puts each to the front of its queue, one
    after the other, which turns them round. Turned round beforehand they keep their
    order. Applied wherever a session starts, live and when its tick is reduced again,
    so that both give the same state.
    """
    for worker in state.workers.values():
        worker.in_progress.reverse()


def _check_in_flight(state: BrokerState, entries: list[RecordedEntry]) -> None:
    """Refuse to give what one step had begun to another step."""
    begun: set[str] = set()
    for recorded in entries:
        for tick in recorded.entry.ticks:
            if tick["type"] == "session_start":
                begun.clear()
            elif tick["type"] == "step_result":
                begun.discard(f"{tick['step_id']}:{tick['worker_id']}")
        begun.update(recorded.entry.starts)
    today = {
        f"{step}:{execution.worker_id}"
        for step, worker in state.workers.items()
        for execution in worker.in_progress
    }
    if state.is_running and not begun <= today:
        was = ", ".join(sorted(begun - today))
        now = ", ".join(sorted(today - begun)) or "nothing"
        raise ValueError(f"in flight was {was}; today's workflow would run {now}")


def _is_accepted(state: BrokerState, event: Event) -> bool:
    """Whether a step takes an event from outside, as the library routes it."""
    return any(
        step_accepts_event(
            event, step.accepted_events, allow_subclasses=step.accept_event_subclasses
        )
        for step in state.config.steps.values()
    )


def _first_state(definition: Definition, inputs: dict[str, Json]) -> BrokerState:
    if "context" not in inputs:
        return BrokerState.from_workflow(definition.workflow)
    serialized = SerializedContext.model_validate(inputs["context"])
    return BrokerState.from_serialized(
        serialized, definition.workflow, definition.codec.serializer
    )


def _payload(state: BaseModel, codec: Codec) -> dict[str, Json]:
    return StateCheckpoint(state, codec.serializer).to_dict()


def _left_in_flight(
    state: BrokerState, entries: list[RecordedEntry], codec: Codec
) -> tuple[dict[str, list[Carried]], list[Json]]:
    """Step bodies that began and whose result no entry holds: they run again.

    Gives what their re-executions must know, and the rows that tell of them.
    """
    if not entries:
        return {}, []
    known = {
        key: [Carried.read(tree) for tree in trees]
        for key, trees in entries[-1].entry.flight.items()
    }
    carried: dict[str, list[Carried]] = {}
    interrupted: list[Json] = []
    for step, worker in state.workers.items():
        for execution in worker.in_progress:
            key = work_key(str(step), execution.work_item_id, execution.attempts)
            left = known[key].pop(0) if known.get(key) else Carried()
            left.tries += 1
            carried.setdefault(key, []).append(left)
            began = _began(f"{step}:{execution.worker_id}", entries)
            interrupted.append(
                {
                    "step": str(step),
                    "event": codec.event(execution.event),
                    "attempt": left.tries + execution.attempts,
                    "started": began.entry.at,
                    "session": began.entry.session,
                }
            )
    for key, rest in known.items():
        carried.setdefault(key, []).extend(rest)
    return carried, interrupted


def _began(start: str, entries: list[RecordedEntry]) -> RecordedEntry:
    return next((r for r in reversed(entries) if start in r.entry.starts), entries[-1])
