"""`ctx.store` of a durable run: the library's in-memory store, with its changes known.

Writes are not journalled by themselves. Each entry carries the difference from the
entry before it, in one commit with the step's result.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from workflows.context.serializers import JsonSerializer
from workflows.context.state_store import (
    DictState,
    InMemoryStateStore,
    StateCheckpoint,
    copy_state_for_edit,
)

from durable_notebook._model import Json
from durable_notebook.runtime.codec._serializer import (
    ClosedJsonSerializer,
    Whole,
    has_odd_keys,
)
from durable_notebook.runtime.state._flight import current_invocation

_IMMUTABLE = (str, int, float, bool, type(None))


class JournaledState(InMemoryStateStore[Any]):
    """A run's store. `changes()` is what the next entry says of it."""

    def __init__(self, state: BaseModel, serializer: JsonSerializer) -> None:
        super().__init__(state)
        self._serializer = self._json = serializer
        self._base = copy_state_for_edit(state)
        self._whole = self._unaddressable(state)
        self._is_touched = False

    def changes(self, *, is_in_use: bool) -> list[Json]:
        """The JSON Patch since the last call, which becomes the new base.

        `is_in_use` says that step bodies are in flight: one that holds a value it
        read may change it at any time, without another call of the store.

        The base is a copy, because the library's own checkpoints share what they
        hold: `items = await store.get("items"); items.append(x)` would change both
        and leave no difference to record.

        Raises:
            TypeError, ValueError: A value cannot be written as JSON.
        """
        if not self._is_touched:
            return []
        now = self.checkpoint().state
        before = StateCheckpoint(_patchable(self._base, self._whole), self._json)
        whole = self._unaddressable(now)
        patch = StateCheckpoint(_patchable(now, whole), self._json).diff(before)
        if patch:
            json.dumps(patch)
            self._base, self._whole = _copied(now, self._base), whole
        self._is_touched = is_in_use
        return patch

    def _unaddressable(self, state: BaseModel) -> frozenset[str]:
        """The values that no patch can reach into: a path has only text in it."""
        if not isinstance(self._json, ClosedJsonSerializer):
            return frozenset()
        return frozenset(k for k, v in _members(state).items() if has_odd_keys(v))

    def unstorable(self) -> tuple[str, str]:
        """Name the first value of the store that JSON cannot hold, and its type."""
        state = self.checkpoint().state
        for name, value in _members(state).items():
            try:
                json.dumps(self._json.serialize_value(value))
            except (TypeError, ValueError):
                return f"ctx.store[{name!r}]", type(value).__name__
        return "ctx.store", type(state).__name__

    # Every read and every write of the base class comes through these two.

    async def _load_state_or_none(self, storage: Any = None) -> Any:
        self._is_touched = True
        state = await super()._load_state_or_none(storage)
        invocation = current_invocation.get()
        is_repeating = invocation is not None and invocation.is_repeating
        if is_repeating and state is not None:
            # Its next edit is stored already and will be dropped. What it changes in
            # place on the way there must not reach the store either.
            return copy_state_for_edit(state)
        return state

    async def _write_state(self, state: BaseModel, storage: Any = None) -> None:
        self._is_touched = True
        invocation = current_invocation.get()
        # Counted where it is saved, with no point in between at which another task
        # could run and write an entry that has one without the other.
        if invocation is None or invocation.makes_edit():
            await super()._write_state(state, storage)


def _patchable(state: BaseModel, whole: frozenset[str]) -> BaseModel:
    if not whole or not isinstance(state, DictState):
        return state
    values = {k: Whole(v) if k in whole else v for k, v in state.items()}
    return DictState(_data=values)


def _members(state: BaseModel) -> dict[str, Any]:
    return dict(state.items()) if isinstance(state, DictState) else dict(state)


def _copied(now: BaseModel, before: BaseModel) -> BaseModel:
    """A copy of the state that shares with the copy before it what is the same."""
    if not isinstance(now, DictState) or not isinstance(before, DictState):
        return copy_state_for_edit(now)
    known = dict(before.items())
    found: dict[str, Any] = {}
    for key, value in now.items():
        same = key in known and type(known[key]) is type(value) and known[key] == value
        if same:
            found[key] = known[key]
        elif type(value) in _IMMUTABLE:
            found[key] = value
        else:
            copied = copy_state_for_edit(DictState(_data={"value": value}))
            found[key] = copied["value"]
    return DictState(_data=found)
