"""Every block of every document does what it says. See `blocks.py` for how."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from pathlib import Path

import pytest

from durable_notebook.cli._main import _parsed
from tests.notebook.kernel import Kernel, kernel

from .blocks import DOCUMENTS, KINDS, ROOT, Block, blocks, title

REFERENCE = ROOT / "durable_notebook/docs/reference.md"

# Its examples are those of docstrings, which tests/conformance runs.
EXECUTED = [
    document
    for document in DOCUMENTS
    if document not in (REFERENCE, ROOT / "README.md")
    and any(b.kind not in ("sh", "text") for b in blocks(document))
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=title)
def test_a_block_says_how_it_is_checked(document: Path) -> None:
    odd = [b for b in blocks(document) if b.kind not in KINDS]

    assert [f"line {b.line}: {b.kind!r}" for b in odd] == []


class Reader:
    """Does what a document says, in a folder of its own."""

    def __init__(self, folder: Path, open_kernel: ExitStack) -> None:
        self.folder = folder
        self._stack = open_kernel
        self._kernel: Kernel | None = None
        self._env = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "COLUMNS": "88",
        }

    def read(self, block: Block) -> None:
        """Do what one block says."""
        if block.kind == "python script":
            (self.folder / block.name).write_text(block.text, encoding="utf-8")
        elif block.kind == "python notebook":
            self._cell(block)
        elif block.kind == "console":
            for command, expected in _commands(block.text):
                self._command(command, expected, block.line)

    def _cell(self, block: Block) -> None:
        if self._kernel is None:
            opened = kernel(self.folder, notebook=str(self.folder / "document.ipynb"))
            self._kernel = self._stack.enter_context(opened)
        said = self._kernel.run(block.text)
        # A magic tells a mistake in one line, which is no traceback.
        is_wrong = "TRACEBACK" in said or "UsageError" in said
        assert not is_wrong, f"line {block.line}: {said}"

    def _command(self, command: str, expected: str, line: int) -> None:
        if exported := re.fullmatch(r"export (\w+)=(\S+)", command):
            self._env[exported[1]] = exported[2]
            return
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        found = "\n".join(text.rstrip() for text in done.stdout.splitlines())
        found = f"{found}\n" if found else ""
        is_as_said = doctest.OutputChecker().check_output(
            expected, found, doctest.ELLIPSIS
        )
        assert is_as_said, f"line {line}: {command}\n\n{found}\n-- not:\n\n{expected}"


def _commands(text: str) -> list[tuple[str, str]]:
    """Each command of a console, with what follows it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not parts[0].strip(), "a console begins with a command"
    found = []
    for part in parts[1:]:
        command, _, output = part.partition("\n")
        while command.endswith("\\"):
            more, _, output = output.partition("\n")
            command = f"{command[:-1]} {more.strip().removeprefix('> ')}"
        found.append((command, output.rstrip("\n") + "\n" if output.strip() else ""))
    return found


@pytest.mark.kernel
@pytest.mark.parametrize("document", EXECUTED, ids=title)
def test_what_a_document_shows_happens(document: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        reader = Reader(tmp_path, stack)
        for block in blocks(document):
            reader.read(block)


# -- commands that are only read ------------------------------------------------------

TARGETS = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.M))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def lines_of(document: Path) -> list[tuple[int, str]]:
    return [
        (block.line, line.partition("  #")[0].strip())
        for block in blocks(document)
        if block.kind == "sh" and document != REFERENCE
        for line in block.text.replace("\\\n", " ").splitlines()
    ]


def problem_of(line: str) -> str:
    """Why a line of a shell cannot be what the document says; empty if it can."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    match words:
        case ["make", target, *_] if target not in TARGETS:
            return f"there is no target {target!r}"
        case ["durable-notebook", *rest]:
            return unreadable(rest)
        case ["pip", "install", *rest]:
            named = re.findall(r"durable-notebook\[([\w,-]+)\]", " ".join(rest))
            extras = set(",".join(named).split(",")) - {""}
            return f"{extras - known}" if extras - (known := EXTRAS) else ""
    return ""


EXTRAS = set(PROJECT["optional-dependencies"])


def unreadable(words: list[str]) -> str:
    try:
        _parsed(words)
    except SystemExit as e:
        return f"the command line ends with {e.code}"
    return ""


@pytest.mark.parametrize("document", DOCUMENTS, ids=title)
def test_a_command_that_is_not_executed_can_be_read(document: Path) -> None:
    found = [(at, line, problem_of(line)) for at, line in lines_of(document)]

    assert [problem for problem in found if problem[2]] == []


@pytest.mark.parametrize(
    "line",
    ["make nothing", "durable-notebook run x", "pip install 'durable-notebook[no]'"],
)
def test_a_command_that_cannot_be_is_found(line: str) -> None:
    assert problem_of(line)
