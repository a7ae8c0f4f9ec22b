"""`durable-notebook cancel`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from durable_notebook.cli import _documents
from durable_notebook.cli._arguments import add_run
from durable_notebook.cli._command import Command, open_journal, typed
from durable_notebook.doctor._finding import ours
from durable_notebook.views import words


def _arguments(parser: ArgumentParser) -> None:
    add_run(parser)


def _run(args: Namespace) -> int:
    with open_journal(args) as journal:
        sent = journal.cancel(args.run_id)
    document = {
        "run_id": sent.run_id,
        "sequence": sent.sequence,
        "executor_id": sent.executor_id,
    }
    if sent.executor_id is not None:
        more = f"Executor {sent.executor_id} ends it as cancelled."
    else:
        delete = typed(args, *ours("delete", sent.run_id))
        more = (
            "Nobody executes it, so it ends as cancelled when somebody goes on with "
            f"it; to be rid of it at once, use '{delete}'."
        )
    _documents.show(
        args, document, words.sentence(f"Asked run {sent.run_id} to end. {more}")
    )
    return 0


COMMAND = Command(
    name="cancel",
    summary="ask a run to end",
    description="Ask a run to end as cancelled. The request is on disk when this "
    "returns, and\novertakes all other messages to the run.",
    example="cancel order-17",
    arguments=_arguments,
    run=_run,
)
