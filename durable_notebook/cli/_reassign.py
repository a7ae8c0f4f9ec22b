"""`durable-notebook reassign`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from durable_notebook.cli import _documents
from durable_notebook.cli._command import Command, open_journal
from durable_notebook.views import words

# Of so many runs it takes a while that somebody may wonder about.
_MANY = 1000


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "run_ids",
        metavar="RUN",
        nargs="*",
        help="only these runs, with those that their steps have begun",
    )
    parser.add_argument(
        "--from",
        dest="from_executor",
        metavar="EXECUTOR",
        required=True,
        help="whose runs: an executor that is no live process",
    )
    parser.add_argument(
        "--to",
        dest="to_executor",
        metavar="EXECUTOR",
        required=True,
        help="who goes on with them: at once, or when it is started",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say which runs, and change nothing"
    )


def _run(args: Namespace) -> int:
    both = args.from_executor, args.to_executor
    with open_journal(args) as journal:
        given = journal.reassignable(*both, args.run_ids)
        if not args.dry_run:
            if len(given) > _MANY:
                print(f"Giving {words.plural(len(given), 'run')} ...", file=sys.stderr)
            given = journal.reassign(*both, given)
        is_alive = journal.store.is_held(args.to_executor)
        is_known = args.to_executor in journal.store.lives()
    document = {
        "from": args.from_executor,
        "to": args.to_executor,
        "is_alive": is_alive,
        "is_dry_run": args.dry_run,
        "reassigned": given,
    }
    how = "goes on with them" if is_alive else "goes on with them when it is started"
    if not (is_alive or is_known):
        how += "; no process has been that so far"
    lines = [words.sentence(_said(args, given, how)), *_documents.listed(given)]
    _documents.show(args, document, "\n".join(lines))
    return 0


def _said(args: Namespace, given: list[str], how: str) -> str:
    runs = words.plural(len(given), "run")
    to = f"executor {args.to_executor}"
    if args.dry_run:
        return (
            f"Would give {runs} of executor {args.from_executor} to {to}, which {how}:"
        )
    return f"Gave {runs} of executor {args.from_executor} to {to}, which {how}:"


COMMAND = Command(
    name="reassign",
    summary="give the runs of a dead executor to another",
    description="Give the unfinished runs of an executor that is no live process to "
    "another: all of\nthem, or those that are named with the runs that their steps "
    "have begun. It is one\ncommit. A live executor goes on with them at once, another "
    "when it is started. If\nthe old process wakes up, it stops before it does more.",
    example="reassign --from replica-1 --to replica-2",
    arguments=_arguments,
    run=_run,
)
