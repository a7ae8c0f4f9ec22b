"""Lines for a shell that ask a server, and work as they stand."""

from __future__ import annotations

import json
import shlex
from urllib.parse import quote

from durable_notebook._model import Json


def start(
    url: str,
    name: str,
    event: dict[str, Json] | None,
    *,
    is_answered: bool,
    token: str | None = None,
) -> str:
    """Start a run with an event; without one that would do, ask what fields it has.

    One that `is_answered` by somebody is not waited for. `token` is what the shell
    makes the token of.
    """
    route = f"{url}/workflows/{quote(name, safe='')}"
    if event is None:
        return _line(token, f"{route}/schema")
    words = ["-X POST", f"{route}/{'run-nowait' if is_answered else 'run'}"]
    if event:
        body = _quoted({"start_event": event})
        words += ["-H 'Content-Type: application/json'", f"-d {body}"]
    return _line(token, *words)


def events(url: str, run_id: str, token: str | None = None) -> str:
    """Follow a run's events from its beginning."""
    return _line(token, f"-N '{url}/events/{run_id}?after_sequence=-1'")


def _quoted(body: Json) -> str:
    return shlex.quote(json.dumps(body, ensure_ascii=False))


def _line(token: str | None, *words: str) -> str:
    known = [f'-H "Authorization: Bearer {token}"'] if token else []
    return " ".join(["curl", *words, *known])
