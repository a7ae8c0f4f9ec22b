"""The live timeline of a run: every execution of a step, on an axis, as it happens."""

from __future__ import annotations

import time
from typing import Any

import traitlets

from durable_notebook._model import Attempt, Json, RunInfo
from durable_notebook.notebook._followed import Followed
from durable_notebook.notebook._session import Session
from durable_notebook.notebook._view import View
from durable_notebook.views import live, states, timeline
from durable_notebook.views.axis import last_signs

# Rows of a message: a long timeline comes in pieces.
_PIECE = 2_000


class TimelineView(View):
    """Draws rows; what it is sent says `live`."""

    scripts = (
        "timeline_axis.js",
        "timeline_rows.js",
        "timeline_card.js",
        "timeline.js",
    )
    styles = ("timeline.css",)

    labels = traitlets.Dict(states.LABELS).tag(sync=True)
    meanings = traitlets.Dict(states.MEANINGS).tag(sync=True)


class TimelineOf(Followed):
    """The timeline of one run, in the output of the cell that makes it."""

    kind = TimelineView

    def __init__(self, session: Session, run_id: str) -> None:
        self._sources: dict[tuple[str, str], str] = {}
        super().__init__(session, run_id)

    def _twin(self) -> tuple[str, str]:
        return timeline.twin(self.info, self.rows)

    def _tell_all(self) -> None:
        self._tell_rows(range(len(self.rows)))

    def _tell(self, before: tuple[RunInfo, list[Attempt]]) -> None:
        info, rows = before
        if states.newest_session(rows) != states.newest_session(self.rows):
            # What was completed is replayed from now on.
            return self._tell_all()
        changed = [
            i for i, row in enumerate(self.rows) if i >= len(rows) or row is not rows[i]
        ]
        if changed or len(rows) != len(self.rows) or info != self.info:
            self._tell_rows(changed)
        return None

    def _tell_rows(self, places: range | list[int]) -> None:
        newest, signs = states.newest_session(self.rows), last_signs(self.rows)
        for start in range(0, max(len(places), 1), _PIECE):
            piece = list(places[start : start + _PIECE])
            rows: list[Json] = [live.row(self.rows[i], newest, signs) for i in piece]
            content = {"kind": "rows", "total": len(self.rows), "at": piece}
            self._send(content | {"rows": rows} | self._around())

    def _around(self) -> dict[str, Json]:
        return {
            "run": live.run(self.info),
            "axis": live.scale(self.rows),
            "now": time.time() * 1000,
        }

    async def _answer(self, content: dict[str, Any]) -> None:
        place = content.get("row")
        if content.get("kind") != "details" or type(place) is not int:
            return
        if 0 <= place < len(self.rows):
            row = self.rows[place]
            found = live.details(
                row, states.newest_session(self.rows), await self._source(row)
            )
            self._send({"kind": "details", "row": place} | found)

    async def _source(self, row: Attempt) -> str:
        key = row.code, row.step
        if key not in self._sources:
            self._sources[key] = await self._client.source(row)
        return self._sources[key]
