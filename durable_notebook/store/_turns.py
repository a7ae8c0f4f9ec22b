"""Whose turn it is to write: the threads of a process, in the order in which they came.

SQLite lets in whoever asks at the right moment, and sleeps ever longer between two
questions. Of sixteen threads that write, one then waits for seconds while the others
come and go.
"""

from __future__ import annotations

from collections import deque
from threading import Lock


class Turn:
    """One turn of one thread, from when it asks."""

    __slots__ = ("has_come",)

    def __init__(self) -> None:
        # Taken until the turn has come.
        self.has_come = Lock()
        self.has_come.acquire()


class Turns:
    """A turn is handed to whoever waits longest.

    It only keeps order; that one writes at a time is up to the database. So who waits
    for longer than `patience_s` takes the turn over: its holder may be held up itself,
    or gone.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._lock = Lock()
        self._holder: Turn | None = None
        self._waiting: deque[Turn] = deque()

    @property
    def waiting(self) -> int:
        """How many threads wait for their turn."""
        return len(self._waiting)

    def take(self) -> Turn:
        """Wait for a turn; it is to be given back."""
        turn = Turn()
        with self._lock:
            if self._holder is None:
                self._holder = turn
                return turn
            self._waiting.append(turn)
        try:
            has_come = turn.has_come.acquire(timeout=self._patience_s)
        except BaseException:  # Somebody has interrupted the main thread.
            self.give_back(turn)
            raise
        if not has_come:
            self._take_over(turn)
        return turn

    def _take_over(self, turn: Turn) -> None:
        with self._lock:
            if self._holder is not turn:  # Otherwise it has come just now.
                self._waiting.remove(turn)
                self._holder = turn

    def give_back(self, turn: Turn) -> None:
        """Hand the turn to the next, unless somebody has taken it over."""
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif self._holder is turn:
                self._holder = self._waiting.popleft() if self._waiting else None
                if self._holder is not None:
                    self._holder.has_come.release()
