"""`durable-notebook completion`: what a shell may offer at the end of a line."""

from __future__ import annotations

import re
import shlex
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from importlib import resources
from itertools import pairwise

from durable_notebook.cli._command import Command, open_journal
from durable_notebook.client._journal import Journal
from durable_notebook.errors import DurableNotebookError

_SHELLS = ("bash", "zsh", "fish")

# Of so many runs, the newest, are ids offered.
_MOST = 500

# What ends a line in the middle of a word, and one that is quoted.
_END = "|"
_ENDS = (_END, f"{_END}'", f'{_END}"')

_ONLY_UNFINISHED = ("answer", "cancel", "pause", "reassign", "resume")


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=_SHELLS, help="for which shell")
    # One text, as argparse would read a part of it: the line may have a `--` too.
    parser.add_argument("--line", help=SUPPRESS)


def _run(args: Namespace) -> int:
    if args.line is not None:
        words = _words(args.line)
        found = sorted(
            word
            for word in _candidates(args, words)
            # A shell writes what it is offered to the terminal, as it is.
            if word.startswith(words[-1]) and word.isprintable()
        )
        print("".join(f"{word}\n" for word in found), end="")
    else:
        script = resources.files(__package__).joinpath(f"completion.{args.shell}")
        print(script.read_text("utf-8"), end="")
    return 0


def _words(line: str) -> list[str]:
    """The words behind the command, as a shell reads them; the last may be empty."""
    for end in _ENDS:
        try:
            words = shlex.split(line + end)[1:]
        except ValueError:  # A quotation mark is open.
            continue
        words[-1] = words[-1].removesuffix(_END)
        return words
    return [""]


def _candidates(args: Namespace, words: Sequence[str]) -> Iterable[str]:
    """What may stand in the place of the last word."""
    name, *given = words
    parser: ArgumentParser | None = args.parsers.get(name)
    if not given:
        return list(args.parsers)
    if parser is None:
        return []
    # In the usage an option that takes a value is followed by what it is called.
    usage = parser.format_usage()
    takes = dict(re.findall(r"(--[a-z-]+)( [A-Z])?", usage))
    *before, last = given
    if "--" in before:
        return _values(name, usage, _positional(before, takes), _database(before))
    if last.startswith("-"):
        return [*takes, "--help"]
    if before and takes.get(before[-1]):
        return []
    found = _values(name, usage, _positional(before, takes), _database(before))
    # Without a `--` before it, such a one would be taken for an option.
    return [value for value in found if not value.startswith("-")]


def _positional(words: Sequence[str], takes: dict[str, str]) -> list[str]:
    found: list[str] = []
    is_value = False
    for n, word in enumerate(words):
        if word == "--" and not is_value:
            return [*found, *words[n + 1 :]]
        if not is_value and not word.startswith("-"):
            found.append(word)
        is_value = bool(takes.get(word))
    return found


def _database(words: Sequence[str]) -> str | None:
    """The journal that the line names."""
    pairs = pairwise(words)
    return next((url for option, url in pairs if option == "--database"), None)


def _values(
    name: str, usage: str, given: Sequence[str], database: str | None
) -> list[str]:
    """Ids of runs, or the fields of an answer; none where there is no journal."""
    if re.search(r"\bRUN\b", usage) is None:
        return []
    try:
        with open_journal(Namespace(database=database)) as journal:
            if not given or name == "reassign":
                return _run_ids(journal, is_any=name not in _ONLY_UNFINISHED)
            return _fields(journal, given) if name == "answer" else []
    except DurableNotebookError:
        return []


def _run_ids(journal: Journal, *, is_any: bool) -> list[str]:
    rows = journal.store.runs(_MOST)
    return [row.run_id for row in rows if is_any or row.is_unfinished]


def _fields(journal: Journal, given: Sequence[str]) -> list[str]:
    run_id, *fields = given
    known = {field.partition("=")[0] for field in fields}
    schemas = filter(None, journal.prompt(run_id).schemas)
    names = [name for schema in schemas for name in schema.get("properties", {})]
    return [f"{name}=" for name in names if name not in known]


COMMAND = Command(
    name="completion",
    summary="print what a shell needs to complete a line",
    description="Print what a shell needs to complete commands, options, the ids of "
    "runs, and the\nfields of an answer. It begins with the line that goes into the "
    "file of the shell:\n~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish.",
    example="completion bash",
    arguments=_arguments,
    run=_run,
    is_on_journal=False,
)
