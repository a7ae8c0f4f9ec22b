"""The handler ids that a server takes: they are run ids, and parts of paths."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException

from durable_notebook.errors import InvalidRunIdError
from durable_notebook.runtime import check_run_id


def check_start(body: Any) -> None:
    """Refuse the id that a request gives to the handler that it starts.

    Without one the server makes an id.

    Raises:
        HTTPException: 400, with the reason.
    """
    handler_id = body.get("handler_id")
    if handler_id is None:
        return
    try:
        check_run_id(handler_id)
        if "/" in handler_id or handler_id in (".", ".."):
            raise InvalidRunIdError(handler_id, "no path could end in it")
    except InvalidRunIdError as e:
        detail = (
            f"{str(handler_id)[:60]!r} cannot be a handler id: {e.reason}; use 1 to "
            "200 printable characters without '/', for example 'order-17'."
        )
        raise HTTPException(400, detail) from e


def may_be_known(handler_id: str) -> bool:
    """Whether a database can be asked for an id that somebody has put into a path."""
    try:
        handler_id.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in handler_id
