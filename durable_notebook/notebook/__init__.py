"""The notebook face: magics, forms and panels. The only IPython and ipywidgets.

`_extension` loads and unloads; `magics/` read lines and call the client; `_workspace`
is what they share, `_session` the journal that a kernel has open; `_identity` says
which run a cell means, and `_file` which notebook that is; `_monitor` shows a run while
it goes on, `_terminal` the same without a front end, `_prompt` asks for an answer;
`_fields` reads `name=expression`, `_completion` answers the Tab key; `_display` knows
ipykernel; `_serving` is what a kernel serves over HTTP.
"""

from __future__ import annotations

from durable_notebook.notebook._extension import load, unload

__all__ = ["load", "unload"]
