"""From a command, or a call of the client, to what is typed in a cell.

The one place that knows both wordings: findings and errors are worded for everybody.
"""

from __future__ import annotations

import re
import shlex
from ast import literal_eval
from dataclasses import dataclass

from durable_notebook.doctor._finding import OURS, Cause, Finding

# What a magic of the same name does.
_VERBS = frozenset(
    {"answer", "cancel", "delete", "doctor", "fork", "journal", "pause", "reassign"}
    | {"resume", "rewind", "runs"}
)
# Of a command line only: a kernel has its classes, and opens one journal.
_NOT_HERE = ("--app", "--from", "--to", "--database")

_TEXT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_CALL = re.compile(rf"'client\.(\w+)\((?:({_TEXT})(?:, \.\.\.)?(?:\)\.info\()?)?\)'")
_FIELD = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


def magic(verb: str, *words: str) -> str:
    """A magic of ours as it is typed: for a run, with what else it takes."""
    if not words:
        return f"%durable_{verb}"
    run_id, *rest = words
    before = ["--"] if run_id.startswith("--") else []
    return " ".join([f"%durable_{verb}", *rest, *before, _quoted(run_id)])


def _quoted(run_id: str) -> str:
    word = shlex.quote(run_id)
    # It would be taken for a field.
    return f"'{word}'" if word == run_id and "=" in word else word


def in_cell(command: tuple[str, ...]) -> str:
    """What does in a cell what a command does in a terminal."""
    if command[0] != OURS:
        is_pip = command[0] == "pip"
        return f"{'%' if is_pip else '!'}{shlex.join(command)}"
    verb, *rest = command[1:]
    assert verb in _VERBS
    run_id, *fields = _without_options(rest)
    if verb != "answer":
        return magic(verb, run_id, *fields)
    return " ".join([magic(verb, run_id), *map(_as_python, fields)])


@dataclass(frozen=True, slots=True)
class Cure:
    """What helps: the line to type, and what a button does, if one can do the same."""

    line: str
    label: str = ""
    verb: str | None = None


_BUTTONS = {
    "answer": ("Answer", "answer"),
    "resume": ("Resume", "resume"),
    "reassign": ("Go on here", "take"),
    "fork": ("Fork", "fork"),
    "rewind": ("Try its last turn again", "rewind"),
}


def cures(found: Finding) -> list[Cure]:
    """What cures a cause in a notebook, the likeliest first."""
    commands = list(found.commands)
    if found.cause is Cause.EXECUTOR_DEAD:
        # A kernel is one executor: it takes the run over.
        commands = [c for c in commands if c[1] == "reassign"]
    elif found.cause is Cause.FAILED and found.run_id is not None:
        commands.insert(0, (OURS, "rewind", found.run_id))
    return [_cure(found, command) for command in commands]


def _cure(found: Finding, command: tuple[str, ...]) -> Cure:
    if command[0] != OURS:
        return Cure(in_cell(command))
    if command[1] == "answer" and ("--prompt" in command or "--app" in command):
        assert found.run_id is not None
        # Which question it is, and what it takes, its form knows.
        return Cure(magic("resume", found.run_id), *_BUTTONS["answer"])
    line = in_cell(command)
    is_plain = command[1] == "answer" or line == magic(command[1], found.run_id or "")
    if found.cause is Cause.DEFINITION_MISSING:
        is_plain = False  # Before its cell has run, a button would only refuse.
    return Cure(line, *(_BUTTONS.get(command[1], ()) if is_plain else ()))


def lines(found: Finding) -> list[str]:
    """What cures a cause, as it is typed in a cell."""
    return [cure.line for cure in cures(found)]


def _without_options(words: list[str]) -> list[str]:
    """The words but for the options that a kernel has no use for."""
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        name, _, value = word.partition("=")
        if word == "--":
            return [*found, *rest]
        if name in _NOT_HERE:
            if not value:
                next(rest, None)
        else:
            found.append(word)
    return found


def _as_python(word: str) -> str:
    """A field of an answer: text that a shell takes as it is stands in quotes here."""
    match = _FIELD.fullmatch(word)
    if match is None:
        return word
    name, value = match.groups()
    known = {"true": "True", "false": "False", "null": "None", "...": "..."}
    if value in known:
        return f"{name}={known[value]}"
    try:
        literal_eval(value)
    except (ValueError, SyntaxError):
        value = repr(value)
    return f"{name}={value}"


def in_magics(text: str) -> str:
    """A sentence of an error, with magics in the place of calls of the client."""
    return _CALL.sub(_as_magic, text)


def _as_magic(call: re.Match[str]) -> str:
    verb = "journal" if call[1] == "run" else call[1]
    if verb not in _VERBS:
        return call[0]
    return magic(verb, *([literal_eval(call[2])] if call[2] else []))
