"""What the magics say: of runs, of the journal, of mistakes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from IPython.core.error import UsageError

from durable_notebook._config import sqlite_path, without_password
from durable_notebook._model import RunInfo, RunStatus
from durable_notebook.errors import ConfigError, DurableNotebookError
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


def became(session: Session, run_id: str) -> str:
    """Say what became of a run that was there before."""
    info = session.call(session.client.read_info(run_id))
    done = words.plural(info.steps, "completed step")
    if info.status.is_final:
        return f"ended before: {done} on record, nothing runs again"
    if info.status is RunStatus.PAUSED:
        return f"attached to a run that is paused: {done} on record"
    live = session.runtime.live(run_id)
    if live is None or live.resumed_from == 0:
        return "attached to the run that is under way"
    kept = words.plural(live.kept_steps, "completed step")
    life = f"session {session.runtime.session}"
    return f"resumed in {life}: {kept} kept, none of them runs again"


def magic(name: str, run_id: str) -> str:
    """A magic of ours for a run, as it is typed."""
    before = "-- " if run_id.startswith("--") else ""
    word = shlex.quote(run_id)
    if word == run_id and "=" in word:  # It would be taken for a field.
        word = f"'{word}'"
    return f"%durable_{name} {before}{word}"


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
    except DurableNotebookError as e:
        # The same errors, with the way out that a notebook has.
        text = str(e).replace("'client.runs()'", "%durable_runs")
        raise UsageError(text) from e
