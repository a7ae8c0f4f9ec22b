"""A ledger outside of the journal: what the world has seen, whatever dies."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock

_KEY = "\tkey="


class Ledger:
    """A text file to which lines are added; several processes may share one.

    It stands for a bank, a mailbox, a printer: for all that a journal cannot take back.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        # Hidden: whoever looks into the folder is to see what the world has seen.
        self._lock = FileLock(self.path.with_name(f".{self.path.name}.lock"))

    def add(self, line: str, *, key: str | None = None) -> bool:
        """Add a line; it outlasts the process when this returns.

        With a key it counts once: a second line with the same one is not added, and
        False says so.
        """
        text = " ".join(line.split())
        with self._lock:
            if key is not None and key in self.keys():
                return False
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text if key is None else f"{text}{_KEY}{_plain(key)}")
                file.write("\n")
        return True

    def lines(self) -> list[str]:
        """The lines, without their keys, oldest first."""
        return [line for line, _ in self._read()]

    def keys(self) -> dict[str, str]:
        """The line of each key."""
        return {key: line for line, key in self._read() if key}

    def _read(self) -> list[tuple[str, str]]:
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines()
        parts = (line.partition(_KEY) for line in lines)
        return [(line, key) for line, _, key in parts]

    def __len__(self) -> int:
        return len(self._read())

    def __str__(self) -> str:
        return "\n".join(self.lines()) or "(empty)"


def _plain(key: str) -> str:
    return " ".join(key.split())
