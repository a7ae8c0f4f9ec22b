"""`durable-notebook doctor`."""

from __future__ import annotations

import textwrap
from argparse import ArgumentParser, Namespace

from durable_notebook.cli import _documents
from durable_notebook.cli._command import (
    Command,
    database_url,
    terminal_width,
    typed,
)
from durable_notebook.client._journal import Journal
from durable_notebook.doctor._diagnosis import diagnose
from durable_notebook.doctor._finding import Examined, Finding
from durable_notebook.doctor._health import examine, examine_open, refusal
from durable_notebook.errors import StorageError
from durable_notebook.operations._describe import Outside, describe
from durable_notebook.operations._retention import known
from durable_notebook.views import findings, words


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
    runs: list[Examined] = []
    is_usable = True
    try:
        with Journal.open(url) as journal:
            found += examine_open(journal.store)
            runs = _examined(journal, args.run_id)
    except StorageError as e:
        found.append(refusal(e))
        is_usable = False
    every = [*found, *(each for run in runs for each in run.found)]
    document = {
        "database": _documents.database(url),
        "findings": [_documents.finding(args, each) for each in every],
    }
    _documents.show(args, document, _text(args, found, runs))
    return 0 if is_usable else 1


def _examined(journal: Journal, run_id: str | None) -> list[Examined]:
    store, outside = journal.store, Outside(journal.store)
    if run_id is not None:
        rows = [known(store, run_id)]
    else:
        rows = [row for row in store.runs() if row.is_unfinished]
    return [
        Examined(
            describe(store, row, None, outside),
            diagnose(store, row, outside),
        )
        for row in rows
    ]


def _text(args: Namespace, found: list[Finding], runs: list[Examined]) -> str:
    width = terminal_width()

    def lines(each: Finding, indent: str) -> list[str]:
        return _lines(args, each, width, indent)

    return findings.report(found, runs, lines, _left_out, width)


def _left_out(count: int) -> str:
    return f"and {words.plural(count, 'more run')}: name one, or use --json"


def _lines(
    args: Namespace, found: Finding, width: int | None, indent: str
) -> list[str]:
    said = f"{indent}{findings.says(found)}{findings.times(found)}"
    wrapped = [said]
    if width is not None:
        wrapped = textwrap.wrap(said, width, subsequent_indent=indent)
    # A command is copied: it is never wrapped.
    commands = [f"{indent}  {findings.typed(typed(args, *c))}" for c in found.commands]
    return [*(line.replace(findings.KEPT, " ") for line in wrapped), *commands]


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
