"""From the journal back to a run that can go on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from workflows._event_matching import step_accepts_event
from workflows.context.state_store import InMemoryStateStore, decode_state
from workflows.events import Event
from workflows.runtime.types.internal_state import BrokerState
from workflows.runtime.types.ticks import TickWaiterTimeout

from durable_notebook._model import Json
from durable_notebook.errors import (
    DamagedJournalError,
    ReplayMismatchError,
    StorageError,
)
from durable_notebook.journal._entry import Entry, RecordedEntry
from durable_notebook.logs import about
from durable_notebook.runtime.codec._codec import Codec
from durable_notebook.runtime.codec._exceptions import said
from durable_notebook.runtime.recovery._code import Code
from durable_notebook.runtime.recovery._reduction import Reduction, keep_order, payload
from durable_notebook.runtime.recovery._registry import Definition
from durable_notebook.runtime.state._flight import Carried, Flight, work_key
from durable_notebook.runtime.state._prompts import Prompts
from durable_notebook.runtime.state._store import JournaledState
from durable_notebook.store import Store

logger = logging.getLogger("durable_notebook")


@dataclass(slots=True)
class Restored:
    """Where a run stands on disk: what a process needs to go on with it.

    `snapshot` is the position of its newest snapshot, -1 if there is none; `code` the
    digest of the code that ran last; `cursor` how far the journal has consumed the
    mailbox, and `consumed` how far it had before it was taken back, if it was.
    """

    state: BrokerState
    store: JournaledState
    events: int
    flight: Flight
    prompts: Prompts
    interrupted: list[Json]
    waits: list[tuple[float, TickWaiterTimeout]]
    steps: int
    progress: list[Json]
    position: int
    cursor: int
    consumed: int
    code: str
    snapshot: int
    at: float
    end: dict[str, Json] | None
    accepts: Callable[[Event], bool]
    is_paused: bool
    is_set_going: bool


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
        inputs["store"] = payload(store.checkpoint().state, definition.codec)
    return inputs


def restore(
    store: Store, run_id: str, definition: Definition, inputs: dict[str, Json]
) -> Restored:
    """Bring a run back to the end of its journal.

    Raises:
        DamagedJournalError: An entry is missing.
        ReplayMismatchError: The journal does not fit today's workflow.
        StorageError: See `Store.entries`.
    """
    codec = definition.codec
    reduction, recorded = reduce_journal(store, run_id, definition, inputs)
    state, last = reduction.state, recorded.entry if recorded else Entry(0, 0.0)
    past = store.past(run_id)
    try:
        _check_in_flight(state, reduction)
        data = decode_state(reduction.store["state_data"], codec.serializer)
        ctx_store = JournaledState(data, codec.serializer)
        carried, interrupted, repeats = _left_in_flight(reduction, last, codec)
    except Exception as e:
        raise _mismatch(store, run_id, definition, reduction.position, e) from e
    keep_order(state)
    return Restored(
        state=state,
        store=ctx_store,
        events=last.events,
        flight=Flight(carried, repeats),
        prompts=Prompts(codec, definition.answers(), last.prompts, reduction.asked),
        interrupted=interrupted,
        waits=reduction.waits.left(state, since=past.set_going_at),
        steps=last.steps,
        progress=last.progress,
        position=reduction.position + 1,
        cursor=last.cursor,
        consumed=past.consumed,
        code=reduction.code,
        snapshot=reduction.snapshot_at,
        at=last.at,
        end=last.end,
        accepts=partial(_is_accepted, state),
        is_paused=past.paused_at is not None,
        is_set_going=(past.set_going_at or 0.0) > last.at,
    )


def reduce_journal(
    store: Store, run_id: str, definition: Definition, inputs: dict[str, Json]
) -> tuple[Reduction, RecordedEntry | None]:
    """Reduce a run's journal, and give its last entry.

    It begins at the run's snapshot, where there is one that fits.

    Raises:
        ReplayMismatchError: The journal does not fit today's workflow.
    """
    where, last = 0, None
    try:
        reduction, entries = _from_snapshot(store, run_id, definition) or (
            Reduction.first(run_id, definition, inputs),
            store.entries(run_id),
        )
        for last in entries:
            if last.position > reduction.position:
                where = last.position
                if where != reduction.position + 1:
                    missing = reduction.position + 1
                    raise DamagedJournalError(run_id, missing, "there is no entry")
                reduction.next(last)
    except (StorageError, DamagedJournalError, ReplayMismatchError):
        raise
    except Exception as e:
        raise _mismatch(store, run_id, definition, where, e) from e
    return reduction, last


def _from_snapshot(
    store: Store, run_id: str, definition: Definition
) -> tuple[Reduction, list[RecordedEntry]] | None:
    """The run's snapshot, and the entries from its own on; None without one that fits.

    The entry it was made of must be there: DBOS can rewind a run, which then goes
    another way.
    """
    text = store.snapshot(run_id)
    if text is None:
        return None
    try:
        reduction = Reduction.read(run_id, definition, text)
    except Exception:
        # Of a class that has changed, say. The journal has all that it has.
        # Not with what does not fit: that is what events and the store hold.
        logger.debug(
            "The snapshot of run %r does not fit.", run_id, extra=about(run_id)
        )
        return None
    if reduction.code != definition.code.digest:
        before = recorded_code(store, reduction.code)
        if before is None or definition.code.changes(before):
            return None
    entries = store.entries(run_id, after=reduction.position - 1)
    of = [(e.position, e.entry.at) for e in entries[:1]]
    return (reduction, entries) if of == [(reduction.position, reduction.at)] else None


def recorded_code(store: Store, digest: str) -> Code | None:
    """A workflow's code as a run recorded it."""
    text = store.code(digest)
    return None if text is None else Code.read(text)


def _mismatch(
    store: Store, run_id: str, definition: Definition, where: int, problem: Exception
) -> ReplayMismatchError:
    digests = [recorded.entry.code for recorded in store.entries(run_id)]
    before = recorded_code(store, next(filter(None, reversed(digests)), ""))
    changes = [] if before is None else definition.code.changes(before)
    why = said(problem) or type(problem).__name__
    if isinstance(problem, KeyError):
        why = f"it needs {str(problem.args[0])!r}, which is not there"
    return ReplayMismatchError(run_id, where, why, tuple(changes))


def _check_in_flight(state: BrokerState, reduction: Reduction) -> None:
    """Refuse to give what one step had begun to another step."""
    begun = reduction.begun.keys()
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


def _left_in_flight(
    reduction: Reduction, last: Entry, codec: Codec
) -> tuple[dict[str, list[Carried]], list[Json], int]:
    """Step bodies that began and whose result no entry holds: they run again.

    Gives what their re-executions must know, the rows that tell of those which this
    session found, and how many re-executions begin.
    """
    known = {
        key: [Carried.read(tree) for tree in trees]
        for key, trees in last.flight.items()
    }
    carried: dict[str, list[Carried]] = {}
    interrupted: list[Json] = []
    repeats = 0
    for step, worker in reduction.state.workers.items():
        for execution in worker.in_progress:
            began = reduction.begun.get(f"{step}:{execution.worker_id}")
            key = work_key(str(step), execution.work_item_id, execution.attempts)
            if began is None:
                # The turn that begins it was written before it was over.
                repeats += any(left.tries for left in known.get(key, [])[:1])
                continue
            repeats += 1
            left = known[key].pop(0) if known.get(key) else Carried()
            left.tries += 1
            left.bodies = (*left.bodies, execution.invocation_id or "")
            carried.setdefault(key, []).append(left)
            began_at, session = began
            interrupted.append(
                {
                    "step": str(step),
                    "event": codec.event(execution.event),
                    "attempt": left.tries + execution.attempts,
                    "started": began_at,
                    "session": session,
                }
            )
    for key, rest in known.items():
        carried.setdefault(key, []).extend(rest)
    return carried, interrupted, repeats
