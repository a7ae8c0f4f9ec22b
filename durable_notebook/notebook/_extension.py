"""`%load_ext` and `%unload_ext`: register the magics, take them back."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from IPython.core.error import UsageError

from durable_notebook.notebook._magics import DurableNotebook
from durable_notebook.notebook._sentences import plainly
from durable_notebook.notebook._serve import DurableServe

_loaded: dict[int, tuple[DurableNotebook, DurableServe]] = {}


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
    serve = DurableServe(shell, magics)
    shell.register_magics(magics, serve)
    for each in (magics, serve):
        shell.events.register("post_run_cell", each.after_cell)
    _loaded[id(shell)] = magics, serve
    with plainly():
        magics.open_existing()


def unload(shell: Any) -> None:
    """Close the journal and take back what `load` registered."""
    loaded = _loaded.pop(id(shell), None)
    if loaded is not None:
        for each in loaded:
            shell.events.unregister("post_run_cell", each.after_cell)
        loaded[0].close()
