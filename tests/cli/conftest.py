"""The command line on journals that a real runtime has made."""

from __future__ import annotations

import io
import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from durable_notebook.cli import main


@dataclass(frozen=True, slots=True)
class Done:
    """What a command line has done."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Done]


@pytest.fixture(params=["sqlite", "postgres"])
def journal_url(request: pytest.FixtureRequest, journal: Path) -> str:
    """A journal on each backend; nothing has run on it yet."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{journal}"


@pytest.fixture
def cli(journal_url: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Carries out command lines on the test's journal."""
    monkeypatch.setenv("DURABLE_NOTEBOOK_URL", journal_url)
    monkeypatch.delenv("COLUMNS", raising=False)
    # What a module is imported as is put back.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])

    def run(*words: str) -> Done:
        # Not pytest's own: DBOS's log would go on writing to what is closed by then.
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                status = main(words)
            except SystemExit as e:
                status = int(e.code or 0)
        return Done(status, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def script() -> Path:
    """The command as it is installed."""
    return Path(sys.executable).with_name("durable-notebook")


@pytest.fixture
def ctrl_c_is_heard() -> Iterator[None]:
    """Have the programs that a test begins hear a SIGINT, as on a terminal.

    What a shell begins in the background ignores it, and so do all its children.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(no_leaks: None) -> None:
    pass
