"""Where a command line is read, carried out, and its mistakes told in one sentence."""

from __future__ import annotations

import logging
import os
import sys
from argparse import (
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Sequence
from importlib import metadata
from typing import NoReturn

from durable_notebook.cli import (
    _answer,
    _cancel,
    _completion,
    _delete,
    _doctor,
    _fork,
    _journal,
    _pause,
    _reassign,
    _resume,
    _runs,
    _serve,
    _trim,
)
from durable_notebook.cli._arguments import field
from durable_notebook.cli._command import INTERRUPTED, Command, RefusalError, plainly
from durable_notebook.doctor._finding import OURS
from durable_notebook.errors import DurableNotebookError
from durable_notebook.views import words

COMMANDS: tuple[Command, ...] = (
    _runs.COMMAND,
    _journal.COMMAND,
    _doctor.COMMAND,
    _answer.COMMAND,
    _resume.COMMAND,
    _pause.COMMAND,
    _cancel.COMMAND,
    _fork.COMMAND,
    _reassign.COMMAND,
    _delete.COMMAND,
    _trim.COMMAND,
    _serve.COMMAND,
    _completion.COMMAND,
)

_BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line, and give the exit status.

    0 is done, 1 that it could not be done, 2 a command line that cannot be read.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal without some letter must not end the command.
            stream.reconfigure(errors="replace")
    args = _parsed(argv)
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has enough; the interpreter must not complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except (DurableNotebookError, RefusalError) as e:
        _refuse(args, e)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _refuse(args: Namespace, problem: Exception) -> None:
    """Tell why it could not be done, where the log goes."""
    sentence = words.sentence(plainly(str(problem), args))
    if getattr(args, "log_json", False):
        logging.getLogger("durable_notebook").error("%s", sentence)
    else:
        print(f"{OURS}: {sentence}", file=sys.stderr)


def _parsed(argv: Sequence[str] | None) -> Namespace:
    args, rest = _parser().parse_known_args(argv)
    # Fields may also stand behind an option: argparse has taken none of them by then.
    if not hasattr(args, "fields") or any(word.startswith("-") for word in rest):
        if rest:
            args.parser.error(f"unrecognized arguments: {' '.join(rest)}")
        return args
    try:
        args.fields = [*args.fields, *map(field, rest)]
    except ArgumentTypeError as e:
        args.parser.error(str(e))
    return args


class _Parser(ArgumentParser):
    """Tells of words that it cannot read without letting them act on the terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(words.sentence(message))


def _parser() -> ArgumentParser:
    parser = _Parser(
        prog=OURS,
        description="Look at durable runs, answer them, and see why one does not move.",
        epilog=f"'{OURS} COMMAND --help' tells what a command does, with an example.",
    )
    version = f"{OURS} {metadata.version(OURS)}"
    parser.add_argument("-V", "--version", action="version", version=version)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    parser.set_defaults(parsers=commands.choices)
    for command in COMMANDS:
        _add(
            command,
            commands.add_parser(
                command.name,
                help=command.summary,
                description=command.description,
                epilog=f"example:\n  {OURS} {command.example}",
                formatter_class=RawDescriptionHelpFormatter,
            ),
        )
    return parser


def _add(command: Command, parser: ArgumentParser) -> None:
    command.arguments(parser)
    parser.set_defaults(run=command.run, parser=parser)
    if not command.is_on_journal:
        return
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document instead of text"
    )
    parser.add_argument(
        "--database",
        metavar="URL",
        help="the journal: sqlite:///file or postgresql://user@host/database; by "
        "default $DURABLE_NOTEBOOK_URL, else .durable_notebook/journal.sqlite below "
        "this folder",
    )
