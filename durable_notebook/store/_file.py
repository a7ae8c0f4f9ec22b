"""The journal's file: made for its owner only, and known again."""

from __future__ import annotations

import os
from pathlib import Path

from durable_notebook.errors import StorageError


class JournalFile:
    """A file that this process has opened, whatever becomes of its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened = _identity(path)

    @staticmethod
    def create(path: Path) -> None:
        """Make the file readable by its owner only: journals hold what events hold."""
        if not path.parent.exists():
            path.parent.mkdir(parents=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))

    def check(self) -> None:
        """See that the name still leads to this file.

        SQLite would write on into a file that nobody finds again.

        Raises:
            StorageError: It does not.
        """
        try:
            found = _identity(self._path)
        except OSError as e:
            problem = "it was deleted or moved while it was open; put it back"
            raise StorageError(str(self._path), problem) from e
        if found != self._opened:
            problem = "another file was put in its place; launch again"
            raise StorageError(str(self._path), problem)


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
