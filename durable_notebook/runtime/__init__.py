"""The runtime: llama-index-workflows' plug-in point, on the journal.

`_runtime` is the class; `_runs` executes runs and `_access` reads and messages them;
`_live` is a run in memory and its way to disk, `_restore` the way back; `_internal` and
`_external` are the adapters the library asks for; `_registry` has the workflows;
`_state`, `_stream`, `_prompts` and `_flight` are the parts of a turn.
"""

from __future__ import annotations

# Loaded, so that a journal that names it can be read.
from durable_notebook import _progress as _progress
from durable_notebook.runtime._checks import check_run_id
from durable_notebook.runtime._codec import plain_codec, qualified_name
from durable_notebook.runtime._letters import message_tree
from durable_notebook.runtime._live import LiveRun
from durable_notebook.runtime._meter import BOUNDS, Meter, Readings
from durable_notebook.runtime._outcome import Outcome
from durable_notebook.runtime._output import keep_output, take_back_output
from durable_notebook.runtime._runtime import DBOSRuntime
from durable_notebook.runtime._serving import require_server
from durable_notebook.runtime._tracing import as_asked_by

__all__ = [
    "BOUNDS",
    "DBOSRuntime",
    "LiveRun",
    "Meter",
    "Outcome",
    "Readings",
    "as_asked_by",
    "check_run_id",
    "keep_output",
    "message_tree",
    "plain_codec",
    "qualified_name",
    "require_server",
    "take_back_output",
]
