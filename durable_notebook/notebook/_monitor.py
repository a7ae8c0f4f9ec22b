"""The panel of a run: what it does while it does it, and the form when it asks.

It draws the journal and sends answers. Closing it, or the notebook, changes no run.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from durable_notebook._model import Attempt, Prompt, RunInfo, RunStatus
from durable_notebook.errors import DurableNotebookError
from durable_notebook.logs import about
from durable_notebook.notebook._display import Slot, unpinned
from durable_notebook.notebook._prompt import Form
from durable_notebook.notebook._session import Session
from durable_notebook.views import html, text, words

logger = logging.getLogger("durable_notebook")

# Often enough to look alive, seldom enough to cost nothing.
_REFRESH_S = 0.2


class Panel:
    """Shows one run in the output of the cell that makes it, or in other slots.

    Made on any thread but the session's.
    """

    def __init__(
        self,
        session: Session,
        run_id: str,
        note: str,
        slot: Callable[[str, str], Slot] = Slot,
    ) -> None:
        self._session = session
        self.run_id = run_id
        self._note = note
        self._reading = session.client.follow(run_id)
        self.ended = threading.Event()
        info, rows, result = session.call(self._read())
        self._slot = slot(*self._drawn(info, rows, result))
        self._form_slot = slot("", "")
        self._is_left = False
        self._form: Form | None = None
        self._shown: Prompt | None = None
        session.submit(self._follow())

    def leave(self) -> None:
        """Show no more of the run: its place is another's now."""
        self._is_left = True
        self.ended.set()

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
                info, rows, result = await self._read()
                if self._is_left:
                    return
                began = time.thread_time()
                now = self._drawn(info, rows, result)
                if now != drawn:
                    drawn = now
                    self._slot.fill(*now)
                self._ask(info)
                if info.status.is_final:
                    self.ended.set()
                    return
                # Never more than a tenth of a processor goes into looking at a run.
                cost = self._reading.cost_s + time.thread_time() - began
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

    # -- the form ------------------------------------------------------------------

    def _ask(self, info: RunInfo) -> None:
        prompt = info.prompts[0] if info.prompts else None
        if prompt == self._shown:
            return
        before, self._shown = self._shown, prompt
        kinds = self._session.client.answer_classes(info, prompt) if prompt else []
        if prompt is not None and kinds:
            self._form = unpinned(lambda: Form(prompt, kinds[0], self._send))
            self._form_slot.fill_with_widget(self._form.widget)
        elif before is not None:
            asked = words.event(before.asked) or before.answer_name
            line = f"{asked}: answered"
            self._form_slot.fill(html.page(html.line(line)), line)

    def _send(self, values: dict[str, Any]) -> None:
        self._session.submit(self._answer(self._shown, values))

    async def _answer(self, prompt: Prompt | None, values: dict[str, Any]) -> None:
        assert self._form is not None
        try:
            await self._session.client.answer(self.run_id, values, prompt=prompt)
        except DurableNotebookError as e:
            self._form.refuse(e)


def _fields(result: Any) -> str:
    """A result as text. `str` of a custom stop event says `None`: show its fields."""
    fields = getattr(type(result), "model_fields", None)
    if fields is None:
        return repr(result)
    inside = ", ".join(f"{name}={getattr(result, name)!r}" for name in fields)
    return f"{type(result).__name__}({inside})"
