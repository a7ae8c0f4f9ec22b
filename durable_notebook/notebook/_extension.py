"""`%load_ext` and `%unload_ext`: register the magics, take them back."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from IPython.core.error import UsageError

from durable_notebook.notebook._magics import DurableNotebook
from durable_notebook.notebook._sentences import plainly

_loaded: dict[int, DurableNotebook] = {}


def load(shell: Any) -> None:
    """Register the magics and open the journal beside the notebook, if it exists."""
    installed = version("ipykernel")
    if int(installed.partition(".")[0]) < 7:
        raise UsageError(
            "durable_notebook needs ipykernel 7 or newer, and this kernel has "
            f"{installed}: forms would hang. "
            "Upgrade with: pip install -U ipykernel"
        )
    magics = DurableNotebook(shell)
    shell.register_magics(magics)
    shell.events.register("post_run_cell", magics.after_cell)
    _loaded[id(shell)] = magics
    with plainly():
        magics.open_existing()


def unload(shell: Any) -> None:
    """Close the journal and take back what `load` registered."""
    magics = _loaded.pop(id(shell), None)
    if magics is not None:
        shell.events.unregister("post_run_cell", magics.after_cell)
        magics.close()
