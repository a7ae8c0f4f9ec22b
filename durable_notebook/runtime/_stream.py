"""The published events of a live run, numbered from 0, and who reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from workflows.events import Event, StopEvent


class Stream:
    """All events of a run in order. Readers get those in memory without a delay."""

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.recorded = len(events)
        self._changed = asyncio.Event()
        self._is_closed = False

    def publish(self, event: Event) -> None:
        """Add an event; readers get it now, the disk with the next entry."""
        self.events.append(event)
        self._wake()

    def unrecorded(self) -> list[Event]:
        """The events no entry holds yet; the caller puts them into one."""
        new = self.events[self.recorded :]
        self.recorded = len(self.events)
        return new

    def close(self) -> None:
        """End every reader once it has read what there is."""
        self._is_closed = True
        self._wake()

    async def beyond(self, count: int) -> list[Event]:
        """The events behind the first `count`: waits until there is one.

        Empty when the stream has ended there.
        """
        while len(self.events) <= count and not self._is_closed:
            await self._changed.wait()
        return self.events[count:]

    async def read(self, after: int = 0) -> AsyncGenerator[Event, None]:
        """Give each event once, from a number on, up to the run's stop event."""
        while events := await self.beyond(after):
            for event in events:
                after += 1
                yield event
                if isinstance(event, StopEvent):
                    return

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
