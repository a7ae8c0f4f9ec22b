"""`durable-notebook delete`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from durable_notebook.cli import _documents
from durable_notebook.cli._arguments import add_run
from durable_notebook.cli._command import Command, open_journal
from durable_notebook.views.table import harmless


def _arguments(parser: ArgumentParser) -> None:
    add_run(parser)


def _run(args: Namespace) -> int:
    with open_journal(args) as journal:
        journal.delete(args.run_id)
    document = {"deleted": [args.run_id]}
    _documents.show(args, document, harmless(f"Deleted run {args.run_id}."))
    return 0


COMMAND = Command(
    name="delete",
    summary="delete a run that nobody executes",
    description="Delete a run, with everything that the database has of it. One that "
    "a live process\nexecutes is left alone: cancel it first.",
    example="delete order-17",
    arguments=_arguments,
    run=_run,
)
