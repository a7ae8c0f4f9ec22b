"""The words of a magic's line: options, a target, and `name=expression` fields."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from IPython.core.error import UsageError

_FIELD = re.compile(r"(?<!\S)([A-Za-z_]\w*)=(?!=)")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Line:
    """A magic's line: `target --option value --flag name=expression ...`."""

    targets: tuple[str, ...]
    options: dict[str, str | bool] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str | None:
        """The only target, if there is one."""
        return self.targets[0] if self.targets else None

    def values(self, evaluate: Callable[[str], Any]) -> dict[str, Any]:
        """The fields' values as Python of the notebook.

        Raises:
            UsageError: An expression does not evaluate.
        """
        found = {}
        for name, expression in self.fields.items():
            try:
                found[name] = evaluate(expression)
            except Exception as e:
                raise UsageError(
                    f"{name}={expression} is not a value: {type(e).__name__}: {e}. "
                    f"Write a Python expression, text in quotes: {name}='...'."
                ) from e
        return found


def parse(
    line: str,
    *,
    valued: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
    most_targets: int | None = 1,
) -> Line:
    """Read a line. `valued` options take a word, `flags` do not.

    Raises:
        UsageError: An option is unknown or lacks its word, or a word is left over.
    """
    starts = _field_starts(line)
    words = _split(line[: starts[0][0]] if starts else line)
    fields: dict[str, str] = {}
    for i, (_, name, begin) in enumerate(starts):
        end = starts[i + 1][0] if i + 1 < len(starts) else len(line)
        expression, words_after = _split_options(line[begin:end].strip())
        fields[name] = expression
        words += words_after
    options: dict[str, str | bool] = {}
    # Behind a `--` there are targets only, whatever they look like.
    end = words.index("--") if "--" in words else len(words)
    targets: list[str] = []
    rest = iter(words[:end])
    for word in rest:
        name, _, value = word.removeprefix("--").partition("=")
        if not word.startswith("--"):
            targets.append(word)
        elif name in flags:
            options[name] = True
        elif name in valued:
            options[name] = value or next(rest, "")
            if not options[name]:
                raise UsageError(f"--{name} needs a word after it.")
        else:
            known = ", ".join(f"--{n}" for n in (*valued, *flags)) or "none"
            raise UsageError(f"There is no option {word}. The options are: {known}.")
    targets += words[end + 1 :]
    if most_targets is not None and len(targets) > most_targets:
        raise UsageError(
            f"Too many words: {' '.join(targets[most_targets:])}. A name with spaces "
            "stands in quotes, a field is written name=value."
        )
    return Line(tuple(targets), options, fields)


def _split(text: str) -> list[str]:
    """Words as a shell splits them: an id with spaces stands in quotes."""
    found = shlex.shlex(text, posix=True)
    found.whitespace_split, found.commenters, found.escape = True, "", ""
    try:
        return list(found)
    except ValueError:  # An apostrophe is no quotation mark.
        return text.split()


def _split_options(text: str) -> tuple[str, list[str]]:
    """Options may also stand behind the fields: `qty=3 --run-id a`."""
    match = re.search(r"(?<!\S)--[a-z]", text)
    if match is None or not _is_outside(text, match.start()):
        return text, []
    return text[: match.start()].strip(), text[match.start() :].split()


def _field_starts(line: str) -> list[tuple[int, str, int]]:
    """Where each `name=` begins, its name, and where its expression begins."""
    return [
        (m.start(), m.group(1), m.end())
        for m in _FIELD.finditer(line)
        if _is_outside(line, m.start())
    ]


def _is_outside(text: str, place: int) -> bool:
    """Whether a place is outside of all quotes and brackets."""
    quote = ""
    open_brackets: list[str] = []
    for i, char in enumerate(text[:place]):
        if quote:
            if char == quote and text[i - 1] != "\\":
                quote = ""
        elif char in "'\"":
            quote = char
        elif char in _CLOSING:
            open_brackets.append(_CLOSING[char])
        elif open_brackets and char == open_brackets[-1]:
            open_brackets.pop()
    return not quote and not open_brackets
