"""What the magics say: of runs, of the journal, of mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from IPython.core.error import UsageError

from durable_notebook._config import sqlite_path, without_password
from durable_notebook._model import Attempt, AttemptStatus, RunInfo, RunStatus
from durable_notebook.errors import ConfigError, DurableNotebookError
from durable_notebook.notebook._cures import in_magics, magic
from durable_notebook.notebook._session import Session
from durable_notebook.views import words


def state_of(info: RunInfo) -> str:
    """A run, how far it is, and what it waits for."""
    done = words.plural(info.steps, "completed step")
    state = words.summary(info) or f"is {info.status}"
    return f"{info.run_id} ({done}) {state}"


def paused(info: RunInfo) -> str:
    """Say that a run is paused, and how it goes on."""
    run_id = info.run_id
    return f"Run {run_id} is paused. Go on with it: {magic('resume', run_id)}"


def became(session: Session, run_id: str, way_out: str = "") -> str:
    """Say what became of a run that was there before, and the way out if it ended."""
    # Whether it fits today's code is known once it has been read.
    session.call(session.runtime.until_taken(run_id))
    info = session.call(session.client.read_info(run_id))
    if info.status.is_final:
        rows = session.call(session.client.read_journal(run_id))
        is_earlier = info.updated < session.opened
        return ended(info, rows, is_earlier=is_earlier, way_out=way_out)
    if info.status is RunStatus.PAUSED:
        done = words.plural(info.steps, "completed step")
        return f"attached to a run that is paused: {done} on record"
    if info.status is RunStatus.INTERRUPTED:
        way_out = f"; {way_out}" if way_out else ""
        return f"attached to the run, which stood still{way_out}"
    live = session.runtime.live(run_id)
    if live is None or live.resumed_from == 0:
        return "attached to the run that is under way"
    life = f"session {session.runtime.session}"
    if not live.kept_steps:
        return f"resumed in {life}: no step was complete yet"
    return f"resumed in {life}: no completed step runs again"


def ended(
    info: RunInfo, rows: Sequence[Attempt], *, is_earlier: bool, way_out: str = ""
) -> str:
    """Say how a run ended, what is not done again for it, and how to go on."""
    ways = [way_out] if way_out else []
    if info.status is not RunStatus.COMPLETED:
        ways.append(f"{magic('rewind', info.run_id)} does its last step again")
    lives = {row.session for row in rows}
    if not is_earlier and len(lives) > 1:
        # It went on by itself, and was quicker than the cell that shows it.
        life = f"resumed in session {max(lives)} and {info.status}"
        return "; ".join([f"{life}: no completed step ran again", *ways])
    when = "in an earlier session" if is_earlier else "before"
    spared = "nothing runs again"
    if info.status is RunStatus.COMPLETED:
        spared = f"{words.plural(info.steps, 'step')} not done again"
        took = words.duration(time_of_bodies(rows))
        if took and info.steps:
            spared = spared.replace(" not", f" and {took} not")
    return "; ".join([f"{info.status} {when}: {spared}", *ways])


def time_of_bodies(rows: Iterable[Attempt]) -> timedelta:
    """For how long step bodies ran that completed, side by side or not."""
    spans = sorted(
        (row.started, row.finished)
        for row in rows
        if row.status is AttemptStatus.COMPLETED and row.started and row.finished
    )
    total, end = timedelta(), None
    for started, finished in spans:
        begin = started if end is None else max(started, end)
        if finished > begin:
            total += finished - begin
            end = finished
    return total


def short_path(url: str) -> str:
    """Where the journal is, as seen from the working directory."""
    try:
        path = sqlite_path(url)
    except ConfigError:
        return without_password(url)
    return short(path)


def short(path: Path) -> str:
    """A path, as seen from the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


@contextmanager
def plainly() -> Iterator[None]:
    """Show a mistake as one line. IPython does so for `UsageError` itself only."""
    try:
        yield
    except UsageError as e:
        # It quotes words of the line.
        raise UsageError(words.sentence(str(e))) from e.__cause__
    except DurableNotebookError as e:
        # The same errors, with the way out that a notebook has.
        raise UsageError(words.sentence(in_magics(str(e)))) from e


def say(text: str) -> None:
    """Print a line, or several, of which nothing acts on a terminal."""
    print("\n".join(map(words.sentence, text.split("\n"))))  # noqa: T201
