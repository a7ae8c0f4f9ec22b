"""`durable-notebook journal`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from durable_notebook.cli import _documents
from durable_notebook.cli._arguments import add_run
from durable_notebook.cli._command import Command, open_journal, terminal_width
from durable_notebook.views import text


def _run(args: Namespace) -> int:
    with open_journal(args) as journal:
        info = journal.info(args.run_id)
        rows = journal.attempts(info)
    document = {
        "run": _documents.run(info),
        "attempts": [_documents.attempt(row) for row in rows],
    }
    _documents.show(args, document, text.journal(info, rows, terminal_width()))
    return 0


def _arguments(parser: ArgumentParser) -> None:
    add_run(parser)


COMMAND = Command(
    name="journal",
    summary="show the timeline of a run",
    description="Show the timeline of a run: one line an execution of a step, those "
    "that were\ninterrupted too, and a rule where a process ended.",
    example="journal order-17",
    arguments=_arguments,
    run=_run,
)
