"""The documents of this repository, and the blocks of code in them.

How a block is checked is said by what stands behind its opening fence:

* `python script NAME`: is written to the file NAME, for a later `console` block; the
  one of the README has no name, and a test of its own, as its cells have
* `python notebook`: a cell of one kernel for the document
* `console`: what stands behind `$` is executed; what is printed must be what follows,
  where `...` stands for anything
* `sh`, and what is indented: not executed, because it would need a network, a server
  or a person, but each command of ours is read by the command line's own parser, and
  each target of make and each extra for pip must be one
* `text`: a picture
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

DOCUMENTS = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(ROOT / "durable_notebook").rglob("*.md"),
        *(ROOT / "binder").glob("*.md"),
    ]
)

KINDS = ("python script", "python notebook", "console", "sh", "text")


@dataclass(frozen=True)
class Block:
    """What stands between two fences, or is indented."""

    line: int
    kind: str
    text: str
    name: str = ""


def title(document: Path) -> str:
    """What a document is called in a test's name."""
    return str(document.relative_to(ROOT))


def blocks(document: Path) -> list[Block]:
    """All blocks of a document, in order."""
    found, lines = [], document.read_text("utf-8").splitlines()
    at = 0
    while at < len(lines):
        if lines[at].startswith("```"):
            end = lines.index("```", at + 1)
            kind, name = _kind(lines[at].removeprefix("```").strip())
            text = "\n".join(lines[at + 1 : end]) + "\n"
            found.append(Block(at + 1, kind, text, name))
            at = end + 1
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1]):
            end = at
            while end < len(lines) and (
                lines[end].startswith("    ") or not lines[end]
            ):
                end += 1
            text = "\n".join(line[4:] for line in lines[at:end]) + "\n"
            found.append(Block(at + 1, "sh", text))
            at = end
        else:
            at += 1
    return found


def _kind(opening: str) -> tuple[str, str]:
    for kind in KINDS:
        if opening == kind or opening.startswith(f"{kind} "):
            return kind, opening.removeprefix(kind).strip()
    return opening, ""


def prose(document: Path) -> str:
    """A document without its blocks."""
    text = document.read_text("utf-8")
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?<=\n\n)(?: {4}.*\n|\n)+", "\n", text)
