"""The notebook face: magics, forms and panels. The only IPython and ipywidgets.

`_magics` reads lines and calls the client; `_session` is the journal a kernel has
open; `_monitor` shows a run while it goes on, `_prompt` asks for an answer, `_fields`
reads `name=expression` and `_display` knows the ways of ipykernel.
"""

from __future__ import annotations

from durable_notebook.notebook._magics import load, unload

__all__ = ["load", "unload"]
