"""The notebook's file, followed over a rename."""

from __future__ import annotations

from pathlib import Path

import pytest

from durable_notebook.notebook._file import NotebookFile, notebook_path


def test_a_renamed_file_keeps_its_name_until_another_has_it(tmp_path: Path) -> None:
    before, after = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    before.touch()
    file = NotebookFile(before)
    assert file.lost_name() is None

    before.rename(after)
    # A kernel that is restarted now is told the old name.
    assert file.lost_name() is None
    assert file.path == after
    before.touch()

    assert file.lost_name() == after
    assert file.lost_name() is None


def test_a_file_that_was_put_in_its_place_is_the_same(tmp_path: Path) -> None:
    path, new, after = (tmp_path / name for name in ("a.ipynb", "new", "b.ipynb"))
    path.touch()
    file = NotebookFile(path)

    new.touch()
    new.replace(path)
    assert file.lost_name() is None

    path.rename(after)
    assert file.lost_name() is None
    assert file.path == after


def test_a_file_that_comes_later_or_goes_is_not_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    file = NotebookFile(path)

    path.touch()
    assert file.lost_name() is None
    path.unlink()
    assert file.lost_name() is None
    assert file.path == path
    assert NotebookFile(Path("kernel in /work")).lost_name() is None


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("work/a.ipynb", "a.ipynb"),
        ("RTC:b.ipynb", "b.ipynb"),
        ("work/it:is.ipynb", "it:is.ipynb"),
    ],
)
def test_the_server_tells_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JPY_SESSION_NAME", told)
    (tmp_path / "it:is.ipynb").touch()

    assert notebook_path({}) == str(tmp_path / name)


def test_vs_code_tells_it_by_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)

    assert notebook_path({}) == f"kernel in {tmp_path}"
    named = notebook_path({"__vsc_ipynb_file__": "/elsewhere/a.ipynb"})
    assert named == str(tmp_path / "a.ipynb")


def test_vs_code_can_run_all_notebooks_in_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `jupyter.notebookFileRoot` it does: two of one name are two notebooks."""
    monkeypatch.chdir(tmp_path)
    made = [tmp_path / folder / "a.ipynb" for folder in ("one", "two")]
    for path in made:
        path.parent.mkdir()
        path.touch()

    known = [notebook_path({"__vsc_ipynb_file__": str(path)}) for path in made]

    assert known == [str(path) for path in made]
