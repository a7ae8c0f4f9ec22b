"""What the documents name is there: files, tests, commands, magics, attributes."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from functools import cache
from pathlib import Path

import pytest

from durable_notebook.cli._main import COMMANDS
from durable_notebook.notebook.magics import ALL

from . import reference
from .blocks import DOCUMENTS, ROOT, prose, title
from .test_blocks import TARGETS

PACKAGE = ROOT / "durable_notebook"
PATH = re.compile(r"[\w./-]*[\w-]+\.(?:py|sql|js|css|md|toml|ipynb|html)|(?:[\w.-]+/)+")
NOT_OF_HERE = {"__main__.py", "counter.py", "orders.py", "Untitled.ipynb"}


def code(document: Path) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`\n]+)`", prose(document))


@cache
def files() -> frozenset[str]:
    """Every file and folder of the repository, by all the ends of its path."""
    found = set()
    for top in ("durable_notebook", "tests", "notebooks", "binder", ".ci"):
        for path in (ROOT / top).rglob("*"):
            parts = path.relative_to(ROOT).parts
            found |= {"/".join(parts[at:]) for at in range(len(parts))}
    return frozenset(found | {path.name for path in ROOT.iterdir()})


@pytest.mark.parametrize("document", DOCUMENTS, ids=title)
def test_a_file_that_is_named_is_there(document: Path) -> None:
    named = [text for text in code(document) if PATH.fullmatch(text)]

    missing = {n for n in named if n.rstrip("/") not in files()} - NOT_OF_HERE

    assert missing == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=title)
def test_a_link_leads_somewhere(document: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = (document.parent / name).resolve() if name else document
        if not found.exists() or (anchor and anchor not in anchors(found)):
            lost.append(target)

    assert lost == []


def anchors(document: Path) -> set[str]:
    """What headings are called in an address, as code hosts make it."""
    heads = re.findall(r"^#+ (.*)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in heads}


@pytest.mark.parametrize("document", DOCUMENTS, ids=title)
def test_a_command_a_magic_and_a_target_that_are_named_are_there(
    document: Path,
) -> None:
    commands = {command.name for command in COMMANDS}
    magics = {name for kind in ALL for name in kind.magics["line"]}
    text = "\n".join(code(document))

    odd = set(re.findall(r"durable-notebook ([a-z][\w-]*)", text)) - commands
    odd |= set(re.findall(r"%(durable_\w+)", text)) - magics
    odd |= set(re.findall(r"^make ([a-z][\w-]*)", text, re.M)) - TARGETS

    assert odd == set()


@cache
def options() -> dict[str, frozenset[str]]:
    """The options of each command."""
    found = {}
    for command in COMMANDS:
        parser = ArgumentParser()
        command.arguments(parser)
        names = frozenset(re.findall(r"--[\w-]+", parser.format_help()))
        found[command.name] = names | {"--json", "--database", "--help"}
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=title)
def test_an_option_that_is_named_is_there(document: Path) -> None:
    """Of `durable-notebook COMMAND --option`, or of `COMMAND --option` in a table."""
    lost = []
    for text in code(document):
        words = text.removeprefix("durable-notebook ").split()
        known = options().get(words[0]) if words else None
        if known is not None:
            given = re.findall(r"(?<![\w-])--[\w-]+", text)
            lost += [text for name in given if name not in known]

    assert lost == []


@cache
def sources() -> str:
    return "\n".join(p.read_text("utf-8") for p in PACKAGE.rglob("*.py"))


def is_ours(name: str | None) -> bool:
    """Whether a class of the package has this name."""
    return bool(name and re.search(rf"^class {name}\b", sources(), re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=title)
def test_an_attribute_that_is_named_is_there(document: Path) -> None:
    """`Class.name` of a class of ours, and a private `_name`."""
    lost = set()
    for text in code(document):
        name = re.fullmatch(r"(?:([A-Z]\w+)\.)?(\w+)(?:\(.*\))?", text)
        if name is None or not (is_ours(name[1]) or name[2].startswith("_")):
            continue
        if not re.search(rf"\b{name[2]}\b", sources()):
            lost.add(text)

    assert lost == set()


def named_tests(text: str) -> list[str]:
    return re.findall(r"`(tests/[\w/.]+::\w+)`", text)


@pytest.mark.parametrize("document", DOCUMENTS, ids=title)
def test_a_test_that_is_named_is_there(document: Path) -> None:
    lost = []
    for named in named_tests(document.read_text("utf-8")):
        path, _, test = named.partition("::")
        found = ROOT / path
        if not found.exists() or f"def {test}(" not in found.read_text("utf-8"):
            lost.append(named)

    assert lost == []


def test_each_promise_and_each_limit_names_a_test() -> None:
    text = (PACKAGE / "docs/guarantees.md").read_text("utf-8")
    parts = re.split(r"^### ", text, flags=re.MULTILINE)[1:]

    assert len(parts) > 7
    assert [part.splitlines()[0] for part in parts if not named_tests(part)] == []


def test_the_reference_is_that_of_todays_docstrings() -> None:
    is_current = reference.PAGE.read_text("utf-8") == reference.page()

    assert is_current, "the reference is out of date: make reference"


@pytest.mark.parametrize("document", DOCUMENTS, ids=title)
def test_a_metric_that_is_named_is_there(document: Path) -> None:
    known = (PACKAGE / "server/_metrics.py").read_text("utf-8")
    named = [
        text.removeprefix("durable_notebook_").removesuffix("_total")
        for text in code(document)
        if re.fullmatch(r"durable_notebook_\w+", text)
    ]

    odd = [n for n in named if not re.search(rf'"(durable_notebook_)?{n}"', known)]

    assert odd == []
