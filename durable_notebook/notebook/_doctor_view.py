"""What `%durable_doctor` shows: causes, each with what was found and what helps."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import traitlets

from durable_notebook._model import Json, handle
from durable_notebook.doctor._finding import Examined, Finding
from durable_notebook.doctor._health import examine, examine_open, refusal
from durable_notebook.errors import StorageError, UnknownRunError
from durable_notebook.notebook._actions import SLOTS, Actions
from durable_notebook.notebook._cures import cures, lines
from durable_notebook.notebook._display import Reserved
from durable_notebook.notebook._session import Session
from durable_notebook.notebook._view import Shown, View
from durable_notebook.notebook._watch import Watch
from durable_notebook.views import findings, frames, html, words

if TYPE_CHECKING:
    from durable_notebook.notebook._workspace import DurableNotebook

# A look asks for the write lock, and reads the journals of all unfinished runs.
_REFRESH_S = 2.0

# Of a report, in characters: all of it is sent whenever something is other.
_MOST_SENT = 100_000


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Causes of the journal as a whole, and of each run that was looked at."""

    durable: DurableNotebook
    run_id: str | None
    found: list[Finding]
    runs: list[Examined]

    @property
    def findings(self) -> list[Finding]:
        """Every cause, the most important first of each run."""
        return [*self.found, *(each for run in self.runs for each in run.found)]

    @property
    def df(self) -> pd.DataFrame:
        """One row a cause; the dtypes are those of `FINDINGS_COLUMNS`."""
        return frames.findings(self.findings, lines)

    def __repr__(self) -> str:
        return findings.text(self.found, self.runs, lines)

    def _repr_html_(self) -> str:
        return html.page(self.fragment())

    def fragment(self) -> str:
        """It as HTML without a style of its own."""
        return findings.html(self.found, self.runs, lines)

    def _ipython_display_(self) -> None:
        if not self.durable.has_front_end:
            raise NotImplementedError  # IPython takes the text then.
        LiveDiagnosis(self)


def diagnosis(durable: DurableNotebook, run_id: str | None) -> Diagnosis:
    """Look at a run, or at all that have not ended. Not on the session's loop.

    Raises:
        UnknownRunError: There is no such run.
    """
    found, runs = examine(durable.url), []
    if durable.is_open or durable.has_journal:
        try:
            session = durable.session
            found += examine_open(session.runtime.store)
            runs = session.call(session.client.diagnose(run_id))
        except StorageError as e:
            found.append(refusal(e))
    return Diagnosis(durable, run_id, found, runs)


class DoctorView(View):
    """Draws a report."""

    scripts = ("doctor.js",)
    styles = ("doctor.css",)

    report = traitlets.Dict().tag(sync=True)


class LiveDiagnosis:
    """A report in the output of the cell that runs now, with buttons that cure.

    It is made anew as long as somebody looks: a report of then would be no help.
    """

    def __init__(self, made: Diagnosis) -> None:
        self._made = made
        durable = made.durable
        twin = (made.fragment(), repr(made))
        self._shown = Shown(DoctorView, twin, report=report_of(made))
        below = Reserved(SLOTS)
        self._watch: Watch | None = None
        if durable.is_open:
            self._session = durable.session
            self._actions = Actions(
                self._session, durable.names, below, durable.follow_again
            )
            self._shown.view.on_msg(self._received)
            self._go_on()
            durable.keep_live(self)

    def _go_on(self) -> None:
        self._watch = Watch(self._look, least_s=_REFRESH_S, before=self._watch)
        self._session.submit(self._watch.follow())

    def follow(self, session: Session) -> bool:
        """Go on in another session, in the same place."""
        self._session = session
        self._actions.follow(session)
        self._go_on()
        return True

    def leave(self) -> None:
        """Leave what it showed last: the journal is closed."""
        if self._watch is not None:
            self._watch.is_left = True
            self._actions.leave()
        self._shown.end()

    def _received(self, _: object, content: Json, __: object) -> None:
        # Runs on the main thread or on a subshell: it only hands over.
        if self._watch is not None and not self._watch.is_left:
            self._session.submit(self._hear(content, self._watch))

    async def _hear(self, content: Json, watch: Watch) -> None:
        if content.get("kind") == "do":
            known = {handle(r.info.run_id): r.info.run_id for r in self._made.runs}
            run_id = known.get(content["run"], content["run"])
            said = await self._actions.act(content["verb"], run_id)
            await self._look()
            self._shown.view.send(
                {
                    "kind": "said",
                    "run": content["run"],
                    "text": words.sentence(said.text),
                    "is_error": said.is_error,
                    "is_shown": said.is_shown,
                }
            )
        watch.hear(content.get("kind"))

    async def _look(self) -> None:
        durable, run_id = self._made.durable, self._made.run_id
        try:
            made = await asyncio.to_thread(diagnosis, durable, run_id)
        except UnknownRunError:  # It was deleted.
            made = Diagnosis(durable, run_id, [], [])
        report = report_of(made)
        is_other = _causes(made) != _causes(self._made)
        self._made = made
        if report != self._shown.view.report:
            self._shown.view.report = report
        if is_other:
            self._shown.keep(made.fragment(), repr(made))


def _causes(made: Diagnosis) -> list[tuple[str | None, str]]:
    return [(each.run_id, str(each.cause)) for each in made.findings]


def report_of(made: Diagnosis) -> Json:
    """What the page has of a diagnosis: bounded, nothing in it turns text round."""
    whole = {"findings": html.within(map(_drawn, made.found), size=_size)}
    runs = map(_group, findings.shown(made.runs))
    groups = html.within(runs, _MOST_SENT - _size(whole), _size)
    is_gone = made.run_id is not None and not made.runs
    more = len(made.runs) - len(groups)
    note = findings.left_out(more) if more else ""
    if not made.found and not made.runs:
        note = "There is no such run any more." if is_gone else findings.NOTHING
    return {
        "groups": [whole, *groups],
        "note": note,
        "has_buttons": made.durable.is_open,
    }


def _group(run: Examined) -> Json:
    return {
        "run": handle(run.info.run_id),
        "name": words.name(run.info.run_id),
        "workflow": words.name(words.short_name(run.info.workflow)),
        "state": str(run.info.status),
        "findings": html.within(map(_drawn, run.found), size=_size),
    }


def _size(drawn: Json) -> int:
    return len(json.dumps(drawn))


def _drawn(found: Finding) -> Json:
    return {
        "title": findings.title(found),
        "says": findings.says(found),
        "when": findings.times(found).strip(),
        "evidence": findings.evidence(found),
        "cures": [
            {"line": findings.typed(cure.line), "label": cure.label, "verb": cure.verb}
            for cure in cures(found)
        ],
    }
