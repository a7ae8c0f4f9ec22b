"""The list of runs in a cell's output: live, with what can be done to each.

It draws the journal and hands on what a person presses. The rows are read where they
have changed, and only those that changed are sent.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from durable_notebook._model import Json, RunInfo, RunStatus, handle
from durable_notebook.client._listing import Listing
from durable_notebook.errors import StorageError
from durable_notebook.notebook._actions import SLOTS, Actions, Said
from durable_notebook.notebook._cures import magic
from durable_notebook.notebook._display import Reserved
from durable_notebook.notebook._session import Session
from durable_notebook.notebook._view import Shown, View
from durable_notebook.notebook._watch import Watch
from durable_notebook.views import findings, frames, html, text, words
from durable_notebook.views.frames import RunsFrame
from durable_notebook.views.table import harmless

if TYPE_CHECKING:
    from durable_notebook.notebook._workspace import DurableNotebook

# Often enough to look alive.
_REFRESH_S = 0.5

# How often the twin may be renewed.
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
        if not durable.has_front_end:
            raise NotImplementedError  # IPython takes the text then.
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
        self._read_at = datetime.now(UTC)
        self._sent: dict[str, RunInfo] = {}
        self._twin_due = 0.0
        self._is_kept = True
        self._watch: Watch | None = None
        self._begin(durable.session, listing)
        self._shown = Shown(RunsView, self._twin())
        self._actions = Actions(
            self._session, durable.names, Reserved(SLOTS), durable.follow_again
        )
        self._shown.view.on_msg(self._received)
        self._go_on()

    def _begin(self, session: Session, listing: Listing) -> None:
        self._session = session
        # One of an earlier session looks for nobody any more.
        is_of_it = listing.is_of(session.runtime)
        self._listing = listing if is_of_it else session.client.listing()

    def _go_on(self) -> None:
        self._watch = Watch(self._look, least_s=_REFRESH_S, before=self._watch)
        self._session.submit(self._watch.follow())

    def follow(self, session: Session) -> bool:
        """Go on in another session, in the same place."""
        self._begin(session, self._listing)
        self._actions.follow(session)
        self._go_on()
        return True

    def leave(self) -> None:
        """Leave what it showed last: the journal is closed."""
        if self._watch is not None:
            self._watch.is_left = True
        self._actions.leave()
        self._shown.keep(*self._twin())
        self._shown.end()

    def _twin(self) -> tuple[str, str]:
        kept = html.runs(self._rows, self._read_at)
        return kept, text.runs(self._rows, most=html.MOST_ROWS)

    # -- what a person does ----------------------------------------------------------

    def _received(self, _: object, content: Json, __: object) -> None:
        # Runs on the main thread or on a subshell: it only hands over.
        if self._watch is not None and not self._watch.is_left:
            self._session.submit(self._hear(content, self._watch))

    async def _hear(self, content: Json, watch: Watch) -> None:
        kind = content.get("kind")
        if kind == "ready":
            self._sent.clear()
            self._send_changes(is_first=True)
        elif kind == "do":
            known = {handle(run_id): run_id for run_id in self._sent}
            for each in content["ids"]:
                run_id = known.get(each, each)
                self._say(run_id, await self._actions.act(content["verb"], run_id))
        watch.hear(kind)

    def _say(self, run_id: str, said: Said) -> None:
        message = {
            "kind": "said",
            "id": handle(run_id),
            "text": words.sentence(said.text),
        }
        about = {"is_error": said.is_error, "is_shown": said.is_shown}
        self._shown.view.send(message | about)

    # -- what is shown ---------------------------------------------------------------

    async def _look(self) -> None:
        assert self._watch is not None
        self._watch.is_free = self._listing.is_new
        try:
            infos = await self._listing.look()
        except StorageError as e:
            self._shown.view.send({"kind": "trouble", "text": words.sentence(str(e))})
            return
        if self._watch.is_left:
            return
        before, self._rows = self._rows, self._choice.of(infos)
        self._read_at = datetime.now(UTC)
        self._send_changes()
        if _states(before) != _states(self._rows):
            self._is_kept = False
        # Renewed at milestones: each twin is written to the notebook's file.
        if not self._is_kept and time.monotonic() >= self._twin_due:
            self._is_kept = True
            self._twin_due = time.monotonic() + _TWIN_S
            self._shown.keep(*self._twin())

    def _send_changes(self, *, is_first: bool = False) -> None:
        me = self._session.runtime.executor_id
        before = self._sent
        self._sent = {info.run_id: info for info in self._rows}
        # One that has not changed is the same object.
        changed = [
            listed(info, me)
            for info in self._rows
            if before.get(info.run_id) is not info
        ]
        gone = [handle(run_id) for run_id in before if run_id not in self._sent]
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


def _states(rows: Sequence[RunInfo]) -> dict[str, RunStatus]:
    return {row.run_id: row.status for row in rows}


def listed(info: RunInfo, me: str) -> Json:
    """What the page has of a run: bounded, and with nothing that turns text round."""
    where = (
        f"executor {words.name(info.executor_id)}"
        if info.executor_id
        else "no executor"
    )
    return {
        "id": handle(info.run_id),
        "name": words.name(info.run_id),
        "workflow": words.name(words.short_name(info.workflow)),
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
        "code": f"run = {findings.typed(magic('resume', info.run_id))}\nawait run",
    }
