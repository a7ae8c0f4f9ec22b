"""Runs that the database has stopped: told of once, begun again when it is back."""

from __future__ import annotations

import time
from collections.abc import Mapping

from durable_notebook.errors import StorageError

_FIRST_S = 1.0
_LONGEST_S = 60.0


class Refusals:
    """Knows what was told of, and when to try again: soon, and then less often."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}
        self._pause_s = _FIRST_S
        self._due: float | None = None

    def is_news(self, problem: Exception) -> bool:
        """Whether to tell of a problem, which hundreds of runs may have at once."""
        if not isinstance(problem, StorageError):
            return True
        now, text = time.monotonic(), str(problem)
        told_at = self._told.get(text)
        self._told = {t: at for t, at in self._told.items() if now - at < _LONGEST_S}
        self._told[text] = now
        return told_at is None or now - told_at >= _LONGEST_S

    def is_over(self, problem: Exception) -> None:
        """Tell of a problem again as soon as it comes back."""
        self._told.pop(str(problem), None)

    def due(self, problems: Mapping[str, Exception]) -> list[str]:
        """The runs to begin again now, of those that stand still."""
        # A journal that is damaged or too new does not mend itself.
        refused = [run for run, why in problems.items() if type(why) is StorageError]
        now = time.monotonic()
        if not refused:
            self._pause_s, self._due = _FIRST_S, None
        elif self._due is None:
            self._due = now + self._pause_s
        elif now >= self._due:
            self._pause_s = min(2 * self._pause_s, _LONGEST_S)
            self._due = now + self._pause_s
            return refused
        return []
