"""A Binder of this tree is planned as it is meant, and has what is tested here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement

from .binder import plan_problem
from .empty import ROOT
from .pins import closure, read, unfit

BINDER = ROOT / "binder"


def test_what_is_pinned_is_all_that_is_needed_and_what_is_installed_here() -> None:
    """So lesson 1, which `tests/test_lessons.py` runs here, runs on a Binder."""
    assert read() == closure(), "the pins are out of date: make binder"


def test_what_is_pinned_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    allowed = map(Requirement, project["dependencies"])
    pins = read()

    odd = [r for r in allowed if not r.specifier.contains(pins[r.name.lower()])]

    assert odd == []


def test_what_is_pinned_fits_every_python_that_is_supported() -> None:
    """`make lab` is held to the pins too, on the oldest patch of the oldest Python."""
    assert unfit() == []


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_what_is_run_may_be_run(name: str) -> None:
    assert os.access(BINDER / name, os.X_OK)


def test_it_opens_a_lesson_that_is_there() -> None:
    (path,) = re.findall(r"default_url=/lab/tree/(\S+)", (BINDER / "start").read_text())

    assert (ROOT / Path(path)).is_file()


def test_a_lesson_has_no_answers_and_says_that_it_is_forgotten(tmp_path: Path) -> None:
    lesson = ROOT / "notebooks/01_crash_and_resume.ipynb"
    shutil.copy(lesson, tmp_path)

    command = [sys.executable, str(BINDER / "prepare.py"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=60)

    before = nbformat.read(lesson, as_version=4)
    after = nbformat.read(tmp_path / lesson.name, as_version=4)
    assert "forgets everything" in after.cells[0].source
    assert [c.source for c in after.cells[1:]] == [c.source for c in before.cells]
    assert not any(cell.get("outputs") for cell in after.cells)


def test_repo2docker_can_plan_the_image() -> None:
    assert plan_problem() == ""
