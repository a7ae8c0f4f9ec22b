"""A live view that follows a run: read on the session's loop, told by messages.

Nothing is sent before a page has asked, and little of what was sent before is sent
again. The twin is changed at milestones: each change is written into the notebook.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from durable_notebook._model import Attempt, RunInfo, RunStatus
from durable_notebook.client._client import Client
from durable_notebook.errors import DurableNotebookError
from durable_notebook.logs import about
from durable_notebook.notebook._session import Session
from durable_notebook.notebook._view import Shown, View
from durable_notebook.views import words

logger = logging.getLogger("durable_notebook")

# At most ten messages a second, however much happens; where nothing does, the pauses
# grow to the second.
_REFRESH_S = 0.1
_LONGEST_S = 0.5
# A twin goes through the server into the notebook's file.
_KEEP_S = 5.0


class Followed(ABC):
    """A view of one run, as it was when this was made, and then as it goes on."""

    kind: ClassVar[type[View]]

    def __init__(self, session: Session, run_id: str) -> None:
        self.run_id = run_id
        self.ended = threading.Event()
        self._session = session
        self._reading = session.client.follow(run_id)
        session.call(self._read())
        session.call(self._prepare())
        self._is_watched = False
        self._is_left = False
        self._kept = self._twin()
        self._kept_at = time.monotonic()

    @property
    def text(self) -> str:
        """What it shows, in words."""
        return self._kept[1]

    def show(self) -> None:
        """Show it in the output of the cell that runs now, and follow the run."""
        self._shown = Shown(self.kind, self._kept)
        self._shown.view.on_msg(self._heard)
        self._session.submit(self._follow())

    def follow(self, session: Session) -> bool:
        """Go on in another session, in the same place. False if it was left."""
        self._session = session
        if not self.ended.is_set():
            self._reading = session.client.follow(self.run_id)
            session.submit(self._follow())
        return not self._is_left

    def follow_again(self) -> None:
        """Look again at a run that had ended: it may have been set going anew."""
        if self.ended.is_set() and not self._is_left:
            self.ended.clear()
            self._session.submit(self._look_again())

    def leave(self) -> None:
        """Leave what it showed last: the journal is closed."""
        self._is_left = True
        self._send({"kind": "stopped", "why": "The journal was closed meanwhile."})

    # -- for subclasses ------------------------------------------------------------

    async def _prepare(self) -> None:  # noqa: B027
        """Read what else is needed; called again while the run goes on."""

    @abstractmethod
    def _twin(self) -> tuple[str, str]:
        """What stays in the notebook of `info` and `rows`: as HTML, and as text."""

    @abstractmethod
    def _tell_all(self) -> None:
        """Send a page that knows nothing what it needs."""

    @abstractmethod
    def _tell(self, before: tuple[RunInfo, list[Attempt]]) -> None:
        """Send what is other than before."""

    async def _answer(self, content: dict[str, Any]) -> None:  # noqa: B027
        """Answer a message of the page."""

    @property
    def _client(self) -> Client:
        return self._session.client

    def _send(self, content: dict[str, Any]) -> None:
        self._shown.view.send(content)

    # -- the loop ------------------------------------------------------------------

    async def _read(self) -> None:
        reading = await self._reading.read()
        self.info, self.rows = reading.info, list(reading.attempts())

    def _heard(self, _: object, content: object, __: object) -> None:
        """Hand what the page said to the session's loop."""
        if isinstance(content, dict) and not self._is_left:
            self._session.submit(self._hear(content))

    async def _hear(self, content: dict[str, Any]) -> None:
        try:
            if content.get("kind") == "hello":
                self._is_watched = True
                self._tell_all()
            else:
                await self._answer(content)
        except Exception:
            # A callback border: nobody awaits this.
            logger.exception("A view of run %r failed.", self.run_id)

    async def _follow(self) -> None:
        """Look at the run until it has ended."""
        pause = _REFRESH_S
        try:
            while not self._is_left:
                before = self.info, self.rows
                cost = await self._look()
                if self.info.status.is_final:
                    return
                is_same = before == (self.info, self.rows)
                pause = min(pause * 1.5, _LONGEST_S) if is_same else _REFRESH_S
                # Never more than a tenth of the time goes into looking at a run.
                await asyncio.sleep(max(pause, 10 * cost))
        except DurableNotebookError as e:
            # Deleted, or no longer legible: what was seen stays.
            if not self._is_left:
                self._send({"kind": "stopped", "why": words.sentence(str(e))})
        except Exception:
            # A thread border: nobody awaits this.
            logger.exception(
                "A view of run %r stopped.", self.run_id, extra=about(self.run_id)
            )
        finally:
            # Not where a simulated restart has left it: then another loop goes on.
            if self.info.status.is_final:
                self.ended.set()

    async def _look_again(self) -> None:
        try:
            found = await self._reading.read()
        except DurableNotebookError:  # What was seen stays.
            self.ended.set()
            return
        if (found.info, list(found.attempts())) == (self.info, self.rows):
            self.ended.set()
        else:
            await self._follow()

    async def _look(self) -> float:
        """Read the run and tell of it; gives the seconds of a processor it took."""
        before = self.info, self.rows
        await self._read()
        await self._prepare()
        began = time.thread_time()
        if self._is_watched and not self._is_left:
            self._tell(before)
        cost = self._reading.cost_s + time.thread_time() - began
        is_waiting = self.info.status is RunStatus.WAITING
        is_asked = is_waiting and before[0].status is not self.info.status
        await self._keep(is_now=is_asked or self.info.status.is_final)
        return cost

    async def _keep(self, *, is_now: bool) -> None:
        if not is_now and time.monotonic() - self._kept_at < _KEEP_S:
            return
        twin = await asyncio.to_thread(self._twin)
        self._kept_at = time.monotonic()
        if twin != self._kept:
            self._kept = twin
            self._shown.keep(*twin)
