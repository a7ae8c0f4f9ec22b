"""The wheel and the sdist have all that the tree has."""

from __future__ import annotations

import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from .empty import ROOT, built

PACKAGE = ROOT / "durable_notebook"


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return built(tmp_path_factory.mktemp("built"))


def files_of(*tops: str) -> set[str]:
    """Every file of these folders, but for what Python leaves there."""
    return {
        str(path.relative_to(ROOT))
        for top in tops
        for path in (ROOT / top).rglob("*")
        if path.is_file() and not left_behind(path)
    }


def left_behind(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    is_ignored = path.suffix in (".pyc", ".sqlite") or path.name == "ledger.txt"
    odd = {"__pycache__", ".durable_notebook", ".ipynb_checkpoints"}
    return is_ignored or not odd.isdisjoint(parts)


def test_the_wheel_is_the_package(distributions: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(distributions[0]) as wheel:
        found = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert found == files_of("durable_notebook")
    # What is no Python would be forgotten without a word.
    kinds = {Path(name).suffix or Path(name).name for name in found}
    assert {".sql", ".js", ".css", ".html", ".md", ".typed"} <= kinds


def test_the_sdist_is_the_tree(distributions: tuple[Path, Path]) -> None:
    with tarfile.open(distributions[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}

    wanted = files_of("durable_notebook", "tests", "notebooks", "binder")
    assert wanted - names == set()
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile"} <= names


@pytest.fixture(scope="module")
def metadata(distributions: tuple[Path, Path]) -> Message:
    with zipfile.ZipFile(distributions[0]) as wheel:
        (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
        return Parser().parsestr(wheel.read(name).decode())


def test_the_metadata_says_what_it_is(metadata: Message) -> None:
    classifiers = metadata.get_all("Classifier") or []

    assert metadata["Name"] == "durable-notebook"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Typing :: Typed" in classifiers
    assert "Framework :: Jupyter" in classifiers
    assert (metadata.get_payload() or "").startswith("# durable_notebook")


def test_the_extras_are_those_that_messages_name(metadata: Message) -> None:
    extras = set(metadata.get_all("Provides-Extra") or [])

    assert extras == {"server", "otel", "postgres", "local-postgres", "lab"}


def test_the_changes_end_in_the_version_or_in_what_is_unreleased() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    heads = [line[3:] for line in text.splitlines() if line.startswith("## ")]

    assert heads[0] == "Unreleased"
    assert all(head[:1].isdigit() for head in heads[1:])
