"""`durable-notebook runs`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from durable_notebook.cli import _documents
from durable_notebook.cli._arguments import count
from durable_notebook.cli._command import Command, open_journal, terminal_width
from durable_notebook.views import text


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--limit", type=count, metavar="N", help="show the newest N only"
    )


def _run(args: Namespace) -> int:
    with open_journal(args) as journal:
        rows = journal.runs(args.limit)
        document = {
            "database": _documents.database(journal.url),
            "runs": [_documents.run(row) for row in rows],
        }
    _documents.show(args, document, text.runs(rows, terminal_width()))
    return 0


COMMAND = Command(
    name="runs",
    summary="list the runs, newest first",
    description="List the runs of a journal, newest first. Looking changes nothing: "
    "it may be done\nbeside a kernel that executes them.",
    example="runs --limit 20",
    arguments=_arguments,
    run=_run,
)
