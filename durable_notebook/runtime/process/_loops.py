"""Event loops and what must not hold them up.

Runs live on one loop, and their callers may be on another; a server may take its time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from durable_notebook.errors import ConfigError
from durable_notebook.store import Store

T = TypeVar("T")


async def on_loop(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    """Do something on a loop, wherever the caller runs."""
    if asyncio.get_running_loop() is loop:
        return await work
    future = asyncio.run_coroutine_threadsafe(_catching_stop(work), loop)
    value, stopped = await asyncio.wrap_future(future)
    if stopped:
        raise StopAsyncIteration
    return value  # type: ignore[return-value]


async def _catching_stop(work: Coroutine[Any, Any, T]) -> tuple[T | None, bool]:
    """A future cannot hold StopAsyncIteration, so the end of a stream is a flag."""
    try:
        return await work, False
    except StopAsyncIteration:
        return None, True


async def read_beside(store: Store, read: Callable[..., T], *arguments: Any) -> T:
    """Read where it holds up nobody: a server may take its time, or be gone."""
    if store.is_remote:
        return await asyncio.to_thread(read, *arguments)
    return read(*arguments)


def refuse_on_a_loop(called: str, instead: str) -> None:
    """Refuse a call that would block a running loop.

    Raises:
        ConfigError: The calling thread runs one.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise ConfigError(
        f"'{called}' would block the event loop that calls it.",
        f"Use 'await {instead}' there.",
    )


class LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="durable-notebook-loop", daemon=True
        )
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self) -> None:
        """End the loop and its thread. Not from the loop itself."""
        self.call(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
