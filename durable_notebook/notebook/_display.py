"""Showing things in a notebook, from any thread.

A display has an id, so that it can be changed later and its last form stays in the
saved notebook.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any, TypeVar

from IPython.core.getipython import get_ipython
from IPython.display import display, publish_display_data, update_display

from durable_notebook.notebook._flood import flood

T = TypeVar("T")


class Slot:
    """A place in a cell's output that can be filled again and again."""

    def __init__(self, html: str, text: str) -> None:
        self._handle = display(
            {"text/html": html, "text/plain": text}, raw=True, display_id=True
        )
        self._id: str = self._handle.display_id

    def fill(self, html: str, text: str) -> None:
        """Show something else in the place. From any thread."""
        self._publish({"text/html": html, "text/plain": text})

    def _publish(self, data: dict[str, Any]) -> None:
        place = {"display_id": self._id}
        # In an empty context the message belongs to the cell that runs now. Front
        # ends find the place by its id; nbclient listens to the cell that runs only.
        flood.send(
            lambda: contextvars.Context().run(
                lambda: publish_display_data(data, transient=place, update=True)
            ),
            of=self,
        )

    def fill_with_widget(
        self, widget: Any, html: str | None = None, text: str | None = None
    ) -> None:
        """Show a widget in the place. From any thread.

        With what stands for it where there are no widgets.
        """
        if html is None or text is None:
            flood.send(lambda: update_display(widget, display_id=self._id), of=self)
            return
        data = dict(widget._repr_mimebundle_())
        data |= {"text/html": html, "text/plain": text}
        self._publish(data)


class Reserved:
    """Places in the output of the cell that runs now, to be filled when none does."""

    def __init__(self, count: int) -> None:
        self._slots = [Slot("", "") for _ in range(count)]
        self._given = 0

    def clear(self) -> None:
        """Empty them, and give them out anew. From any thread."""
        for slot in self._slots[: self._given]:
            slot.fill("", "")
        self._given = 0

    def slot(self, html: str, text: str) -> Slot:
        """The next of them, filled; takes the place of `Slot`. From any thread."""
        slot = self._slots[self._given]
        self._given += 1
        slot.fill(html, text)
        return slot


def unpinned(build: Callable[[], T]) -> T:
    """Make widgets whose clicks are served while a cell blocks the kernel.

    ipykernel 7 ties a widget made under a cell's parent message to the main shell,
    where its clicks queue behind the cell that runs. Without a parent they go to the
    front end's subshell. This is private API of ipykernel: where it is not there, the
    clicks are served when the cell is done.
    """

    def bare() -> T:
        shell = get_ipython()
        parent = getattr(getattr(shell, "kernel", None), "_shell_parent", None)
        if isinstance(parent, contextvars.ContextVar):
            parent.set({})
        return build()

    return contextvars.copy_context().run(bare)
