"""The notebook's file: where it is, also after it was renamed under its kernel.

Jupyter tells a kernel the name of its notebook once, and the same name again when it
restarts the kernel after a rename. A file keeps its inode when it is renamed, and when
Jupyter saves it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


class NotebookFile:
    """Follows the notebook of this kernel within its folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known_as = path
        self._inode = _inode(path)

    def lost_name(self) -> Path | None:
        """Where the file is by now, if another file has the name it was known by.

        It is told once. A name that nobody else has is kept: a restarted kernel comes
        back with it.
        """
        there = _inode(self._known_as)
        if self._inode is None or there == self._inode:
            self._inode = there
            return None
        folder = self._known_as.parent
        same = (p for p in folder.glob("*.ipynb") if _inode(p) == self._inode)
        path = next(same, None)
        if path is None:
            # Gone, or saved by an editor that puts a new file in its place.
            self._inode = there or self._inode
            return None
        self.path = path
        if there is None:
            return None
        self._known_as = path
        return path


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _is_same(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file, over whatever links."""
    return other.exists() and path.samefile(other)


def notebook_path(names: dict[str, Any]) -> str:
    """The notebook whose kernel this is, or a name for a kernel without one.

    `names` are those of the notebook: VS Code tells it by one.
    """
    by_vs_code = names.get("__vsc_ipynb_file__")
    told = Path(str(by_vs_code or os.environ.get("JPY_SESSION_NAME") or ""))
    if not told.name:
        return f"kernel in {Path.cwd()}"
    path = Path.cwd() / told.name
    # VS Code may run all notebooks in one folder; Jupyter runs each in its own. What
    # it names is nothing here where the kernel is on another machine.
    if by_vs_code and told.is_file() and not _is_same(told, path):
        return str(told)
    if not path.exists():
        # Of a shared notebook, the name of the drive stands before it: `RTC:a.ipynb`.
        path = path.with_name(path.name.rpartition(":")[2])
    return str(path)
