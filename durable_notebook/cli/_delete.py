"""`durable-notebook delete`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from durable_notebook.cli import _documents
from durable_notebook.cli._arguments import add_run
from durable_notebook.cli._command import Command, open_journal
from durable_notebook.views import words


def _arguments(parser: ArgumentParser) -> None:
    add_run(parser)


def _run(args: Namespace) -> int:
    with open_journal(args) as journal:
        gone = journal.delete(args.run_id)
    name = words.name(gone[0])
    said = f"Deleted run {name}."
    if gone[1:]:
        said = f"Deleted run {name}, and with it what its steps had begun:"
    lines = [said, *_documents.listed(gone[1:])]
    _documents.show(args, {"deleted": gone}, "\n".join(lines))
    return 0


COMMAND = Command(
    name="delete",
    summary="delete a run that nobody executes",
    description="Delete a run, with everything that the database has of it, and with "
    "the runs that its\nsteps have begun. One that a live process executes is left "
    "alone: cancel it first.",
    example="delete order-17",
    arguments=_arguments,
    run=_run,
)
