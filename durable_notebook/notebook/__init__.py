"""The notebook face: magics, forms and panels. The only IPython and ipywidgets.

`_extension` loads and unloads; `_magics` reads lines and calls the client; `_session`
is the journal a kernel has open; `_monitor` shows a run while it goes on, `_prompt`
asks for an answer, `_fields` reads `name=expression`, `_display` knows ipykernel;
`_serve` is the magic that serves over HTTP, `_server` what it serves.
"""

from __future__ import annotations

from durable_notebook.notebook._extension import load, unload

__all__ = ["load", "unload"]
