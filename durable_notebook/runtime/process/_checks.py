"""What a run id may be, and what it may be asked for with."""

from __future__ import annotations

import functools
import json
from typing import Any

from workflows import Workflow
from workflows.events import Event

from durable_notebook._model import EventView, Json
from durable_notebook.errors import InvalidRunIdError, OtherArgumentsError
from durable_notebook.store import RunRow

_LONGEST = 200


def check_same_start(row: RunRow, offered: Json, event: Event | None) -> None:
    """Refuse to take a run for one with other arguments; none at all are its own.

    Raises:
        OtherArgumentsError: With what the run was begun with.
    """
    before = EventView.of(row.input.get("start"))
    now = EventView.of(json.loads(json.dumps(offered)))
    # What the caller gave: a default may be another at each call.
    given = set() if event is None else event.model_fields_set | set(event._data or ())
    if not given or before is None or now is None:
        return
    is_same = set(before.fields) == set(now.fields) and all(
        before.fields[name] == now.fields[name] for name in given
    )
    if not is_same:
        raise OtherArgumentsError(row.run_id, str(before), str(now))


def check_run_id(run_id: object) -> str:
    """Refuse what could not be stored, shown or typed again.

    Raises:
        InvalidRunIdError: With the reason.
    """
    if not isinstance(run_id, str):
        raise InvalidRunIdError(run_id, "it is not text")
    if not run_id.strip():
        raise InvalidRunIdError(run_id, "it is empty")
    if len(run_id) > _LONGEST:
        raise InvalidRunIdError(run_id, f"it has {len(run_id)} characters")
    if not run_id.isprintable():
        raise InvalidRunIdError(run_id, "it has characters that cannot be shown")
    return run_id


def check_ids_of(workflow: Workflow) -> None:
    """Have `workflow.run(run_id="")` refused.

    The library gives such a run a random id before a runtime sees it; its caller would
    look for the run under another.
    """
    if "run" in vars(workflow):
        return
    run = workflow.run

    @functools.wraps(run)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("run_id") is not None:
            check_run_id(kwargs["run_id"])
        return run(*args, **kwargs)

    vars(workflow)["run"] = checked
