"""`handler.ctx.store`: a run's store for its caller, from the run's beginning on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from workflows.context.serializers import BaseSerializer
from workflows.context.state_store import StateStore

from durable_notebook.runtime.state._flight import current_invocation

if TYPE_CHECKING:
    from durable_notebook.runtime._external import ExternalAdapter


class OutsideStore(StateStore[Any]):
    """The live store of a run; of one that has ended, what it left.

    What a caller changes in the store of a live run is on disk on return.
    """

    def __init__(self, adapter: ExternalAdapter) -> None:
        self._adapter = adapter

    @property
    def state_type(self) -> type[Any]:  # type: ignore[override]
        return self._adapter.store_now().state_type

    def to_dict(self, serializer: BaseSerializer) -> dict[str, Any]:
        return self._adapter.store_now().to_dict(serializer)

    async def get_state(self) -> Any:
        async with self._used() as store:
            return await store.get_state()

    async def get(self, path: str, default: Any = ...) -> Any:
        async with self._used() as store:
            return await store.get(path, default)

    async def set(self, path: str, value: Any) -> None:
        async with self._changed() as store:
            await store.set(path, value)

    async def set_state(self, state: BaseModel) -> None:
        async with self._changed() as store:
            await store.set_state(state)

    async def clear(self) -> None:
        async with self._changed() as store:
            await store.clear()

    @asynccontextmanager
    async def edit_state(self) -> AsyncIterator[Any]:
        async with self._changed() as store, store.edit_state() as state:
            yield state

    @asynccontextmanager
    async def _used(self) -> AsyncIterator[StateStore[Any]]:
        store = await self._adapter.store()
        # The caller may be a step body of another run, whose edits are counted.
        token = current_invocation.set(None)
        try:
            yield store
        finally:
            current_invocation.reset(token)

    @asynccontextmanager
    async def _changed(self) -> AsyncIterator[StateStore[Any]]:
        async with self._adapter.changing():
            async with self._used() as store:
                yield store
            await self._adapter.keep_store()
