"""`durable-notebook pause`."""

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
        executor_id = journal.pause(args.run_id)
    document = {"run_id": args.run_id, "executor_id": executor_id}
    said = f"Run {args.run_id} is paused."
    if executor_id is not None:
        said += f" Executor {executor_id} lets its steps in flight end."
    resume = typed(args, *ours("resume", args.run_id))
    _documents.show(
        args, document, words.sentence(f"{said} '{resume}' goes on with it.")
    )
    return 0


COMMAND = Command(
    name="pause",
    summary="have a run begin no further step",
    description="Have a run begin no further step, until 'resume'. Steps in flight go "
    "on to their\nresults. The pause is on disk when this returns, and outlasts "
    "restarts; a live process\nthat has the run hears of it in a moment. What is sent "
    "to the run is kept, and heard\nwhen it goes on.",
    example="pause order-17",
    arguments=_arguments,
    run=_run,
)
