"""The panel of a run: what it does while it does it, and the form when it asks.

It draws the journal and sends answers. Closing it, or the notebook, changes no run.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

from durable_notebook._model import Attempt, RunInfo, RunStatus
from durable_notebook.logs import about
from durable_notebook.notebook._display import Slot
from durable_notebook.notebook._panel_form import PanelForm
from durable_notebook.notebook._session import Session
from durable_notebook.views import html, text

logger = logging.getLogger("durable_notebook")

# Often enough to look alive, seldom enough to cost nothing.
_REFRESH_S = 0.2


class Panel:
    """Shows one run in the output of the cell that makes it."""

    def __init__(self, session: Session, run_id: str, note: str) -> None:
        self._session = session
        self.run_id = run_id
        self._note = note
        self._reading = session.client.follow(run_id)
        self.ended = threading.Event()
        info, rows, result = session.call(self._read())
        self._slot = Slot(*self._drawn(info, rows, result))
        self._form = PanelForm(lambda: self._session)
        session.submit(self._follow())

    def follow(self, session: Session) -> bool:
        """Go on in another session, in the same place. False if the run had ended."""
        if not self.ended.is_set():
            self._session = session
            self._reading = session.client.follow(self.run_id)
            self._note = f"{self._note} · went on in session {session.runtime.session}"
            session.submit(self._follow())
        return not self.ended.is_set()

    async def _read(self) -> tuple[RunInfo, list[Attempt], str | None]:
        info, rows = await self._reading.read()
        result = None
        if info.status is RunStatus.COMPLETED:
            result = _fields(await self._session.client.run(self.run_id).result())
        return info, rows, result

    async def _follow(self) -> None:
        """Redraw when something changed, until the run has ended or stands still."""
        try:
            drawn: tuple[str, str] | None = None
            while True:
                began = time.monotonic()
                info, rows, result = await self._read()
                now = self._drawn(info, rows, result)
                if now != drawn:
                    drawn = now
                    self._slot.fill(*now)
                await self._form.show(info)
                if info.status.is_final:
                    self.ended.set()
                    return
                # A long journal takes longer to read: never more than a tenth of
                # the time goes into looking at it.
                cost = time.monotonic() - began
                await asyncio.sleep(max(_REFRESH_S, 10 * cost))
        except Exception:
            # A thread border: nobody awaits this.
            logger.exception(
                "The panel of run %r stopped.", self.run_id, extra=about(self.run_id)
            )

    def _drawn(
        self, info: RunInfo, rows: list[Attempt], result: str | None
    ) -> tuple[str, str]:
        body = html.panel(info, rows, note=self._note, result=result)
        plain = text.panel(info, rows, note=self._note, result=result)
        return html.page(body), plain


def _fields(result: Any) -> str:
    """A result as text. `str` of a custom stop event says `None`: show its fields."""
    fields = getattr(type(result), "model_fields", None)
    if fields is None:
        return repr(result)
    inside = ", ".join(f"{name}={getattr(result, name)!r}" for name in fields)
    return f"{type(result).__name__}({inside})"
