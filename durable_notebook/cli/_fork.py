"""`durable-notebook fork`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from durable_notebook.cli import _documents
from durable_notebook.cli._arguments import add_run, count
from durable_notebook.cli._command import Command, open_journal, typed
from durable_notebook.doctor._diagnosis import module_of
from durable_notebook.doctor._finding import ours
from durable_notebook.operations._retention import known
from durable_notebook.views import words


def _arguments(parser: ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument(
        "--position",
        type=count,
        metavar="N",
        help="keep the entries before this one, as 'journal' numbers them; by default "
        "all, but for the last of a run that has ended",
    )
    parser.add_argument("--new-run-id", metavar="ID", help="the id of the new run")


def _run(args: Namespace) -> int:
    with open_journal(args) as journal:
        module = module_of(known(journal.store, args.run_id).workflow)
        new_run_id, kept = journal.fork(args.run_id, args.position, args.new_run_id)
    document = {"run_id": new_run_id, "forked_from": args.run_id, "position": kept}
    resume = typed(args, *ours("resume", new_run_id, options={"app": module}))
    said = (
        f"Run {new_run_id} begins with {words.plural(kept, 'turn')} of {args.run_id}. "
        f"A process that has its workflow takes it, if one lives; else use '{resume}'."
    )
    _documents.show(args, document, words.sentence(said))
    return 0


COMMAND = Command(
    name="fork",
    summary="begin a new run from a position of another",
    description="Begin a new run with the first entries of another: its store, its "
    "stream and its\nopen questions are those of that moment. The new run is on disk "
    "when this returns.\nIt is executed by a process that has the workflow, never by "
    "this command.",
    example="fork order-17 --position 3 --new-run-id order-17b",
    arguments=_arguments,
    run=_run,
)
