"""What the buttons of views do to a run: each gives the sentence to say of it.

Everything here is on the session's loop. A refusal is an error of the package.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from durable_notebook._model import RunStatus
from durable_notebook.errors import DurableNotebookError
from durable_notebook.notebook._cures import in_magics
from durable_notebook.notebook._display import Reserved
from durable_notebook.notebook._monitor import Panel
from durable_notebook.notebook._sentences import state_of
from durable_notebook.notebook._session import Session
from durable_notebook.views import words

SLOTS = 4
"""How many places a panel takes: itself, its form and the twin of that, its buttons."""


@dataclass(frozen=True, slots=True)
class Said:
    """What became of an action, in one sentence."""

    text: str
    is_error: bool = False
    is_shown: bool = False
    """Whether what was asked for is in the places below the view."""


class Actions:
    """Acts on runs for a view, and shows them in the places below it.

    `names` are what the notebook defines; `went_on` is told of a run that goes on
    although it had ended.
    """

    def __init__(
        self,
        session: Session,
        names: dict[str, Any],
        below: Reserved,
        went_on: Callable[[str], None],
    ) -> None:
        self._session = session
        self._names = names
        self._went_on = went_on
        self._below = below
        self._panel: Panel | None = None
        self._do: dict[str, Callable[[str], Awaitable[Said]]] = {
            "open": self._open,
            "answer": self._open,
            "cancel": self._cancel,
            "pause": self._pause,
            "resume": self._resume,
            "take": self._take,
            "fork": self._fork,
            "rewind": self._rewind,
            "delete": self._delete,
        }

    def follow(self, session: Session) -> None:
        """Go on in another session, with the run that is shown."""
        self._session = session
        if self._panel is not None and not self._panel.follow(session):
            self._panel = None

    def leave(self) -> None:
        """Leave the run that is shown as it was: the journal is closed."""
        if self._panel is not None:
            self._panel.leave()

    async def act(self, verb: str, run_id: str) -> Said:
        """Do something to a run; on disk when this returns, unless it was refused."""
        if verb not in self._do:
            return Said(f"There is no action {words.name(verb)}.", is_error=True)
        try:
            return await self._do[verb](run_id)
        except DurableNotebookError as e:
            return Said(words.sentence(in_magics(str(e))), is_error=True)

    async def _open(self, run_id: str) -> Said:
        await asyncio.to_thread(self._show, run_id)
        return Said("Shown below.", is_shown=True)

    def _show(self, run_id: str) -> None:
        if self._panel is not None:
            self._panel.quit()
        self._below.clear()
        self._panel = Panel(self._session, run_id, "opened here", self._below.slot)

    async def _cancel(self, run_id: str) -> Said:
        await self._session.client.cancel(run_id)
        info = await self._session.client.read_info(run_id)
        if info.status is RunStatus.INTERRUPTED:
            return Said(f"It ends once it goes on. It {words.summary(info)}.")
        return Said("It was asked to end.")

    async def _pause(self, run_id: str) -> Said:
        await self._session.client.pause(run_id)
        return Said("It is paused: it begins no further step.")

    async def _resume(self, run_id: str) -> Said:
        session = self._session
        await self._renew(run_id)
        did = await session.runtime.resume(run_id)
        info = await session.client.read_info(run_id)
        if info.status is RunStatus.INTERRUPTED and not did:
            return Said(words.sentence(f"Run {state_of(info)}."), is_error=True)
        return Said("It goes on.")

    async def _take(self, run_id: str) -> Said:
        session = self._session
        info = await session.client.read_info(run_id)
        me = session.runtime.executor_id
        await session.client.reassign(info.executor_id or "", me, [run_id])
        await self._renew(run_id)
        await session.runtime.resume(run_id)
        info = await session.client.read_info(run_id)
        said = "It belongs to this notebook now"
        if info.status is RunStatus.INTERRUPTED:
            return Said(f"{said}. It {words.summary(info)}.")
        return Said(f"{said}, and goes on.")

    async def _renew(self, run_id: str) -> None:
        await asyncio.to_thread(self._session.renew, run_id, self._names)

    async def _fork(self, run_id: str) -> Said:
        await self._renew(run_id)
        run = await self._session.client.fork(run_id)
        return Said(f"Run {run.run_id} begins where this one was.")

    async def _rewind(self, run_id: str) -> Said:
        await self._renew(run_id)
        await self._session.client.rewind(run_id)
        self._went_on(run_id)
        return Said("It does its last turn again.")

    async def _delete(self, run_id: str) -> Said:
        await self._session.client.delete(run_id)
        return Said("Deleted.")
