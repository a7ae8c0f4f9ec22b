"""A live view in a cell's output, and the static twin that stays in the saved notebook.

A saved notebook keeps no widgets, and a page whose kernel was killed keeps dead ones.
So a view is shown behind a twin in HTML, and stands in for it only while the kernel
lives: what is left then, in the file, on a code host and in nbconvert, is the twin.
"""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

import anywidget
import traitlets
from IPython.display import display

from durable_notebook.notebook._display import Slot, unpinned
from durable_notebook.notebook._flood import flood
from durable_notebook.views import assets, html


class View(anywidget.AnyWidget):
    """A widget whose script and style are files of `views/static`.

    A subclass names its own; each script is a module that has what `dom.js` defines,
    and calls `standIn` when it renders.
    """

    scripts: ClassVar[tuple[str, ...]] = ()
    styles: ClassVar[tuple[str, ...]] = ()

    twin = traitlets.Unicode("").tag(sync=True)

    def __repr__(self) -> str:
        """What stands where widgets are not shown: nothing, the twin says it all."""
        return ""

    def _send(self, msg: dict[str, Any], buffers: Any = None) -> None:
        # What a widget sends, states and messages, all goes through here.
        flood.send(lambda: super(View, self)._send(msg, buffers))

    def __init_subclass__(cls, **options: Any) -> None:
        # Traitlets makes a subclass of its own of each widget, with traits for these.
        if "scripts" in vars(cls):
            cls._esm = assets.joined("dom.js", *cls.scripts)
            cls._css = assets.joined("theme.css", *cls.styles)
        super().__init_subclass__(**options)


class Shown:
    """A view and its twin, in the output of the cell that runs now."""

    def __init__(self, kind: type[View], twin: tuple[str, str], **state: Any) -> None:
        self._id = secrets.token_hex(4)
        self._slot = Slot(self._marked(twin[0]), twin[1])
        # Unpinned: its messages are served also while a cell blocks the kernel.
        self.view = unpinned(lambda: kind(twin=self._id, **state))
        shown = {"version_major": 2, "version_minor": 0, "model_id": self.view.model_id}
        # Without a text: nbconvert and code hosts would show the object's name below
        # the twin. With an empty one, as nbconvert warns of what it cannot show.
        bundle = {"application/vnd.jupyter.widget-view+json": shown, "text/plain": ""}
        display(bundle, raw=True)

    def keep(self, markup: str, text: str) -> None:
        """Put another state into the twin, from any thread.

        At milestones: each is written to the notebook's file.
        """
        self._slot.fill(self._marked(markup), text)

    def end(self) -> None:
        """Leave the twin in the place of the view."""
        self.view.close()

    def _marked(self, markup: str) -> str:
        return html.page(html.twin(self._id, markup))
