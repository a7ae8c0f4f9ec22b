"""A run's journal, reduced as far as some position.

Entries are reduced one after the other: their ticks with the library's own reducer,
their store patches on top of each other. No step body runs for this, so nobody's code
has to be deterministic. A snapshot is a reduction that is written down, so that a long
run need not be reduced from its beginning.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from workflows.context.context_types import SerializedContext
from workflows.context.state_store import (
    StateCheckpoint,
    apply_state_patch,
    infer_state_type,
)
from workflows.runtime.control_loop import rebuild_state_from_ticks
from workflows.runtime.types.internal_state import BrokerState
from workflows.runtime.types.results import StepWorkerWaiter
from workflows.runtime.types.ticks import TickSessionStart, TickStepResult, WorkflowTick

from durable_notebook._model import Json
from durable_notebook.journal._entry import RecordedEntry
from durable_notebook.runtime.codec._codec import Codec
from durable_notebook.runtime.recovery._registry import Definition
from durable_notebook.runtime.state._waits import Waits

FORMAT = 1


class Reduction:
    """What the entries up to `position` make of a run.

    Attributes:
        position: Of the last entry that is in it; -1 before the first.
        at: When that entry was written.
        code: The digest of the code that ran last.
        state: The control loop's.
        store: The store's payload, as the library writes it.
        waits: The deadlines of waits.
        begun: The step bodies in flight, `step:worker`, and at what time and in which
            session each began.
        asked: How many questions the run has asked.
        snapshot_at: The position of the snapshot it was read from; -1 without one.
    """

    def __init__(
        self, run_id: str, definition: Definition, state: BrokerState, store: Json
    ) -> None:
        self.position = -1
        self.at = 0.0
        self.code = ""
        self.state = state
        self.store = store
        self.waits = Waits()
        self.begun: dict[str, tuple[float, int]] = {}
        self.asked = 0
        self.snapshot_at = -1
        self._run_id = run_id
        self._codec = definition.codec

    @classmethod
    def first(
        cls, run_id: str, definition: Definition, inputs: dict[str, Json]
    ) -> Reduction:
        """A run before its first entry."""
        store = inputs.get("store")
        if store is None:
            store = payload(infer_state_type(definition.workflow)(), definition.codec)
        if "context" not in inputs:
            state = BrokerState.from_workflow(definition.workflow)
        else:
            state = _state(inputs["context"], definition)
        return cls(run_id, definition, state, store)

    def next(self, recorded: RecordedEntry) -> None:
        """Reduce the entry behind the last one."""
        entry = recorded.entry
        for tree in entry.ticks:
            self._reduce(self._codec.read_tick(tree))
        self.store = apply_state_patch(self.store, entry.store)
        self.begun |= dict.fromkeys(entry.starts, (entry.at, entry.session))
        numbers = [prompt["number"] + 1 for prompt in entry.prompts]
        self.asked = max([self.asked, *numbers])
        self.position, self.at = recorded.position, entry.at
        self.code = entry.code or self.code

    def _reduce(self, tick: WorkflowTick) -> None:
        if isinstance(tick, TickSessionStart):
            self.begun.clear()
        elif isinstance(tick, TickStepResult):
            self.begun.pop(f"{tick.step_id}:{tick.worker_id}", None)
        self.waits.next(tick, self.state)
        self.state = reduced(self.state, [tick], self._run_id)

    # -- snapshots -----------------------------------------------------------------

    def snapshot(self) -> str:
        """Write it down.

        Raises:
            ValueError: The state has what the library cannot write: child workflows.
        """
        context = self.state.to_serialized(self._codec.serializer)
        tree = {
            "v": FORMAT,
            "position": self.position,
            "at": self.at,
            "code": self.code,
            "context": context.model_dump(mode="json", exclude_defaults=True),
            "waiters": self._waiters(),
            "store": self.store,
            "waits": self.waits.tree(self.state),
            "begun": self.begun,
            "asked": self.asked,
        }
        return json.dumps(tree, separators=(",", ":"))

    @classmethod
    def read(cls, run_id: str, definition: Definition, text: str) -> Reduction:
        """Read what `snapshot` wrote.

        Raises:
            ValueError: It is of another format, or names a class that is not here.
        """
        tree = json.loads(text)
        if tree["v"] != FORMAT:
            raise ValueError(f"a snapshot of format {tree['v']}")
        state = _state(tree["context"], definition)
        found = cls(run_id, definition, state, tree["store"])
        found._set_waiters(tree["waiters"])
        found.waits = Waits.read(tree["waits"])
        found.begun = {key: (at, life) for key, (at, life) in tree["begun"].items()}
        found.asked = tree["asked"]
        found.position = found.snapshot_at = tree["position"]
        found.at = tree["at"]
        found.code = tree["code"]
        return found

    def _waiters(self) -> list[Json]:
        """What the library leaves out of the waits it writes, in its order."""
        serialize = self._codec.serializer.serialize_value
        return [
            [serialize(waiter.requirements), waiter.timed_out]
            for waiter in _waiters_of(self.state)
        ]

    def _set_waiters(self, trees: list[Json]) -> None:
        deserialize = self._codec.serializer.deserialize_value
        for waiter, (requirements, timed_out) in zip(
            _waiters_of(self.state), trees, strict=True
        ):
            waiter.requirements = deserialize(requirements)
            waiter.timed_out = timed_out


def reduced(state: BrokerState, ticks: list[WorkflowTick], run_id: str) -> BrokerState:
    """The state after these ticks, as the live control loop had it."""
    for tick in ticks:
        if isinstance(tick, TickSessionStart):
            keep_order(state)
        state = rebuild_state_from_ticks(state, [tick], run_id=run_id)
    return state


def keep_order(state: BrokerState) -> None:
    """Have interrupted bodies begin again in the order in which they first began.

    At the start of a session the library puts each to the front of its queue, one
    after the other, which turns them round. Turned round beforehand they keep their
    order. Applied wherever a session starts, live and when its tick is reduced again,
    so that both give the same state.
    """
    for worker in state.workers.values():
        worker.in_progress.reverse()


def payload(state: BaseModel, codec: Codec) -> Json:
    """A store's state as the library writes it."""
    return codec.redaction.tree(StateCheckpoint(state, codec.serializer).to_dict())


def _state(tree: Json, definition: Definition) -> BrokerState:
    return BrokerState.from_serialized(
        SerializedContext.model_validate(tree),
        definition.workflow,
        definition.codec.serializer,
    )


def _waiters_of(state: BrokerState) -> list[StepWorkerWaiter[Any]]:
    """Those of the steps and of the bodies in flight, each of which has a copy."""
    found = []
    for _, worker in sorted(state.workers.items(), key=lambda item: str(item[0])):
        found += worker.collected_waiters
        for body in worker.in_progress:
            found += body.shared_state.collected_waiters
    return found
