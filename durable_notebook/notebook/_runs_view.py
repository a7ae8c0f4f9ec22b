"""The list of runs in a cell's output: live, with what can be done to each.

It draws the journal and hands on what a person presses. The rows are read where they
have changed, and only those that changed are sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_notebook._listing import Listing
from durable_notebook._model import Json, RunInfo, RunStatus
from durable_notebook.errors import StorageError
from durable_notebook.notebook._actions import SLOTS, Actions, Said
from durable_notebook.notebook._cures import magic
from durable_notebook.notebook._display import Reserved
from durable_notebook.notebook._session import Session
from durable_notebook.notebook._view import Shown, View
from durable_notebook.views import frames, html, text, words
from durable_notebook.views.frames import RunsFrame
from durable_notebook.views.table import harmless

if TYPE_CHECKING:
    from durable_notebook.notebook._workspace import DurableNotebook

logger = logging.getLogger("durable_notebook")

# Often enough to look alive; a look that takes longer is repeated less often.
_REFRESH_S = 0.5
_SELDOM = 10

# Each renewed twin is written to the notebook's file.
_TWIN_S = 5.0

# So many rows in one message: the page draws in between.
_MOST_SENT = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """Which runs are listed: of these states, of this workflow, the newest so many."""

    statuses: frozenset[str] = frozenset()
    workflow: str | None = None
    limit: int | None = None

    def of(self, infos: Iterable[RunInfo]) -> list[RunInfo]:
        """Those of these runs, newest first."""
        return [info for info in infos if self._has(info)][: self.limit]

    def _has(self, info: RunInfo) -> bool:
        if self.statuses and info.status not in self.statuses:
            return False
        names = (info.workflow, words.short_name(info.workflow))
        return self.workflow is None or self.workflow in names


class RunsView(View):
    """Draws rows; holds none itself, so that a page that comes back asks for them."""

    scripts = ("runs.js",)
    styles = ("runs.css",)


class LiveRunsFrame(RunsFrame):
    """The runs as a frame, which shows itself as a live list."""

    _metadata = [*RunsFrame._metadata, "live"]  # noqa: RUF012
    live: tuple[DurableNotebook, Choice, Listing]

    def _ipython_display_(self) -> None:
        durable, choice, listing = self.live
        durable.keep_live(LiveRuns(durable, choice, listing))


def live_frame(durable: DurableNotebook, choice: Choice) -> LiveRunsFrame:
    """The chosen runs as a frame that shows itself as a live list."""
    session = durable.session
    listing = session.client.listing()
    rows = choice.of(session.call(listing.look()))
    found = LiveRunsFrame(frames.runs(rows))
    found.rows, found.live = rows, (durable, choice, listing)
    return found


class LiveRuns:
    """A list in the output of the cell that runs now, and the panel below it."""

    def __init__(
        self, durable: DurableNotebook, choice: Choice, listing: Listing
    ) -> None:
        self._choice = choice
        self._rows = choice.of(listing.infos)
        self._sent: dict[str, RunInfo] = {}
        self._watchers = 0
        self._is_left = False
        self._twin_due = 0.0
        self._begin(durable.session, listing)
        self._shown = Shown(RunsView, _twin(self._rows))
        self._actions = Actions(self._session, durable.names, Reserved(SLOTS))
        self._shown.view.on_msg(self._received)
        self._go_on()

    def _begin(self, session: Session, listing: Listing) -> None:
        self._session = session
        # One of an earlier session looks for nobody any more.
        is_of_it = listing.is_of(session.runtime)
        self._listing = listing if is_of_it else session.client.listing()

    def _go_on(self) -> None:
        self._news = asyncio.Event()
        self._session.submit(self._follow())

    def follow(self, session: Session) -> bool:
        """Go on in another session, in the same place. False if it was left."""
        if not self._is_left:
            self._begin(session, self._listing)
            self._actions.follow(session)
            self._go_on()
        return not self._is_left

    def leave(self) -> None:
        """Leave what it showed last: the journal is closed."""
        self._is_left = True
        self._keep()
        self._shown.end()

    # -- what a person does ----------------------------------------------------------

    def _received(self, _: object, content: Json, __: object) -> None:
        # Runs on the main thread or on a subshell: it only hands over.
        if not self._is_left:
            self._session.submit(self._hear(content))

    async def _hear(self, content: Json) -> None:
        kind = content.get("kind")
        if kind == "ready":
            self._watchers += 1
            self._sent.clear()
            self._send_changes(is_first=True)
        elif kind == "away":
            self._watchers = max(0, self._watchers - 1)
        elif kind == "do":
            for run_id in content["ids"]:
                said = await self._actions.act(content["verb"], run_id)
                self._say(run_id, said)
        self._news.set()

    def _say(self, run_id: str, said: Said) -> None:
        message = {"kind": "said", "id": run_id, "text": harmless(said.text)}
        about = {"is_error": said.is_error, "is_shown": said.is_shown}
        self._shown.view.send(message | about)

    # -- what is shown ---------------------------------------------------------------

    async def _follow(self) -> None:
        """Send what has changed, as long as somebody looks."""
        try:
            while not self._is_left:
                if not self._watchers:
                    await self._news.wait()
                self._news.clear()
                is_all_new = self._listing.is_new
                began = time.monotonic()
                await self._look()
                cost = 0.0 if is_all_new else time.monotonic() - began
                pause = max(_REFRESH_S, _SELDOM * cost)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), pause)
        except Exception:
            # A thread border: nobody awaits this.
            logger.exception("A list of runs stopped.")

    async def _look(self) -> None:
        try:
            infos = await self._listing.look()
        except StorageError as e:
            self._shown.view.send({"kind": "trouble", "text": str(e)})
            return
        if self._is_left:
            return
        before, self._rows = self._rows, self._choice.of(infos)
        if self._watchers:
            self._send_changes()
        is_other = _states(before) != _states(self._rows)
        if is_other:
            self._keep()

    def _keep(self) -> None:
        if self._is_left or time.monotonic() >= self._twin_due:
            self._twin_due = time.monotonic() + _TWIN_S
            self._shown.keep(*_twin(self._rows))

    def _send_changes(self, *, is_first: bool = False) -> None:
        me = self._session.runtime.executor_id
        before = self._sent
        self._sent = {info.run_id: info for info in self._rows}
        # One that has not changed is the same object.
        changed = [
            _row(info, me) for info in self._rows if before.get(info.run_id) is not info
        ]
        gone = [run_id for run_id in before if run_id not in self._sent]
        if not (changed or gone or is_first):
            return
        last = max(0, len(changed) - 1) // _MOST_SENT
        for n in range(last + 1):
            some = changed[n * _MOST_SENT : (n + 1) * _MOST_SENT]
            self._shown.view.send(
                {
                    "kind": "rows",
                    "rows": some,
                    "gone": gone if n == 0 else [],
                    "now": time.time(),
                    "is_first": is_first and n == 0,
                    "is_whole": n == last,
                }
            )


def _twin(rows: Sequence[RunInfo]) -> tuple[str, str]:
    return html.runs(rows), text.runs(rows, most=html.MOST_ROWS)


def _states(rows: Sequence[RunInfo]) -> dict[str, RunStatus]:
    return {row.run_id: row.status for row in rows}


def _row(info: RunInfo, me: str) -> Json:
    """What the page has of a run: bounded, and with nothing that turns text round."""
    where = f"executor {info.executor_id}" if info.executor_id else "no executor"
    return {
        "id": info.run_id,
        "name": harmless(words.cut(info.run_id, 200)),
        "workflow": harmless(words.cut(words.short_name(info.workflow), 200)),
        "state": str(info.status),
        "ended": info.status.is_final,
        "started": info.started.timestamp(),
        "updated": info.updated.timestamp(),
        "steps": info.steps,
        "size": info.size,
        "why": harmless(words.reason(info)),
        "asks": bool(info.prompts),
        "mine": info.executor_id == me,
        "where": harmless(
            f"started {words.moment(info.started)} · last change "
            f"{words.moment(info.updated)} · {where}"
        ),
        "code": f"run = {magic('resume', info.run_id)}\nawait run",
    }
