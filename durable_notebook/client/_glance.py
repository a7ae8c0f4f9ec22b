"""What a process knows of a run: in one line, and before it is on disk."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from durable_notebook._model import RunInfo
from durable_notebook.errors import DurableNotebookError
from durable_notebook.operations._describe import describe, seen_by

if TYPE_CHECKING:
    from durable_notebook.runtime import DBOSRuntime

# A database that is away must not hold up who only wants to see a name.
_PATIENCE_S = 0.5


def glance(runtime: DBOSRuntime | None, run_id: str) -> str:
    """The run's id, workflow and state, and what it waits for; the id if that is all.

    From any thread and on any loop: the database is read beside it, for half a second.
    """
    found: list[RunInfo] = []

    def read() -> None:
        if runtime is None:
            return
        try:
            row = runtime.store.run(run_id)
            if row is not None:
                found.append(describe(runtime.store, row, None, seen_by(runtime)))
        except DurableNotebookError:
            return  # The journal is closed, or away.

    reader = threading.Thread(target=read, name="durable-glance", daemon=True)
    reader.start()
    reader.join(_PATIENCE_S)
    parts = [f"Run({run_id!r})"]
    for info in found:
        waits = info.waits_for and f"waits for {info.waits_for}"
        steps = f"{info.steps} completed step{'s' * (info.steps != 1)}"
        workflow = info.workflow.rpartition(".")[2]
        parts += [workflow, info.status, waits or info.error or steps]
    return " · ".join(" ".join(part.split()) for part in parts)


def as_executed(runtime: DBOSRuntime, info: RunInfo) -> RunInfo:
    """A run with what this process knows of it before that is on disk."""
    live = runtime.live(info.run_id)
    reported = None if live is None or info.status.is_final else live.stream.progress
    return info if reported is None else replace(info, progress=reported.short)
