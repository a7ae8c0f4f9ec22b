"""Pausing a run from its panel, and the question that ■ leaves there.

The interrupt of a cell that awaits a run ends the waiting and nothing else: the run is
on the session's thread. What is to become of it is asked under its panel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from durable_notebook._model import RunInfo, RunStatus
from durable_notebook.notebook._cures import magic
from durable_notebook.notebook._display import Slot, unpinned
from durable_notebook.views import html

if TYPE_CHECKING:
    from durable_notebook.notebook._workspace import DurableNotebook

Choices = tuple[tuple[str, Callable[[], None]], ...]


class Holding:
    """The line under a panel with which its run is paused and goes on.

    Without widgets its text says what to type.
    """

    def __init__(
        self,
        pause: Callable[[], None],
        go_on: Callable[[], None],
        slot: Callable[[str, str], Slot] = Slot,
    ) -> None:
        self._pause = pause
        self._go_on = go_on
        self._slot = slot("", "")
        self._is_asked = False
        self._shown = ""

    def ask(self) -> None:
        """Ask what is to become of the run. From any thread."""
        self._is_asked = True

    def leave(self) -> None:
        """Take the buttons away: nobody hears them any more."""
        if self._shown:
            self._slot.fill("", "")

    def show(self, info: RunInfo) -> None:
        """Show what there is to choose."""
        says, choices = self._choices(info)
        if says == self._shown:
            return
        self._shown = says
        if choices:
            # The buttons say what the second sentence tells to type; of one that is
            # paused the panel says so.
            label = f"{says.partition('. ')[0]}." if self._is_asked else ""
            row = unpinned(lambda: _row(label, choices))
            self._slot.fill_with_widget(row, html.page(html.line(says)), says)
        else:
            self._slot.fill("", "")

    def _choices(self, info: RunInfo) -> tuple[str, Choices]:
        if info.status.is_final:
            return "", ()
        if info.status is RunStatus.PAUSED:
            self._is_asked = False
            says = f"No further step begins. Go on: {magic('resume', info.run_id)}"
            return says, (("Go on", self._go_on),)
        if self._is_asked:
            says = "The run goes on. Pause it: await run.pause()"
            return says, (("Pause it", self._pause), ("Let it go on", self._let_go_on))
        return "", ()

    def _let_go_on(self) -> None:
        self._is_asked = False


def _row(says: str, choices: Choices) -> w.HBox:
    buttons = [w.Button(description=name) for name, _ in choices]

    def chosen(choose: Callable[[], None]) -> Callable[[object], None]:
        def clicked(_: object) -> None:
            # On the main thread or a subshell: it only hands the choice over.
            for button in buttons:
                button.disabled = True
            choose()

        return clicked

    for button, (_, choose) in zip(buttons, choices, strict=True):
        button.on_click(chosen(choose))
    label = [w.Label(says)] if says else []
    return w.HBox([*label, *buttons], layout=w.Layout(align_items="center"))


# How long ■ may go unheard.
_BEAT_S = 0.1


@contextmanager
def awake() -> Iterator[None]:
    """Keep the loop of a cell that waits from sleeping for long.

    ipykernel has ■ cancel the cell by a callback that does not wake a sleeping loop,
    and a run that goes on in another thread may leave it asleep for hours.
    """

    async def beat() -> None:
        while True:  # noqa: ASYNC110 - to be awake is all that it is for
            await asyncio.sleep(_BEAT_S)

    task = asyncio.ensure_future(beat())
    try:
        yield
    finally:
        task.cancel()


class Interrupts:
    """Asks about the runs that a cell was waiting for when it was interrupted."""

    def __init__(self, durable: DurableNotebook) -> None:
        self._durable = durable
        self._left: list[str] = []

    def left(self, run_id: str) -> None:
        """Note that nobody waits for a run any more: that alone is no interrupt."""
        self._left.append(run_id)

    def after_cell(self, result: Any) -> None:
        """Ask, if it was the interrupt that ended the cell."""
        left, self._left = self._left, []
        error = getattr(result, "error_in_exec", None)
        if not isinstance(error, (asyncio.CancelledError, KeyboardInterrupt)):
            return
        for run_id in dict.fromkeys(left):
            self._durable.ask_whether_to_pause(run_id)
