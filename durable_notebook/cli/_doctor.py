"""`durable-notebook doctor`."""

from __future__ import annotations

import textwrap
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime

from durable_notebook._describe import Outside
from durable_notebook._diagnosis import diagnose
from durable_notebook._finding import Finding
from durable_notebook._health import examine, examine_open, refusal
from durable_notebook._journal import Journal
from durable_notebook._retention import known
from durable_notebook.cli import _documents
from durable_notebook.cli._command import (
    Command,
    database_url,
    terminal_width,
    typed,
)
from durable_notebook.errors import StorageError
from durable_notebook.views import words
from durable_notebook.views.table import harmless


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "run_id",
        metavar="RUN",
        nargs="?",
        help="the run to look at; by default every one that has not ended",
    )


def _run(args: Namespace) -> int:
    url = database_url(args)
    found = examine(url)
    is_usable = True
    try:
        with Journal.open(url) as journal:
            found += examine_open(journal.store)
            found += _runs(journal, args.run_id)
    except StorageError as e:
        found.append(refusal(e))
        is_usable = False
    document = {
        "database": _documents.database(url),
        "findings": [_documents.finding(args, each) for each in found],
    }
    _documents.show(args, document, _text(args, found))
    return 0 if is_usable else 1


def _runs(journal: Journal, run_id: str | None) -> list[Finding]:
    store, outside = journal.store, Outside(journal.store)
    if run_id is not None:
        rows = [known(store, run_id)]
    else:
        rows = [row for row in store.runs() if row.is_unfinished]
    return [each for row in rows for each in diagnose(store, row, outside)]


def _text(args: Namespace, found: list[Finding]) -> str:
    if not found:
        return "Nothing is wrong here: every run has ended."
    return "\n".join(line for each in found for line in _lines(args, each))


def _lines(args: Namespace, found: Finding) -> list[str]:
    where = "" if found.run_id is None else f"{found.run_id}: "
    said = harmless(f"{where}{found.says}{_times(found)}")
    width = terminal_width()
    lines = [said] if width is None else textwrap.wrap(said, width)
    # A command is copied: it is never wrapped.
    return [*lines, *(f"    {harmless(typed(args, *c))}" for c in found.commands)]


def _times(found: Finding) -> str:
    now = datetime.now(UTC)
    said = ""
    if found.since is not None:
        ago = words.duration(max(now - found.since, now - now))
        said += f" (since {words.moment(found.since)}, {ago})"
    if found.due is not None:
        left = words.duration(max(found.due - now, now - now))
        said += f" (due {words.moment(found.due)}, in {left})"
    return said


COMMAND = Command(
    name="doctor",
    summary="tell why a run does not move, and what to do",
    description="Tell why a run does not move: who should execute it, what it waits "
    "for, what is\nwrong with the journal; each cause with the command that cures it. "
    "It says what is\nknown, and changes nothing. Without RUN, of every run that has "
    "not ended.",
    example="doctor order-17",
    arguments=_arguments,
    run=_run,
)
