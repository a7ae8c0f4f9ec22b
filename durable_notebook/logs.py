"""The log lines of this package: one logger, quiet by default, and a form for machines.

The logger is `durable_notebook`. It says nothing of what goes well; a run that stands
still, and a server that is away, are warnings. With

    logging.getLogger("durable_notebook").setLevel(logging.INFO)

each run that goes on after its process has ended is a line, too. No line has the
content of an event or of the store, nor the password of a URL. A line about a run has
its `run_id`, and its `workflow` and `executor_id` where they are known; to have them as
JSON, one object a line:

    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.getLogger("durable_notebook").addHandler(handler)
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

_FIELDS = ("run_id", "workflow", "executor_id", "session", "position")


def about(
    run_id: str | None = None,
    *,
    workflow: str | None = None,
    executor_id: str | None = None,
    **more: int,
) -> dict[str, object]:
    """What a line is about, as the `extra` of a call of the logger."""
    named = {"run_id": run_id, "workflow": workflow, "executor_id": executor_id}
    return {name: value for name, value in (named | more).items() if value is not None}


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON, with what it is about.

    `at` is the time in UTC, `level` the name of the level; `error` is there where an
    exception was logged, with its traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in _FIELDS:
            if hasattr(record, name):
                line[name] = getattr(record, name)
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
