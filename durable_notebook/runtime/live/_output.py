"""What step bodies print while they are in flight, until their entry has it.

The runtime changes no stream: whoever shows runs hands over what was written, and asks
by `keep_output` whether a body has written it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from durable_notebook.runtime.recovery._registry import current_run
from durable_notebook.runtime.state._flight import Invocation, current_invocation

if TYPE_CHECKING:
    from durable_notebook.runtime.live._run import LiveRun

# Of one body an entry has so much, in characters: the newest.
_MOST_OF_A_BODY = 16 * 1024

# Of what one process prints for a run the journal has so much whole. Behind that it has
# the end of what each body prints: an entry that is written cannot be shortened.
_MOST_WHOLE = 64 * 1024
_MOST_BEHIND = 512


def keep_output(text: str) -> bool:
    """Give a run what one of its step bodies has written; False if none has.

    From the thread and in the context of whoever writes.
    """
    found = _writer()
    if found is not None:
        run, body = found
        run.output.add(body, text)
    return found is not None


def take_back_output() -> bool:
    """Drop what the body that asks for it has written so far; False if none does."""
    found = _writer()
    if found is not None:
        run, body = found
        run.output.clear(body)
    return found is not None


def _writer() -> tuple[LiveRun, Invocation] | None:
    body = current_invocation.get()
    run = None if body is None else current_run.get()
    if body is None or run is None or run.is_closed:
        return None
    return run, body


class _Text:
    """The end of a text that grows."""

    def __init__(self, step: str) -> None:
        self.step = step
        self._parts: list[str] = []
        self._size = 0
        self._dropped = 0

    def add(self, text: str) -> None:
        self._parts.append(text)
        self._size += len(text)
        if self._size > 2 * _MOST_OF_A_BODY:
            self._shorten(_MOST_OF_A_BODY)

    def _shorten(self, most: int) -> None:
        text = "".join(self._parts)
        self._parts = [text[-most:]]
        self._dropped += len(text) - len(self._parts[0])
        self._size = len(self._parts[0])

    def read(self, most: int = _MOST_OF_A_BODY) -> str:
        """The end of it, as a terminal would leave its lines."""
        text = _overwritten("".join(self._parts))
        dropped = self._dropped + max(0, len(text) - most)
        if not dropped:
            return text
        return f"… {dropped:,} characters are not kept\n{text[-most:]}"


def _overwritten(text: str) -> str:
    """A text whose lines are as they were last written over, as progress bars do."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


class Output:
    """What the bodies of one run have printed and no entry has. From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight: dict[str, _Text] = {}
        self._ended: list[_Text] = []
        self._written = 0

    def add(self, body: Invocation, text: str) -> None:
        """Note what a body has written. What it left behind may write on."""
        with self._lock:
            found = self._in_flight.get(body.id)
            if found is None:
                found = _Text(body.step)
                if body.is_reduced:
                    self._ended.append(found)
                else:
                    self._in_flight[body.id] = found
            found.add(text)

    def clear(self, body: Invocation) -> None:
        """Forget what a body has written."""
        with self._lock:
            self._in_flight.pop(body.id, None)

    def ended(self, body: Invocation) -> None:
        """Note that the next entry has the result of a body."""
        body.is_reduced = True
        if not self._in_flight:
            return
        with self._lock:
            found = self._in_flight.pop(body.id, None)
            if found is not None:
                self._ended.append(found)

    def take(self) -> list[list[str]]:
        """What the next entry has, as steps with their texts."""
        if not self._ended:
            return []
        with self._lock:
            ended, self._ended = self._ended, []
            taken = []
            for each in ended:
                is_whole = self._written < _MOST_WHOLE
                text = each.read() if is_whole else each.read(_MOST_BEHIND)
                self._written += len(text)
                taken.append([each.step, text])
            return taken

    def live(self) -> list[tuple[str, str]]:
        """What no entry has yet."""
        with self._lock:
            texts = [*self._ended, *self._in_flight.values()]
            return [(each.step, each.read()) for each in texts]
