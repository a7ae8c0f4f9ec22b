"""`durable-notebook serve`: workflows over HTTP, until it is told to stop."""

from __future__ import annotations

import asyncio
import re
from argparse import SUPPRESS, Action, ArgumentParser, ArgumentTypeError, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from durable_notebook._config import (
    TOKEN_VARIABLE,
    default_url,
    token_from_environment,
    url_from_environment,
)
from durable_notebook.cli._arguments import port, seconds
from durable_notebook.cli._command import Command, RefusalError
from durable_notebook.cli._log import write_json_lines
from durable_notebook.errors import ExecutorInUseError

if TYPE_CHECKING:
    from workflows import Workflow

    from durable_notebook.server import AccessPolicy

# What stands in a path as it is.
_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class _Given:
    """Where a workflow is, and the name that it is to be served under, if one was."""

    name: str | None
    place: str


class _NoToken(Action):
    """Refuses a token that others could read by then."""

    def __call__(self, parser: ArgumentParser, *_: object) -> NoReturn:
        parser.error(
            "everybody on this machine can read a command line, and the token with it: "
            f"put a new one into ${TOKEN_VARIABLE}, or into a file for --token-file"
        )


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "workflows",
        metavar="MODULE:WORKFLOW",
        nargs="+",
        type=_given,
        help="a class or an instance to import; NAME=MODULE:WORKFLOW serves it under a "
        "name that is not its own",
    )
    parser.add_argument(
        "--log-json",
        action="store_true",
        help="write the log as one JSON object a line on stderr: at (in UTC), level, "
        "logger, message, and the run_id, workflow and executor_id that it is about",
    )
    parser.add_argument("--token", nargs="?", action=_NoToken, help=SUPPRESS)
    for option, metavar, about in _TEXTS:
        parser.add_argument(option, metavar=metavar, help=about)
    for option, unit, default, about in _NUMBERS:
        kind = port if unit == "N" else seconds
        parser.add_argument(
            option, metavar=unit, type=kind, default=default, help=about
        )
    parser.add_argument(
        "--origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="let pages of this origin ask too, as https://example.org; may be given "
        "several times",
    )


_TEXTS = (
    ("--host", "ADDRESS", "by default 127.0.0.1; one that others reach needs a token"),
    (
        "--token-file",
        "FILE",
        f"want the token that this file has; by default that of ${TOKEN_VARIABLE}, if "
        "it is set, else none",
    ),
    (
        "--executor-id",
        "ID",
        "who owns the runs, each process on a journal another one; by default 'local'",
    ),
)
_NUMBERS = (
    ("--port", "N", 8000, "by default 8000; 0 finds one that is free"),
    ("--idle-timeout", "S", 600.0, "after so many seconds a run that waits leaves "
     "memory; by default 600"),
    ("--drain-timeout", "S", 20.0, "so many seconds may steps in flight take when it "
     "stops; by default 20"),
)  # fmt: skip


def _given(text: str) -> _Given:
    name, sign, place = text.rpartition("=")
    if sign and not _NAME.fullmatch(name):
        raise ArgumentTypeError(f"{name!r} is no name: take letters, digits, - and _")
    return _Given(name if sign else None, place)


def _run(args: Namespace) -> int:
    if args.log_json:
        # Before anything is imported that might log, or set a log up.
        write_json_lines()
    # HTTP, DBOS and the library of workflows are imported for this command only.
    from durable_notebook._config import Settings
    from durable_notebook.runtime import DBOSRuntime, require_server

    require_server()
    from durable_notebook.cli import _serving

    policy = _policy(args)
    workflows = _workflows(args.workflows)
    settings = Settings(
        database_url=args.database or url_from_environment() or default_url(),
        executor_id=args.executor_id,
    )
    serving = _serving.Serving(args, DBOSRuntime(settings), workflows, policy)
    try:
        asyncio.run(serving.serve())
    except KeyboardInterrupt:
        if not serving.is_told:
            raise
    except ExecutorInUseError as e:
        raise RefusalError(
            f"Another live process is executor {e.executor_id!r} on {e.database}. Give "
            "this one an id of its own: --executor-id ID."
        ) from e
    return 0


def _policy(args: Namespace) -> AccessPolicy:
    from durable_notebook.server import AccessPolicy

    return AccessPolicy(
        host=args.host or "127.0.0.1",
        port=args.port,
        token=_token(args.token_file),
        origins=tuple(args.origin),
    )


def _token(file: str | None) -> str | None:
    if file is None:
        return token_from_environment()
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is no text"
        raise RefusalError(
            f"The token file {file!r} cannot be read: {why}. Name one that has the "
            "token and nothing else."
        ) from e


def _workflows(given: list[_Given]) -> dict[str, Workflow]:
    from durable_notebook.cli import _app

    found: dict[str, Workflow] = {}
    for each in given:
        workflow = _app.load(each.place, option="").served()
        name = each.name or type(workflow).__name__
        if name in found:
            raise RefusalError(
                f"Two workflows would be called {name}. Give one another name: "
                f"{name}-2={each.place}."
            )
        found[name] = workflow
    return found


COMMAND = Command(
    name="serve",
    summary="serve workflows over HTTP, until it is stopped",
    description="Serve workflows over HTTP, with a page to start, watch and answer "
    "their runs, and go on\nwith those that are unfinished. The journal is created if "
    "it is not there. SIGTERM and\nCtrl-C let the steps in flight end; the next server "
    "does none of them again.",
    example="serve orders:Order --port 8080",
    arguments=_arguments,
    run=_run,
)
