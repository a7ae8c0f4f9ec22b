"""The log of a command that goes on for long, for whoever collects it."""

from __future__ import annotations

import logging
import sys
from types import TracebackType

from durable_notebook.logs import JsonLines


def write_json_lines() -> None:
    """Have whatever is logged, or warned of, as one JSON object a line on stderr.

    No level is changed: what was quiet stays so.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)
    # DBOS writes lines of its own form as long as its logger has no handler.
    logging.getLogger("dbos").addHandler(logging.NullHandler())
    sys.excepthook = _log_error


def _log_error(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Log what would have been written as a traceback."""
    about_it = (kind, error, trace)
    logging.getLogger("durable_notebook").critical("It ended.", exc_info=about_it)
