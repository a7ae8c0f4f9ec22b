"""`durable-notebook answer`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping

from durable_notebook._model import EventView, Prompt
from durable_notebook.cli import _documents
from durable_notebook.cli._arguments import add_app, add_run, count, field
from durable_notebook.cli._command import Command, RefusalError, open_journal
from durable_notebook.client._journal import Sent
from durable_notebook.operations._messages import Message, answer_message
from durable_notebook.views import words

# A live process takes a message within milliseconds, unless it is busy.
_REACTION_S = 2.0

# What is recorded with the answer as who gave it.
_BY = "the command line"


def _arguments(parser: ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument(
        "fields",
        metavar="FIELD=VALUE",
        nargs="*",
        type=field,
        help="a field of the answer; its value is JSON if it can be read as that, "
        "else text",
    )
    parser.add_argument(
        "--prompt",
        type=count,
        metavar="NUMBER",
        help="which of several open questions; by default the oldest",
    )
    add_app(parser, required=False)


def _run(args: Namespace) -> int:
    with open_journal(args) as journal:
        prompt = journal.prompt(args.run_id, args.prompt)
        sent = journal.answer(prompt, _message(args, prompt))
        reaction = None
        if sent.executor_id is not None:
            reaction = journal.reaction(sent, _REACTION_S)
    assert sent.message is not None
    if reaction is False:
        name = sent.message.event.name
        raise RefusalError(
            f"Executor {sent.executor_id!r} has refused the answer: it does not fit "
            f"{name} as it is defined there, and its log says why. The question is "
            "open again; correct the fields and answer anew."
        )
    document = {
        "run_id": sent.run_id,
        "prompt": prompt.number,
        "sequence": sent.sequence,
        "event": _documents.event(sent.message.event),
        "executor_id": sent.executor_id,
        "is_taken": bool(reaction),
    }
    _documents.show(args, document, _said(sent, sent.message.event, bool(reaction)))
    return 0


def _message(args: Namespace, prompt: Prompt) -> Message:
    texts: Mapping[str, str] = dict(args.fields)
    if args.app is None:
        return answer_message(prompt, texts, _BY)
    # The library of workflows and DBOS are imported for their own sake only.
    from durable_notebook.cli import _app
    from durable_notebook.client import _requests

    app = _app.load(args.app, is_program=any(map(_app.is_of_program, prompt.expects)))
    return _requests.answer_message(prompt, texts, app.event_class, _BY)


def _said(sent: Sent, event: EventView, is_taken: bool) -> str:
    said = f"Sent {event} to run {sent.run_id}."
    if is_taken:
        more = "The run has taken it."
    elif sent.executor_id is None:
        more = "It is on disk, and applied when somebody goes on with the run."
    else:
        more = f"It is on disk; executor {sent.executor_id} has not taken it yet."
    return words.sentence(f"{said} {more}")


COMMAND = Command(
    name="answer",
    summary="answer a question of a run",
    description="Answer a question of a run, by default its oldest. The answer is on "
    "disk when this\nreturns, and is applied exactly once, also if nobody executes the "
    "run at the time.\nIts fields are checked against what the question recorded; with "
    "--app by its class.",
    example="answer order-17 approved=true by=Ada",
    arguments=_arguments,
    run=_run,
)
