"""Every command on a journal, and with words, that nobody should have named anything.

A run id that acts on a screen is refused where runs begin here; DBOS's own calls take
it, so a journal may have it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from process_lives import live, until
from pydantic import create_model
from workflows import Workflow, step
from workflows.events import (
    Event,
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
)

from durable_notebook import DBOSRuntime
from tests.hostile import ACTS, acts

from .conftest import Cli, Done

FIELD = "</script>\u202e\x1b[31m\u2066"
LONG = ACTS + "x" * 1_000_000
MANY = dict.fromkeys(map(str, range(5_000)), ACTS)

# What one command may say of one run, and what of a mistake.
LONGEST, LONGEST_ERROR = 60_000, 10_000

ASKS, FAILED, DONE = (f"{name}{ACTS}" for name in ("asks", "failed", "done"))


class Asked(InputRequiredEvent):
    pass


class Told(Event):
    pass


Said = create_model("Said", __base__=HumanResponseEvent, **{FIELD: (str, ...)})  # type: ignore[call-overload]
Said.__module__ = __name__


class Asking(Workflow):
    @step
    async def ask(self, ev: StartEvent) -> Asked:
        return Asked(question=LONG, many=MANY, **{ACTS: LONG})

    @step
    async def hear(self, ev: Said) -> StopEvent:  # type: ignore[valid-type]
        return StopEvent(result=LONG)


class Failing(Workflow):
    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        raise ValueError(LONG)


class Ending(Workflow):
    @step
    async def tell(self, ev: StartEvent) -> Told:
        return Told(said=LONG, **{ACTS: MANY})

    @step
    async def end(self, ev: Told) -> StopEvent:
        return StopEvent(result={ACTS: LONG})


async def _all(runtime: DBOSRuntime) -> None:
    def prompts() -> object:
        last = runtime.store.last_entry("asks")
        return last is not None and last.entry.prompts

    start = {"said": LONG, ACTS: MANY}
    Asking(runtime=runtime).run(run_id="asks", **start)
    await until(prompts)
    with pytest.raises(ValueError, match="img"):
        await Failing(runtime=runtime).run(run_id="failed", **start)
    await Ending(runtime=runtime).run(run_id="done", **start)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "journal.sqlite"
    live(f"sqlite:///{path}", _all)
    with closing(sqlite3.connect(path)) as db:
        for table, column in _columns(db):
            for name in (ASKS, FAILED, DONE):
                db.execute(
                    f"UPDATE {table} SET {column} = ? WHERE {column} = ?",
                    (name, name[: -len(ACTS)]),
                )
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # All of it in the one file.
    return path


def _columns(db: sqlite3.Connection) -> list[tuple[str, str]]:
    tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return [
        (table, column)
        for (table,) in tables.fetchall()
        for _, column, *_ in db.execute(f"PRAGMA table_info({table})")
        if column in ("workflow_uuid", "run_id")
    ]


@pytest.fixture
def journal_url(made: Path) -> str:
    """All of it, to be looked at."""
    return f"sqlite:///{made}"


@pytest.fixture
def a_copy(made: Path, journal: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> Cli:
    """The command line on all of it, to be changed."""
    shutil.copy(made, journal)
    monkeypatch.setenv("DURABLE_NOTEBOOK_URL", f"sqlite:///{journal}")
    return cli


LOOKING: dict[str, tuple[str, ...]] = {
    "runs": ("runs",),
    "journal": ("journal", ASKS),
    "journal of one that failed": ("journal", FAILED),
    "doctor": ("doctor",),
    "doctor of one": ("doctor", ASKS),
    "doctor of one that failed": ("doctor", FAILED),
}
DOING: dict[str, tuple[str, ...]] = {
    "answer": ("answer", ASKS, f"{FIELD}=yes"),
    "pause": ("pause", ASKS),
    "cancel": ("cancel", ASKS),
    "fork": ("fork", DONE, "--new-run-id", "again"),
    "delete": ("delete", DONE),
    "trim": ("trim", "--keep", "0"),
    "reassign": ("reassign", "--from", "local", "--to", "b"),
    "resume of one that is done": ("resume", DONE),
}
REFUSED: dict[str, tuple[str, ...]] = {
    "no such run": ("journal", LONG),
    "no such run for doctor": ("doctor", LONG),
    "no such run to answer": ("answer", LONG, "a=1"),
    "no such run to delete": ("delete", LONG),
    "no such run to pause": ("pause", LONG),
    "no such run to cancel": ("cancel", LONG),
    "no such run to fork": ("fork", LONG),
    "no such run to resume": ("resume", LONG),
    "no such run to give": ("reassign", LONG, "--from", LONG, "--to", LONG),
    "what can be no executor": ("reassign", "--from", "local", "--to", LONG),
    "no such field": ("answer", ASKS, f"no{LONG}={LONG}"),
    "no field at all": ("answer", ASKS, LONG),
    "a value of a wrong kind": ("answer", ASKS, f"{FIELD}=[]", f"{LONG}=1"),
    "no such module": ("resume", ASKS, "--app", LONG),
    "no module": ("resume", ASKS),
    "one that failed": ("resume", FAILED),
    "no such database": ("runs", "--database", f"sqlite:///{LONG}"),
    "no such database for doctor": ("doctor", "--database", f"sqlite:///{LONG}"),
    "no such address": ("runs", "--database", LONG),
    "no such number": ("runs", "--limit", LONG),
    "no such age": ("trim", "--older-than", LONG),
    "no such option": ("runs", f"--{LONG}"),
    "no such command": (LONG,),
    "a word too many": ("runs", LONG),
    "an id that may not be": ("fork", DONE, "--new-run-id", LONG),
    "no such shell": ("completion", LONG),
    "no such port": ("serve", "a:B", "--port", LONG),
}


def check_is_harmless(done: Done) -> None:
    assert not acts(done.out)
    assert not acts(done.err)
    assert len(done.out) < LONGEST
    assert len(done.err) < LONGEST_ERROR


@pytest.mark.parametrize("words", LOOKING.values(), ids=LOOKING)
def test_what_is_looked_at_is_text_and_bounded(
    cli: Cli, words: tuple[str, ...]
) -> None:
    done = cli(*words)

    assert (done.status, done.err) == (0, "")
    check_is_harmless(done)

    exact = cli(*words, "--json")
    assert not acts(exact.out)
    assert _has(exact.document, ACTS)


@pytest.mark.parametrize("words", DOING.values(), ids=DOING)
def test_what_is_said_of_what_was_done_is_text_and_bounded(
    a_copy: Cli, words: tuple[str, ...]
) -> None:
    done = a_copy(*words)

    assert (done.status, done.err) == (0, "")
    check_is_harmless(done)


@pytest.mark.parametrize("words", DOING.values(), ids=DOING)
def test_of_what_was_done_the_json_is_exact(
    a_copy: Cli, words: tuple[str, ...]
) -> None:
    done = a_copy(*words, "--json")

    assert not acts(done.out)
    assert _has(done.document, ACTS)


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_what_a_refusal_says_is_text_and_bounded(
    cli: Cli, words: tuple[str, ...]
) -> None:
    done = cli(*words)

    assert done.status in (1, 2)
    assert done.err
    check_is_harmless(done)


def _has(document: Any, text: str) -> bool:
    """Whether a text is there as it is, in some key or value."""
    if isinstance(document, dict):
        return any(_has(each, text) for pair in document.items() for each in pair)
    if isinstance(document, list):
        return any(_has(each, text) for each in document)
    return isinstance(document, str) and text in document


def test_a_shell_is_offered_no_word_that_acts_on_it(cli: Cli) -> None:
    for line in ("journal ", "doctor ", f"answer '{ASKS}' "):
        done = cli("completion", "bash", f"--line=durable-notebook {line}")

        assert (done.status, done.err) == (0, "")
        assert not acts(done.out)


def test_the_log_of_a_command_is_lines_of_json(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sick.py").write_text(f"raise ValueError({LONG!r})")
    monkeypatch.syspath_prepend(tmp_path)

    done = cli("serve", "sick:App", "--log-json")

    assert done.status == 1
    assert not acts(done.err)
    assert len(done.err) < LONGEST_ERROR
    for line in done.err.splitlines():
        assert json.loads(line)["message"]
