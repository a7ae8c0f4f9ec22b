"""LlamaIndex workflows that survive their kernel.

`DBOSRuntime` runs workflows durably, in a script as in a notebook. In a notebook,
`%load_ext durable_notebook` adds the magics.
"""

from __future__ import annotations

from durable_notebook.errors import DurableNotebookError
from durable_notebook.runtime import DBOSRuntime

__version__ = "0.1.0"

__all__ = ["DBOSRuntime", "DurableNotebookError", "__version__"]
