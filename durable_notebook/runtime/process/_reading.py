"""One reader of a run's stream: where it stands, in memory and in the journal."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import Any

from workflows.events import StopEvent

from durable_notebook._model import Json
from durable_notebook.errors import UnknownRunError
from durable_notebook.runtime.codec._outcome import Outcome
from durable_notebook.runtime.live._run import LiveRun
from durable_notebook.runtime.process._runs import Runs
from durable_notebook.runtime.process._takeover import Repeats, stands_still
from durable_notebook.store import Store

# A reader has one commit made in this time, of all that came meanwhile: a body that
# speaks without a pause would have one made for each of its events.
_GATHER_S = 0.005


class Reading:
    """Stands behind the first `after` events of a run."""

    def __init__(self, run_id: str, after: int, runs: Runs, store: Store) -> None:
        self.run_id = run_id
        self.after = after
        self.is_whole = False
        self._position = -1  # Of the last entry read: none is read twice.
        self._repeats = Repeats()
        self._asked_at = -_GATHER_S
        self._runs = runs
        self._store = store

    async def live(self, run: LiveRun, *, is_exact: bool) -> AsyncGenerator[Any, None]:
        """A live run's events, as they are published or once they are on disk.

        `is_whole` is set if the run has ended, and they were the last ones.
        """
        last = None
        async for event in run.stream.read(self.after):
            if is_exact and not await self._is_on_disk(run):
                break
            self.after, last = self.after + 1, event
            if not self._repeats.has(event):
                yield event
        # Of a run that ends, this waits for its outcome.
        is_whole = isinstance(last, StopEvent) and await run.until_on_disk(self.after)
        if run.outcome is None:
            self._position = max(self._position, run.read_up_to(self.after))
        elif is_whole or self._is_over(run.outcome):
            self.is_whole = True
        else:  # Others have written where this execution would have.
            self.after, self._position = self._repeats.note(run, self.after), -1

    async def _is_on_disk(self, run: LiveRun) -> bool:
        """Have the next event on disk; False if that cannot be."""
        rest_s = self._asked_at + _GATHER_S - time.monotonic()
        if run.events_on_disk <= self.after and rest_s > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(run.changed.wait(), rest_s)
        if run.events_on_disk <= self.after:
            self._asked_at = time.monotonic()
        return await run.until_on_disk(self.after + 1)

    def _is_over(self, outcome: Outcome) -> bool:
        """Whether nobody else goes on with a run, or has ended it, as it was lost."""
        is_gone = isinstance(outcome.error, UnknownRunError)
        return is_gone or stands_still(self._runs.problems.get(self.run_id))

    def trees(self) -> list[Json]:
        """The recorded events behind where it stands, to be read for `recorded`."""
        found: list[Json] = []
        for recorded in self._store.entries(self.run_id, after=self._position):
            self._position, entry = recorded.position, recorded.entry
            first = entry.events - len(entry.stream)
            found += entry.stream[max(self.after - first, 0) :]
        return found

    def recorded(self, events: Iterable[Any]) -> Iterator[Any]:
        """Those of the recorded events that this reader has not had."""
        for event in events:
            self.after += 1
            if not self._repeats.has(event):
                yield event
