"""What step bodies print and display goes to their run, and not to the cell that runs.

A kernel has one `sys.stdout`, and shows what is written to it in the cell that runs
now. While the extension is loaded each stream asks the runtime first whether a step
body writes, and so does the shell's publisher of displays.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from durable_notebook.notebook._flood import A_MESSAGE, flood
from durable_notebook.runtime import keep_output, take_back_output


class _Stream:
    """Stands before a stream; what no body writes goes through."""

    def __init__(self, stream: Any) -> None:
        self.before = stream
        self.is_on = True

    def write(self, text: str) -> int:
        if self.is_on and isinstance(text, str):
            if keep_output(text):
                return len(text)
            flood.printed(len(text.encode(errors="replace")))
        written: int = self.before.write(text)
        return written

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.before, name)


class Capture:
    """Installed when the extension is loaded, and removed when it is unloaded."""

    def __init__(self, shell: Any) -> None:
        self._publisher = shell.display_pub
        self._streams = {
            "stdout": _Stream(sys.stdout),
            "stderr": _Stream(sys.stderr),
        }
        self._wrapped: dict[str, Callable[..., None]] = {}

    def install(self) -> None:
        """Stand before the streams and the publisher."""
        for name, stream in self._streams.items():
            setattr(sys, name, stream)
        publish, clear = self._publisher.publish, self._publisher.clear_output

        def publish_unless_kept(
            data: Mapping[str, Any], *arguments: Any, **options: Any
        ) -> None:
            if not keep_output(_plain(data)):
                flood.printed(A_MESSAGE)
                publish(data, *arguments, **options)

        def clear_unless_kept(*arguments: Any, **options: Any) -> None:
            if not take_back_output():
                clear(*arguments, **options)

        self._wrapped = {
            "publish": publish_unless_kept,
            "clear_output": clear_unless_kept,
        }
        vars(self._publisher).update(self._wrapped)

    def remove(self) -> None:
        """Leave everything as it was, also where others stand before us by now."""
        for name, stream in self._streams.items():
            stream.is_on = False
            if getattr(sys, name) is stream:
                setattr(sys, name, stream.before)
        for name, wrapped in self._wrapped.items():
            if vars(self._publisher).get(name) is wrapped:
                del vars(self._publisher)[name]


def _plain(data: Mapping[str, Any]) -> str:
    """What of a display is text."""
    plain = data.get("text/plain") or data.get("text/markdown")
    kind = next(iter(data), "nothing")
    return f"{plain or f'[{kind}]'}\n"
