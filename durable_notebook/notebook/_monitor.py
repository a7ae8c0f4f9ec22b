"""The panel of a run: what it does while it does it, and the form when it asks.

It draws the journal and sends answers. Closing it, or the notebook, changes no run.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from durable_notebook._model import RunStatus
from durable_notebook.errors import RunFinishedError, UnknownRunError
from durable_notebook.journal._reading import RunReading
from durable_notebook.logs import about
from durable_notebook.notebook._display import Slot
from durable_notebook.notebook._holding import Holding
from durable_notebook.notebook._panel_form import PanelForm
from durable_notebook.notebook._session import Session
from durable_notebook.views import figures, html, printed, text, words

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
        self._went_on = ""
        self.ended = threading.Event()
        self._reading = session.client.follow(run_id)
        self._said_kept: tuple[int | None, str] = (None, "")
        reading, result = session.call(self._read())
        self._slot = slot(*self._drawn(reading, result))
        self._last = reading, result
        # Held while something is drawn, after which nothing is that was left.
        self._drawing = threading.Lock()
        self._form = PanelForm(lambda: self._session, slot)
        self._is_left = False
        self._holding = Holding(self._pause, self._go_on, slot)
        self._holding.show(reading.info)
        session.submit(self._follow())

    def leave(self) -> None:
        """Leave what it showed last, and say so: the journal is closed."""
        if not self.ended.is_set():
            self._stop()
            self._went_on = "the journal was closed meanwhile"
            self._slot.fill(*self._drawn(*self._last))

    def quit(self) -> None:
        """Show no more of the run: the place is another's."""
        self._stop()

    def give_way(self) -> None:
        """Leave the run to another panel, and say so."""
        self._stop()
        # On the session's loop, as what is drawn there may be under way.
        self._session.call(self._give_way())

    def _stop(self) -> None:
        # By a lock, and not on the loop: that may have been dropped.
        with self._drawing:
            self._is_left = True
        self._form.leave()
        self._holding.leave()
        self.ended.set()

    async def _give_way(self) -> None:
        line = f"Run {words.name(self.run_id)} went on; the cell that runs it shows it."
        self._slot.fill(html.page(html.line(line)), line)
        self._form.clear()

    def follow(self, session: Session) -> bool:
        """Go on in another session, in the same place. False if the run had ended."""
        if not self.ended.is_set():
            self._session = session
            self._reading = session.client.follow(self.run_id)
            self._went_on = "went on after a restart"
            session.submit(self._follow())
        return not self.ended.is_set()

    async def _read(self) -> tuple[RunReading, str | None]:
        reading = await self._reading.read()
        result = None
        if reading.info.status is RunStatus.COMPLETED:
            result = _fields(await self._session.client.run(self.run_id).result())
        return reading, result

    async def _follow(self) -> None:
        """Redraw when something changed, until the run has ended or stands still."""
        try:
            drawn: tuple[str, str] | None = None
            while True:
                reading, result = await self._read()
                began = time.thread_time()
                info, now = reading.info, self._drawn(reading, result)
                with self._drawing:
                    if self._is_left:
                        return
                    self._last = reading, result
                    if now != drawn:
                        drawn = now
                        self._slot.fill(*now)
                await self._form.show(info)
                self._holding.show(info)
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

    def _drawn(self, reading: RunReading, result: str | None) -> tuple[str, str]:
        info, rows, output = reading.info, reading.attempts(), reading.output()
        has_ended = info.status is RunStatus.COMPLETED
        progress = None if has_ended else reading.progress()
        note = " · ".join(
            filter(None, (self._note, self._went_on, self._kept(reading)))
        )
        below = figures.progress_html(progress) + printed.html(output)
        body = html.panel(info, rows, note=note, result=result, below=below)
        plain = text.panel(info, rows, note=note, result=result)
        said = (plain, figures.progress_text(progress), printed.text(output))
        plain = "\n".join(filter(None, said))
        return html.page(body), plain

    def _kept(self, reading: RunReading) -> str:
        """What was kept from before: earlier lives of a run do not change any more."""
        known, said = self._said_kept
        if known != reading.session:
            # Of one that ended before, the note of the panel says the rest.
            had_ended = reading.info.status.is_final and not reading.is_of_now
            found = reading.kept()
            said = figures.spared(found) if had_ended else figures.kept(found)
            self._said_kept = reading.session, said
        return said

    # -- pausing -------------------------------------------------------------------

    def ask_whether_to_pause(self) -> None:
        """Ask under the panel, unless the run has ended. From any thread."""
        self._holding.ask()

    def _pause(self) -> None:
        self._session.submit(self._quietly(self._session.client.pause(self.run_id)))

    def _go_on(self) -> None:
        # Not only the pause is taken back: its class may have been defined since.
        self._session.submit(self._quietly(self._session.runtime.resume(self.run_id)))

    async def _quietly(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do what a click asks for; that the run has ended is on the panel."""
        with contextlib.suppress(RunFinishedError, UnknownRunError):
            await work


def _fields(result: Any) -> str:
    """A result as text. `str` of a custom stop event says `None`: show its fields."""
    fields = getattr(type(result), "model_fields", None)
    if fields is None:
        return repr(result)
    inside = ", ".join(f"{name}={getattr(result, name)!r}" for name in fields)
    return f"{type(result).__name__}({inside})"
