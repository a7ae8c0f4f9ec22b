"""The events that a live run publishes, and who reads them.

Events are numbered from 0 over the whole run. Those that earlier sessions published
are in the journal only: `Access.stream` reads them there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from workflows.events import Event, StopEvent

from durable_notebook.journal._progress import Progress


class Stream:
    """The events behind the first `before`, in order. Readers get them at once.

    `progress` is the newest of those that say how far the run is.
    """

    def __init__(self, before: int) -> None:
        self.before = before
        self._events: list[Event] = []
        self._recorded = 0
        self._changed = asyncio.Event()
        self._is_closed = False
        self.progress: Progress | None = None

    def publish(self, event: Event) -> None:
        """Add an event; readers get it now, the disk with the next entry."""
        self._events.append(event)
        if isinstance(event, Progress):
            self.progress = event
        self._wake()

    def unrecorded(self) -> list[Event]:
        """The events no entry holds yet; the caller puts them into one."""
        new = self._events[self._recorded :]
        self._recorded = len(self._events)
        return new

    @property
    def has_unrecorded(self) -> bool:
        """Whether there are events that no entry holds yet."""
        return self._recorded < len(self._events)

    @property
    def count(self) -> int:
        """How many events the run has published, before and now."""
        return self.before + len(self._events)

    def close(self) -> None:
        """End every reader once it has read what there is."""
        self._is_closed = True
        self._wake()

    async def beyond(self, count: int) -> list[Event]:
        """The events behind the first `count` of the run: waits until there is one.

        Empty when the stream has ended there.
        """
        while self.count <= count and not self._is_closed:
            await self._changed.wait()
        return self._events[count - self.before :]

    def between(self, first: int, end: int) -> list[Event]:
        """The events from a number, which is not below `before`, up to another."""
        return self._events[first - self.before : end - self.before]

    async def read(self, after: int = 0) -> AsyncGenerator[Event, None]:
        """Give each event once, from a number on, up to the run's stop event.

        The number is not below `before`.
        """
        while events := await self.beyond(after):
            for event in events:
                after += 1
                yield event
                if isinstance(event, StopEvent):
                    return

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
