"""The JSON documents that `--json` prints. README.md beside this file describes them.

Keys are added, never taken away or given another meaning.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from durable_notebook._config import is_postgres, sqlite_path, without_password
from durable_notebook._model import Attempt, EventView, Json, Prompt, RunInfo
from durable_notebook.cli._command import typed
from durable_notebook.doctor._finding import Finding
from durable_notebook.views import words

# So many ids are a list that is read.
_LISTED = 20


def show(args: Namespace, document: dict[str, Json], text: str) -> None:
    """Print a document, or what it says as text."""
    if args.json:
        text = json.dumps(document, indent=2, default=_written)
    if text:
        print(text)


def listed(run_ids: Sequence[str]) -> list[str]:
    """Ids as lines of a text; with --json all are given."""
    lines = [f"  {words.name(run_id)}" for run_id in run_ids[:_LISTED]]
    more = len(run_ids) - _LISTED
    return [*lines, f"  and {more} more"] if more > 0 else lines


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)


def database(url: str) -> str:
    """A database as it may be shown."""
    return without_password(url) if is_postgres(url) else str(sqlite_path(url))


def run(info: RunInfo) -> dict[str, Json]:
    """A run."""
    return {
        "run_id": info.run_id,
        "workflow": info.workflow,
        "status": str(info.status),
        "waits_for": info.waits_for,
        "due": info.due,
        "steps": info.steps,
        "progress": progress(info),
        "size": info.size,
        "executor_id": info.executor_id,
        "started": info.started,
        "updated": info.updated,
        "error": info.error,
        "start_event": event(info.start_event),
        "prompts": [prompt(each) for each in info.prompts],
    }


def progress(info: RunInfo) -> dict[str, Json] | None:
    """How far a run said that it is."""
    if info.progress is None:
        return None
    return dict(zip(("done", "total", "label"), info.progress, strict=True))


def prompt(given: Prompt) -> dict[str, Json]:
    """An open question."""
    return {
        "number": given.number,
        "asked": event(given.asked),
        "expects": list(given.expects),
        "schemas": list(given.schemas),
        "requirements": given.requirements,
        "since": given.asked_at,
    }


def event(view: EventView | None) -> dict[str, Json] | None:
    """An event."""
    return None if view is None else {"name": view.name, "fields": view.fields}


def attempt(row: Attempt) -> dict[str, Json]:
    """One execution of a step."""
    return {
        "position": row.position,
        "step": row.step,
        "status": str(row.status),
        "attempt": row.attempt,
        "session": row.session,
        "started": row.started,
        "finished": row.finished,
        "received": event(row.received),
        "returned": [event(each) for each in row.returned],
        "store": list(row.store),
        "error": row.error,
        "code": row.code,
    }


def finding(args: Namespace, found: Finding) -> dict[str, Json]:
    """One cause of a diagnosis."""
    return {
        "run_id": found.run_id,
        "cause": str(found.cause),
        "says": found.says,
        "commands": [typed(args, *words) for words in found.commands],
        "since": found.since,
        "due": found.due,
    }
