"""What a run id may be."""

from __future__ import annotations

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
