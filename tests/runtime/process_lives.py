"""Process lives: an event loop with a launched runtime in it, and how to wait in one.

When a life ends, what is unfinished is interrupted, as by a crash between two turns.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from dbos import DBOS
from workflows.events import Event
from workflows.runtime.types.ticks import TickAddEvent

from durable_notebook import DBOSRuntime

T = TypeVar("T")


def quick_dbos(url: str) -> None:
    """Make a DBOS that takes no second to stop."""
    DBOS(
        config={
            "name": "durable-notebook",
            "system_database_url": url,
            "notification_listener_polling_interval_sec": 0.01,
            "log_level": "WARNING",
        }
    )


@contextmanager
def reading(url: str) -> Iterator[sa.Connection]:
    """The tables as somebody other than the runtime sees them."""
    found = sa.make_url(url)
    if found.drivername == "postgresql":
        found = found.set(drivername="postgresql+psycopg")
        found = found.update_query_dict({"options": "-csearch_path=dbos"})
    engine = sa.create_engine(found)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@asynccontextmanager
async def launched(url: str, **options: Any) -> AsyncIterator[DBOSRuntime]:
    """A launched runtime, ended with the block."""
    quick_dbos(url)
    options.setdefault("settings", None)
    if options["settings"] is None:
        options["database_url"] = url
    async with DBOSRuntime(**options) as runtime:
        yield runtime


def live(url: str, use: Callable[[DBOSRuntime], Awaitable[T]], **options: Any) -> T:
    """Do something in a process life of its own; what is unfinished is interrupted."""

    async def life() -> T:
        async with launched(url, **options) as runtime:
            return await use(runtime)

    return asyncio.run(life())


async def until(is_so: Callable[[], object], within_s: float = 10) -> None:
    """Wait for a state, with a deadline."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, "the state was not reached in time"
        await asyncio.sleep(0.001)


async def never() -> None:
    """A gate that stays shut."""
    await asyncio.Event().wait()


async def soon(awaitable: Awaitable[T]) -> T:
    """The value of what must not take long."""
    return await asyncio.wait_for(awaitable, 10)


def add(event: Event) -> TickAddEvent:
    return TickAddEvent(event=event)
