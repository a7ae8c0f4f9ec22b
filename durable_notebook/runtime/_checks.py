"""What a run id may be."""

from __future__ import annotations

import functools
from typing import Any

from workflows import Workflow

from durable_notebook.errors import InvalidRunIdError

_LONGEST = 200


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
