"""Have the lessons of a folder begin from nothing, and say that a Binder forgets."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat

NOTICE = """\
> **This is a Binder.** It forgets everything, the journal too, once it is closed or
> left alone for ten minutes. Kernels may die here as often as you like; for runs that
> are to last, install `durable-notebook` on your own machine.
"""


def prepare(folder: Path) -> None:
    """Take the outputs away, which give the answers, and put the notice on top."""
    for path in sorted(folder.glob("*.ipynb")):
        lesson = nbformat.read(path, as_version=4)
        for cell in lesson.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        notice = nbformat.v4.new_markdown_cell(NOTICE, id="on-binder")
        lesson.cells.insert(0, notice)
        nbformat.write(lesson, path)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
