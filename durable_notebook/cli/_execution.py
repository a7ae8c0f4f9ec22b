"""A run that goes on in this process, with one line a step."""

from __future__ import annotations

import asyncio
import contextlib

from workflows import Workflow

from durable_notebook._config import Settings
from durable_notebook._model import (
    Attempt,
    AttemptStatus,
    Json,
    RunInfo,
    RunStatus,
)
from durable_notebook.client._client import Client
from durable_notebook.client._requests import adopt
from durable_notebook.journal._timeline import attempts
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.views import words
from durable_notebook.views.table import clip

# How long a change of the run may stay unseen that this process did not make.
_LOOK_S = 0.5


class Execution:
    """Goes on with one run until it ends, waits for a person, is paused, or stands."""

    def __init__(
        self, settings: Settings, run_id: str, *, is_shown: bool, width: int | None
    ) -> None:
        self._settings = settings
        self._run_id = run_id
        self._is_shown = is_shown
        self._width = width
        self._position = -1

    async def go_on(
        self, workflow: Workflow, origin: str | None
    ) -> tuple[RunInfo, dict[str, Json] | None]:
        """What the run is doing afterwards, and how it ended if it has.

        Raises:
            DurableNotebookError: It cannot go on.
        """
        async with DBOSRuntime(self._settings) as runtime:
            client = Client(runtime)
            last = runtime.store.last_entry(self._run_id)
            self._position = -1 if last is None else last.position
            adopt(workflow, runtime)
            runtime.define(workflow, origin)
            await runtime.resume(self._run_id)
            await runtime.until_executed(self._run_id)
            info = await self._follow(client)
            if info.status.is_final:
                with contextlib.suppress(Exception):  # `info` tells of it.
                    # DBOS is to have the outcome too before this process ends.
                    await client.run(self._run_id).result()
            last = runtime.store.last_entry(self._run_id)
            return info, None if last is None else last.entry.end

    async def _follow(self, client: Client) -> RunInfo:
        while True:
            live = client.runtime.live(self._run_id)
            changed = None if live is None else live.changed
            self._show(client)
            info = await client.read_info(self._run_id)
            is_paused = info.status is RunStatus.PAUSED and live is None
            if info.status is RunStatus.INTERRUPTED or is_paused:
                return info
            if info.status.is_final:
                return info
            if info.prompts and await self._is_idle(client):
                # All of this may have been true of one entry after the other.
                last = client.runtime.store.last_entry(self._run_id)
                if last is not None and last.position == self._position:
                    return info
            with contextlib.suppress(TimeoutError):
                waits = asyncio.sleep(_LOOK_S) if changed is None else changed.wait()
                await asyncio.wait_for(waits, _LOOK_S)

    async def _is_idle(self, client: Client) -> bool:
        """Whether no step runs, and no message is there that the run can take."""
        rows = await client.read_journal(self._run_id)
        if any(row.status is AttemptStatus.RUNNING for row in rows):
            return False
        live, store = client.runtime.live(self._run_id), client.runtime.store
        last = store.last_entry(self._run_id)
        cursor = 0 if last is None else last.entry.cursor
        is_new = any(mail.tick for mail in store.mail(self._run_id, cursor))
        return not is_new or (live is not None and live.inbox.is_stuck)

    def _show(self, client: Client) -> None:
        new = client.runtime.store.entries(self._run_id, after=self._position)
        if not new:
            return
        self._position = new[-1].position
        for row in attempts(new, is_live=True) if self._is_shown else ():
            if row.finished is not None or row.status is AttemptStatus.INTERRUPTED:
                print(_line(row, self._width), flush=True)


def _line(row: Attempt, width: int | None) -> str:
    took = row.finished - row.started if row.finished and row.started else None
    parts = [
        row.step,
        str(row.status),
        words.duration(took),
        row.error or words.returned(row),
    ]
    return clip(words.sentence("  ".join(filter(None, parts))), width)
