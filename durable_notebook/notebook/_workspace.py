"""What a kernel has of durable_notebook: its settings, its session, its panels.

`%config DurableNotebook` shows and sets the settings. The magics share one of these.
"""

from __future__ import annotations

import logging
from typing import Any, Protocol

from IPython.core.error import UsageError
from traitlets import observe

from durable_notebook._config import (
    Settings,
    default_url,
    is_postgres,
    is_there,
    sqlite_path,
    url_from_environment,
)
from durable_notebook._model import RunInfo, RunStatus
from durable_notebook.errors import ConfigError
from durable_notebook.notebook._cures import magic
from durable_notebook.notebook._file import notebook_path
from durable_notebook.notebook._followed import Followed
from durable_notebook.notebook._holding import Interrupts
from durable_notebook.notebook._identity import Cells
from durable_notebook.notebook._local_postgres import LocalPostgres
from durable_notebook.notebook._monitor import Panel
from durable_notebook.notebook._run import NotebookRun
from durable_notebook.notebook._sentences import paused, say, short_path, state_of
from durable_notebook.notebook._session import Session
from durable_notebook.notebook._stops import (
    RESTARTED,
    Notice,
    Stop,
    Stops,
    counted,
)
from durable_notebook.notebook._terminal import Lines, has_front_end
from durable_notebook.notebook._traits import Traits
from durable_notebook.views import words

logger = logging.getLogger("durable_notebook")

MOST_NAMED = 5
"""How many runs a sentence names."""


class Live(Protocol):
    """A live view, as long as the journal is open."""

    def follow(self, session: Session) -> bool:
        """Go on in another session, in the same place. False if it was left."""

    def leave(self) -> None:
        """Leave what it showed last: the journal is closed."""


class DurableNotebook(Traits):
    """Durable runs in this notebook. `%config DurableNotebook` shows the settings."""

    # Before `__init__`, which sets what a profile says.
    _session: Session | None = None

    def __init__(self, shell: Any) -> None:
        super().__init__(parent=shell)
        self._shell = shell
        self.cells = Cells(shell)
        self._beside = default_url()
        self._local = LocalPostgres(sqlite_path(self._beside).parent / "postgres")
        self._last_run: str | None = None
        # What has its place since the extension was loaded again.
        self.successor: DurableNotebook | None = None
        self.is_unloaded = False
        self._panels: list[Panel | Lines] = []
        # Those of runs that went on by themselves, until a cell shows its run.
        self._passing: list[Panel] = []
        self._live: list[Live] = []
        self.interrupts = Interrupts(self)
        self.stops = Stops(self._restart_at_stop)

    # -- the session ---------------------------------------------------------------

    @property
    def url(self) -> str:
        """The journal's database."""
        return self.database_url or url_from_environment() or self._beside

    @property
    def current(self) -> DurableNotebook:
        """This, or what has taken its place: for values that outlast a reload."""
        return self if self.successor is None else self.successor.current

    @property
    def is_open(self) -> bool:
        """Whether the journal is open."""
        return self._session is not None

    @property
    def names(self) -> dict[str, Any]:
        """What the notebook defines."""
        found: dict[str, Any] = self._shell.user_ns
        return found

    @property
    def session(self) -> Session:
        """The session, opened by the first use."""
        if self.is_unloaded:
            raise ConfigError(
                "durable_notebook is not loaded in this kernel any more.",
                "Load it again: %load_ext durable_notebook",
            )
        if self._session is None:
            self._session = Session(
                Settings(
                    database_url=self.url,
                    notebook=notebook_path(self.names),
                    redact=tuple(self.redact),
                    idle_timeout_s=self.idle_timeout,
                )
            )
            self.stops.follow(self._session)
        return self._session

    @observe("idle_timeout")
    def _release_idle(self, _: object) -> None:
        if self._session is not None:
            self._session.runtime.release_idle_after(self.idle_timeout)

    @property
    def has_front_end(self) -> bool:
        """Whether there is a page in which a live view could be."""
        return has_front_end(self._shell)

    @property
    def has_journal(self) -> bool:
        """Whether there is a journal already, as far as that can be told."""
        return is_postgres(self.url) or is_there(sqlite_path(self.url))

    def open_existing(self) -> None:
        """Open the journal if there is one, and tell what was interrupted."""
        if self.has_journal:
            self.tell()
        else:
            say("durable_notebook: ready. %durable_run WORKFLOW starts a run.")

    def connect(self, url: str) -> None:
        """Open another journal, and tell what is in it; empty means the default one."""
        self.close()
        self.database_url = url
        self.tell()

    def connect_local_postgres(self) -> None:
        """The same with a Postgres server beside the notebook, which is started."""
        self.close()
        self.database_url = self._local.start()
        self.tell()

    def restart(self) -> None:
        """Drop everything in memory as a kill would, and open the journal again."""
        taken_back = counted(self.stops.clear())
        going_on = self._reopen()
        dropped = "Dropped everything in memory, as a kill would."
        say(" ".join(filter(None, (dropped, taken_back))))
        say("\n".join(self._told()))
        self._follow()
        self._show_going_on(going_on)

    def _restart_at_stop(self, told: str, notice: Notice) -> None:
        """The same when a stop is reached: no cell of it runs, in which to print."""
        if self._session is not None:
            self._reopen()
            self._follow()
            notice.say(f"{told} {RESTARTED}")

    def _reopen(self) -> list[RunInfo]:
        assert self._session is not None
        self._session.abandon()
        self._session = None
        return self.session.define(self.names)

    def _follow(self) -> None:
        self._panels = [p for p in self._panels if p.follow(self.session)]
        self._passing = [p for p in self._passing if p in self._panels]
        self._live = [view for view in self._live if view.follow(self.session)]

    def set_stop(self, stop: Stop) -> None:
        """Have the next restart, or a kill, come at a commit of a run."""
        missed = None
        if self._session is not None and stop.run_id is not None:
            session = self._session
            if session.runtime.store.run(stop.run_id) is not None:
                info = session.call(session.client.read_info(stop.run_id))
                rows = session.call(session.client.read_journal(stop.run_id))
                missed = stop.missed(info, rows)
        says = stop.announced() if missed is None else missed
        notice = Notice(says, has_front_end=self.has_front_end)
        if missed is None:
            self.stops.add(stop, notice)

    def leave(self) -> None:
        """Have the runs stand still, before the process takes itself apart."""
        if self._session is not None:
            self._session.leave()

    def close(self) -> None:
        """Close the journal."""
        for view in (*self._panels, *self._live):
            try:
                view.leave()
            except Exception:
                # What cannot be drawn does not keep a journal open.
                logger.exception("A view did not end.")
        self._panels, self._passing, self._live = [], [], []
        session, self._session = self._session, None
        try:
            if session is not None:
                self.stops.clear()
                self.stops.follow(None)
                session.close()
        finally:
            self._local.stop()

    def tell(self) -> None:
        """Say in two lines what this journal holds and what each run waits for."""
        going_on = self.session.define(self.names)
        say("\n".join(self._told()))
        self._show_going_on(going_on)

    def _told(self) -> list[str]:
        session = self.session
        rows = session.call(session.client.runs())
        open_runs = [row for row in rows if not row.status.is_final]
        where = self._local.name or short_path(self.url)
        life = f"session {session.runtime.session}"
        count = words.plural(len(open_runs), "unfinished run")
        told = [f"durable_notebook: journal {where}, {life}, {count}"]
        if open_runs:
            told.append("; ".join(state_of(row) for row in open_runs[:MOST_NAMED]))
        return told

    def after_cell(self, _: object) -> None:
        """Let runs go on whose workflow a cell has just defined."""
        if self._session is None:
            return
        self._session.follow_notebook()
        for view in self._followed():
            # One of a run that had ended: the cell may have rewound it.
            view.follow_again()
        if self._session.runtime.undefined():
            self._show_going_on(self._session.define(self.names))

    def follow_again(self, run_id: str) -> None:
        """Have the views of a run that was set going again go on. From any thread."""
        for view in self._followed():
            if view.run_id == run_id:
                view.follow_again()

    def _followed(self) -> list[Followed]:
        return [view for view in self._live if isinstance(view, Followed)]

    def _show_going_on(self, going_on: list[RunInfo]) -> None:
        for info in going_on:
            if info.status is RunStatus.PAUSED:
                say(paused(info))
                continue
            done = words.plural(info.steps, "completed step")
            if info.prompts:
                panel = self._panel(info.run_id, "resumed by itself")
                if isinstance(panel, Panel):
                    self._passing.append(panel)
            else:
                say(
                    f"Run {info.run_id} goes on: {done} kept. "
                    f"Watch it with {magic('resume', info.run_id)}"
                )

    # -- panels --------------------------------------------------------------------

    def show(self, run_id: str, note: str) -> NotebookRun:
        """Show a run in the output of the cell that runs now."""
        for panel in [p for p in self._passing if p.run_id == run_id]:
            # One form for a question: it is found where the run was begun.
            panel.give_way()
            self._passing.remove(panel)
            self._panels.remove(panel)
        for lines in [p for p in self._panels if isinstance(p, Lines)]:
            if lines.run_id == run_id:
                # A terminal has one place: what is told twice is a riddle there.
                lines.leave()
                self._panels.remove(lines)
        self._panel(run_id, note)
        return NotebookRun(self, run_id)

    def _panel(self, run_id: str, note: str) -> Panel | Lines:
        self._last_run = run_id
        kind = Panel if has_front_end(self._shell) else Lines
        panel = kind(self.session, run_id, note)
        self._panels.append(panel)
        return panel

    def ask_whether_to_pause(self, run_id: str) -> None:
        """Ask, under the panels of a run, what is to become of it."""
        say(
            f"Run {run_id} goes on; only the waiting has ended. Pause it: await "
            f"run.pause(), or under its panel."
        )
        for panel in self.panels_of(run_id):
            if isinstance(panel, Panel):
                panel.ask_whether_to_pause()

    def show_view(self, kind: type[Followed], run_id: str) -> None:
        """Show a live view of a run in the output of the cell that runs now."""
        view = kind(self.session, run_id)
        if has_front_end(self._shell):
            view.show()
            self._live.append(view)
        else:
            print(view.text)  # noqa: T201

    def keep_live(self, view: Live) -> None:
        """Let a view go on over a simulated restart, and end with the journal."""
        self._live.append(view)

    def panels_of(self, run_id: str) -> list[Panel | Lines | Followed]:
        """The panels and live views that show a run."""
        live = self._followed()
        return [view for view in (*self._panels, *live) if view.run_id == run_id]

    def newest(self) -> str:
        """The run that this notebook showed last, else the newest of the journal.

        Raises:
            UsageError: There are no runs.
        """
        if self._last_run is not None:
            return self._last_run
        session = self.session
        rows = session.call(session.client.runs(limit=1))
        if not rows:
            raise UsageError("There are no runs yet. Start one with %durable_run.")
        return rows[0].run_id
