"""The runtime: llama-index-workflows' plug-in point, on the journal.

`_runtime` is the class, `_life` its life, `_access` what it does for who has the id of
a run; `_external` is the adapter that a handler has. Below lie, from the top down:

* `process/` - all the runs of this process: what begins, pauses, leaves and is watched
* `live/` - one run while it is executed, and its way to disk
* `recovery/` - the way back, from entries to a run that can go on
* `state/` - what a run consists of, and an entry is made of
* `codec/` - between live objects and JSON
"""

from __future__ import annotations

# Loaded, so that a journal that names it can be read.
from durable_notebook.journal import _progress as _progress
from durable_notebook.runtime._runtime import DBOSRuntime
from durable_notebook.runtime._serving import require_server
from durable_notebook.runtime.codec._codec import plain_codec, qualified_name
from durable_notebook.runtime.codec._letters import message_tree
from durable_notebook.runtime.codec._outcome import Outcome
from durable_notebook.runtime.live._output import keep_output, take_back_output
from durable_notebook.runtime.live._run import LiveRun
from durable_notebook.runtime.live._tracing import as_asked_by
from durable_notebook.runtime.process._checks import check_run_id
from durable_notebook.runtime.state._meter import BOUNDS, Meter, Readings

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
