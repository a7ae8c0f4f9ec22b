"""LlamaIndex workflows that survive their kernel.

`DBOSRuntime` runs workflows durably, in a script as in a notebook. In a notebook,
`%load_ext durable_notebook` adds the magics.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from durable_notebook.errors import DurableNotebookError

if TYPE_CHECKING:
    from durable_notebook.client._client import Client, Run
    from durable_notebook.journal._progress import Progress
    from durable_notebook.runtime import DBOSRuntime

__version__ = "0.1.0"

__all__ = [
    "Client",
    "DBOSRuntime",
    "DurableNotebookError",
    "Progress",
    "Run",
    "__version__",
]

# DBOS takes a second to import, and who looks at a journal from a terminal needs none.
_MODULES = {
    "Client": "durable_notebook.client._client",
    "DBOSRuntime": "durable_notebook.runtime",
    "Progress": "durable_notebook.journal._progress",
    "Run": "durable_notebook.client._client",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def load_ipython_extension(shell: object) -> None:
    """Add the magics to a notebook: `%load_ext durable_notebook`.

    Opens the journal beside the notebook if there is one, and tells what was
    interrupted. Creates nothing.
    """
    # A script that imports the runtime must not load IPython and ipywidgets.
    from durable_notebook.notebook import load  # noqa: PLC0415

    load(shell)


def unload_ipython_extension(shell: object) -> None:
    """Close the journal; unfinished runs stay resumable."""
    from durable_notebook.notebook import unload  # noqa: PLC0415

    unload(shell)
