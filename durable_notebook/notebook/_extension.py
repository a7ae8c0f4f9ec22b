"""`%load_ext` and `%unload_ext`: register the magics, take them back."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from IPython.core.error import UsageError

from durable_notebook.notebook._capture import Capture
from durable_notebook.notebook._sentences import plainly
from durable_notebook.notebook._workspace import DurableNotebook
from durable_notebook.notebook.magics import ALL
from durable_notebook.notebook.magics._base import DurableMagics

_loaded: dict[int, tuple[DurableNotebook, list[DurableMagics], Capture]] = {}


def load(shell: Any) -> None:
    """Register the magics and open the journal beside the notebook, if it exists."""
    installed = version("ipykernel")
    if int(installed.partition(".")[0]) < 7:
        raise UsageError(
            "durable_notebook needs ipykernel 7 or newer, and this kernel has "
            f"{installed}: forms would hang. "
            "Upgrade with: pip install -U ipykernel"
        )
    durable = DurableNotebook(shell)
    magics = [kind(shell, durable) for kind in ALL]
    shell.configurables.append(durable)
    shell.register_magics(*magics)
    for hook in _hooks(durable, magics):
        shell.events.register("post_run_cell", hook)
    capture = Capture(shell)
    capture.install()
    _loaded[id(shell)] = durable, magics, capture
    with plainly():
        durable.open_existing()


def unload(shell: Any) -> None:
    """Close the journal and take back what `load` registered."""
    loaded = _loaded.pop(id(shell), None)
    if loaded is None:
        return
    durable, magics, capture = loaded
    for hook in _hooks(durable, magics):
        shell.events.unregister("post_run_cell", hook)
    for magic in magics:
        for kind, names in magic.magics.items():
            for name in names:
                shell.magics_manager.magics[kind].pop(name, None)
    shell.configurables.remove(durable)
    durable.close()
    capture.remove()


def _hooks(
    durable: DurableNotebook, magics: list[DurableMagics]
) -> list[Callable[[object], None]]:
    first = [durable.after_cell, durable.interrupts.after_cell]
    return [*first, *(magic.after_cell for magic in magics)]
