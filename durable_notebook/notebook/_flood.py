"""What we show waits while a cell prints more than its server passes on.

Jupyter Server drops all that a kernel sends, ours too, while cells print more than a
megabyte a second in the mean of three seconds, or send more than a thousand messages: a
timeline would lack rows for good, and a panel say for ever that its run is under way.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

logger = logging.getLogger("durable_notebook")

# Of the server's settings, as they are if nobody changes them.
_WINDOW_S = 3.0
_BYTES_S = 1_000_000
_MESSAGES_S = 1_000
# Before the server drops anything, there is something in its way that we do not count.
_SHARE = 0.6
_LOOK_S = 0.25

A_MESSAGE = _BYTES_S // _MESSAGES_S
"""What a message weighs that is not printed, in bytes that are."""


class Flood:
    """Holds back what is sent while too much is printed, and sends it in order then."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._most = _SHARE * _BYTES_S * _WINDOW_S
        # When something was printed, and how much of it since the time before.
        self._printed: deque[tuple[float, int]] = deque()
        self._size = 0
        self._held: dict[object, Callable[[], None]] = {}
        self._is_on = False
        self._lock = threading.Lock()
        # Held while something is sent that was held back: nothing older comes after it.
        self._sending = threading.Lock()

    def printed(self, size: int) -> None:
        """Note what a cell prints, in bytes. From any thread."""
        with self._lock:
            at = self._now()
            if self._printed and at - self._printed[-1][0] < _LOOK_S:
                at, before = self._printed.pop()
                self._printed.append((at, before + size))
            else:
                self._printed.append((at, size))
            self._size += size
            if self._is_on or not self._is_too_much():
                return
            self._is_on = True
        threading.Thread(target=self._wait, name="durable-flood", daemon=True).start()

    def _is_too_much(self) -> bool:
        begin = self._now() - _WINDOW_S - _LOOK_S
        while self._printed and self._printed[0][0] <= begin:
            self._size -= self._printed.popleft()[1]
        return self._size > self._most

    def send(self, send: Callable[[], None], of: object = None) -> None:
        """Send now or when it is over; of what has one `of`, the last only."""
        with self._lock:
            if self._is_on:
                key = object() if of is None else of
                self._held.pop(key, None)
                self._held[key] = send
                return
        send()

    def cell_ended(self, _: object = None) -> None:
        """Send what is held back at once, too: a kernel may end with its last cell.

        What a server drops of it is sent again when it is over.
        """
        with self._sending:
            with self._lock:
                held = list(self._held.values())
            _send_all(held)

    def _wait(self) -> None:
        is_on = True
        while is_on:
            time.sleep(_LOOK_S)
            with self._sending:
                with self._lock:
                    if self._is_too_much():
                        continue
                    held = list(self._held.values())
                    self._held.clear()
                    # What comes while these are sent must not overtake them.
                    is_on = self._is_on = bool(held)
                _send_all(held)


def _send_all(held: list[Callable[[], None]]) -> None:
    for send in held:
        try:
            send()
        except Exception:
            # A thread border: one view that is gone does not keep the others.
            logger.exception("A view could not be shown.")


flood = Flood()
"""That of this kernel, which has one server before it."""
