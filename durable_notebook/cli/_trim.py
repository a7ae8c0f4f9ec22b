"""`durable-notebook trim`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from durable_notebook.cli import _documents
from durable_notebook.cli._arguments import age, count
from durable_notebook.cli._command import Command, open_journal
from durable_notebook.views import words


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--older-than",
        type=age,
        metavar="AGE",
        help="delete those that ended longer ago: 30m, 12h, 7d or 2w",
    )
    parser.add_argument(
        "--keep",
        type=count,
        metavar="N",
        help="delete those after which N others have ended",
    )


def _run(args: Namespace) -> int:
    if args.older_than is None and args.keep is None:
        args.parser.error("say which runs: --older-than AGE, --keep N, or both")
    with open_journal(args) as journal:
        gone = journal.trim(args.older_than, args.keep)
    said = f"Deleted {words.plural(len(gone), 'finished run')}"
    lines = [f"{said}{':' if gone else '.'}", *_documents.listed(gone)]
    _documents.show(args, {"deleted": gone}, "\n".join(lines))
    return 0


COMMAND = Command(
    name="trim",
    summary="delete finished runs by age or number",
    description="Delete finished runs that ended too long ago, or that are too many. "
    "Runs that have\nnot ended are never touched.",
    example="trim --older-than 7d --keep 1000",
    arguments=_arguments,
    run=_run,
)
