"""Stops that are set at a commit: the restart, or the kill, comes exactly there.

`before` a step's commit its body has returned and nothing of its entry is on disk;
`after` it the entry is on disk and nothing that follows has begun. While a stop is set,
and only then, the commits of the session go through here.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NoReturn

from durable_notebook._model import Attempt, AttemptStatus, RunInfo
from durable_notebook.journal._entry import Entry, RecordedEntry
from durable_notebook.journal._timeline import Timeline
from durable_notebook.notebook._display import Slot
from durable_notebook.notebook._sentences import say
from durable_notebook.notebook._session import Session
from durable_notebook.store import NewEntry, Store
from durable_notebook.views import html, words

# What was printed or displayed leaves a kernel through a thread; SIGKILL waits for
# nobody.
_FLUSH_S = 0.2

# For how long a cell may wait for the session before it is told that there is a stop.
_LET_GO_S = 1.0


@dataclass(frozen=True, slots=True)
class Stop:
    """Where to stop: at the `nth` recorded execution of a step, of one run or any."""

    step: str
    nth: int
    is_before: bool
    is_kill: bool
    run_id: str | None

    @property
    def place(self) -> str:
        """The place in words."""
        when = "before" if self.is_before else "after"
        number = f" number {self.nth}" if self.nth > 1 else ""
        return f"{when} the commit of {self.step}{number}"

    def announced(self) -> str:
        """What is said where it is set."""
        does = "This kernel is killed" if self.is_kill else "The runtime is restarted"
        of = "" if self.run_id is None else f" of run {self.run_id}"
        back = "%durable_restart without --at takes it back"
        return f"{does} {self.place}{of}. ({back}.)"

    def missed(self, info: RunInfo, rows: list[Attempt]) -> str | None:
        """Why it cannot be reached by a run as it is; None if it can."""
        recorded = [r for r in rows if r.step == self.step and _is_recorded(r)]
        if len(recorded) >= self.nth:
            at = (
                f"{self.step} is on disk, at position {recorded[self.nth - 1].position}"
            )
            return f"No stop: run {info.run_id} is past that; {at}."
        return _never(self, info.run_id) if info.status.is_final else None


def _is_recorded(row: Attempt) -> bool:
    is_cut = row.status is AttemptStatus.INTERRUPTED
    return row.position is not None and not is_cut


def _never(stop: Stop, run_id: str) -> str:
    number = f" number {stop.nth}" if stop.nth > 1 else ""
    return f"No stop: run {run_id} has ended, and never came to {stop.step}{number}."


class Notice:
    """The line under the cell that set a stop: it tells what became of it."""

    def __init__(self, text: str, *, has_front_end: bool) -> None:
        self._slot = Slot(*_drawn(text)) if has_front_end else None
        if self._slot is None:
            say(text)

    def say(self, text: str) -> None:
        """Say something else. From any thread."""
        if self._slot is None:
            say(text)
        else:
            self._slot.fill(*_drawn(text))


def _drawn(text: str) -> tuple[str, str]:
    return html.page("".join(map(html.line, text.splitlines()))), text


@dataclass(eq=False, slots=True)
class _Set:
    """A stop that is set, and the kernel's loop where it was."""

    stop: Stop
    notice: Notice
    loop: asyncio.AbstractEventLoop | None


@dataclass(slots=True)
class _Seen:
    """What the journal has of a run so far."""

    timeline: Timeline = field(default_factory=Timeline)
    executions: Counter[str] = field(default_factory=Counter)

    def add(self, entries: list[RecordedEntry]) -> None:
        self.timeline.add(entries)
        for recorded in entries:
            ticks = [t for t in recorded.entry.ticks if t["type"] == "step_result"]
            self.executions.update(str(tick["step_id"]) for tick in ticks)

    def is_repeat(self, step: str, position: int) -> bool:
        """Whether an execution does again what a crash had interrupted."""
        rows = self.timeline.rows(is_live=True)
        return any(
            r.is_repeat for r in rows if r.step == step and r.position == position
        )


class Stops:
    """The stops of a kernel. `restart` is called on its main thread, with a notice."""

    def __init__(self, restart: Callable[[str, Notice], None]) -> None:
        self._restart = restart
        self._set: list[_Set] = []
        self._session: Session | None = None
        self._due: tuple[_Set, str] | None = None
        # On several threads: a commit can be reported by the writer's.
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}
        self._held: set[str] = set()

    # -- set and taken back --------------------------------------------------------

    def add(self, stop: Stop, notice: Notice) -> None:
        """Set a stop. It is taken back by itself when it is reached."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # A terminal: the restart comes when the cell has run.
            loop = None
        with self._lock:
            self._set.append(_Set(stop, notice, loop))
        if self._session is not None:
            self._watch(self._session)

    def catch_up(self) -> None:
        """Restart now, where a stop was reached and nobody could be told of it yet."""
        if threading.current_thread() is threading.main_thread():
            self._act()

    def clear(self) -> int:
        """Take all stops back; how many there were."""
        with self._lock:
            taken, self._set = self._set, []
        for each in taken:
            each.notice.say(f"Taken back: the stop {each.stop.place}.")
        self._unwatch()
        return len(taken)

    def follow(self, session: Session | None) -> None:
        """Go on in another session, before a run of it does."""
        self._unwatch()
        self._session, self._due = session, None
        self._seen, self._held = {}, set()
        if session is not None and self._set:
            self._watch(session)

    def after_cell(self, _: object) -> None:
        """Restart if a stop was reached where no loop could be told of it."""
        self.catch_up()

    def _watch(self, session: Session) -> None:
        store = session.runtime.store
        if "append" not in vars(store):
            append = store.append
            watched = lambda entry: self._append(entry, store, append)  # noqa: E731
            store.append = watched  # type: ignore[method-assign]

    def _unwatch(self) -> None:
        if self._session is not None and self._session.runtime.is_launched:
            vars(self._session.runtime.store).pop("append", None)

    # -- at a commit ---------------------------------------------------------------

    def _append(
        self, entry: NewEntry, store: Store, append: Callable[[NewEntry], Future[None]]
    ) -> Future[None]:
        """Commit an entry, unless the run has been stopped. On the session's loop."""
        if entry.run_id in self._held:
            return Future()
        reached = self._reached(entry, store)
        if reached is None:
            return append(entry)
        stop = reached.stop
        if stop.is_kill:
            if not stop.is_before:
                append(entry).result()
            _kill(reached, entry)
        # The run stands still, and its loop goes on for whoever reads meanwhile.
        self._held.add(entry.run_id)
        if stop.is_before:
            self._stand(reached, entry)
            return Future()
        return self._after(append(entry), reached, entry)

    def _after(
        self, written: Future[None], reached: _Set, entry: NewEntry
    ) -> Future[None]:
        given: Future[None] = Future()

        def done(future: Future[None]) -> None:
            problem = future.exception()
            if problem is None:
                self._stand(reached, entry)
            else:
                self._held.discard(entry.run_id)
                given.set_exception(problem)

        written.add_done_callback(done)
        return given

    def _reached(self, new: NewEntry, store: Store) -> _Set | None:
        seen = self._seen.get(new.run_id)
        if seen is None:
            seen = self._seen[new.run_id] = _Seen()
            seen.add(
                [e for e in store.entries(new.run_id) if e.position < new.position]
            )
        before = seen.executions.copy()
        entry = Entry.decode(new.body)
        seen.add([RecordedEntry(new.position, new.name, entry)])
        with self._lock:
            watching = [s for s in self._set if s.stop.run_id in (None, new.run_id)]
        for each in watching:
            stop = each.stop
            if before[stop.step] < stop.nth <= seen.executions[stop.step]:
                self._forget(each)
                if not (stop.is_before and seen.is_repeat(stop.step, new.position)):
                    return each
                # So that all cells can be run again, with those that set stops.
                each.notice.say(
                    f"No stop: {stop.step} of run {new.run_id} was interrupted there "
                    "before, and went on this time."
                )
            elif entry.end is not None and stop.run_id is not None:
                self._forget(each)
                each.notice.say(_never(stop, new.run_id))
        return None

    def _forget(self, each: _Set) -> None:
        with self._lock:
            self._set.remove(each)

    # -- what happens there --------------------------------------------------------

    def _stand(self, reached: _Set, entry: NewEntry) -> None:
        session = self._session
        self._due = reached, _told(reached.stop, entry)
        if session is not None:
            # A cell may be waiting for something that the run would have done.
            timer = threading.Timer(_LET_GO_S, session.let_go, [CUT_OFF])
            timer.daemon = True
            timer.start()
        loop = reached.loop
        if loop is None and session is not None:
            loop = session.loop_that_waits()
        if loop is not None and loop.is_running():
            # The main thread, and between two statements of a cell at the earliest.
            loop.call_soon_threadsafe(self._act)

    def _act(self) -> None:
        due, self._due = self._due, None
        if due is not None:
            reached, told = due
            self._restart(told, reached.notice)


CUT_OFF = "The runtime was restarted at a stop while this cell waited for it."
"""What a cell is told that waits for what no longer is."""


def _told(stop: Stop, entry: NewEntry) -> str:
    at = f"run {entry.run_id}, position {entry.position}"
    if stop.is_before:
        state = "The step had returned, and nothing of that was on disk."
    else:
        state = "The step's entry was on disk, and nothing that follows had begun."
    return f"Stopped {stop.place} ({at}). {state}"


RESTARTED = "The runtime was restarted, and its runs go on."


def _kill(reached: _Set, entry: NewEntry) -> NoReturn:
    """Kill the process. The session's loop stands still from here on."""
    reached.notice.say(
        f"{_told(reached.stop, entry)} This kernel was killed. When it is back, run "
        "the cells again from the top."
    )
    kill()


def kill() -> NoReturn:
    """Kill this kernel, once what it has said is out."""
    sys.stdout.flush()
    time.sleep(_FLUSH_S)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL is not to be survived")


def counted(count: int) -> str:
    """How many stops a restart has taken back; empty if none."""
    return f"{words.plural(count, 'stop')} taken back." if count else ""
