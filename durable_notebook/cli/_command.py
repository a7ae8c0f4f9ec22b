"""What a command is, and what every command is given."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from argparse import ArgumentParser, Namespace
from ast import literal_eval
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from durable_notebook._config import (
    DEFAULT_JOURNAL,
    URL_VARIABLE,
    default_url,
    url_from_environment,
    without_password,
)
from durable_notebook.client._journal import Journal
from durable_notebook.doctor._finding import OURS, ours
from durable_notebook.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Command:
    """A sub-command: what its help says, what it takes, and what it does.

    `run` prints what it has done and gives the exit status. One that `is_on_journal`
    takes `--database` and `--json`.
    """

    name: str
    summary: str
    description: str
    example: str
    arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
    is_on_journal: bool = True


INTERRUPTED = 130
"""The exit status of what Ctrl-C has stopped."""


class RefusalError(Exception):
    """A mistake of the command line that no error of the package tells of."""


def database_url(args: Namespace) -> str:
    """The journal that was asked for, else that of the environment or this folder.

    Raises:
        ConfigError: There is none.
    """
    url: str | None = args.database or url_from_environment()
    if url is not None:
        return url
    if DEFAULT_JOURNAL.exists():
        return default_url()
    raise ConfigError(
        f"There is no journal in this folder ({Path.cwd() / DEFAULT_JOURNAL}).",
        "Go to the folder of the notebook, give --database URL, or set "
        f"${URL_VARIABLE}.",
    )


def open_journal(args: Namespace) -> Journal:
    """Open the journal for looking, and for messages. Nothing is created."""
    return Journal.open(database_url(args))


def terminal_width() -> int | None:
    """How wide a line may be; None where the output goes to a file or a pipe."""
    if not (sys.stdout.isatty() or os.environ.get("COLUMNS")):
        return None
    return max(shutil.get_terminal_size().columns, 40)


def typed(args: Namespace, *words: str) -> str:
    """A command of ours as it is typed here, with the journal that was named."""
    command = [*words]
    url = getattr(args, "database", None)
    # A password would stay on the screen: that is for the environment.
    if words[0] == OURS and url and without_password(url) == url:
        end = command.index("--") if "--" in command else len(command)
        command[end:end] = ["--database", url]
    return shlex.join(command)


_TEXT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_CALL = re.compile(rf"'client\.(\w+)\((?:({_TEXT})(?:\)\.info\()?)?\)'")


def plainly(text: str, args: Namespace) -> str:
    """The sentence of an error, with commands instead of calls of the client."""

    def as_command(call: re.Match[str]) -> str:
        verb = "journal" if call[1] == "run" else call[1]
        run_ids = [literal_eval(call[2])] if call[2] else []
        return f"'{typed(args, *ours(verb, *run_ids))}'"

    return _CALL.sub(as_command, text)
