"""The page at `/`, and the routes that it has beyond those of every server.

Theirs is a script of another host: without the internet it is blank, and with it that
script would be given the token. This one is a file, and its policy allows only itself.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Callable
from functools import cache, partial
from importlib import resources
from typing import Any, NoReturn

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from durable_notebook._model import Json, Prompt, RunInfo
from durable_notebook.client._answering import name_of
from durable_notebook.client._client import Client
from durable_notebook.errors import (
    AlreadyAnsweredError,
    DurableNotebookError,
    InvalidFieldsError,
    NeverAskedError,
    NoPromptError,
    RunFinishedError,
    UnknownRunError,
)
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.server._run_documents import Forms, listed, whole
from durable_notebook.server._store import JournalStore
from durable_notebook.server._theirs import without_page
from durable_notebook.views import assets, words

_MOST = 1000

_LIMIT = re.compile(r"[0-9]{1,4}")

# The forms are those of the notebook. The page stands alone: they are put into it.
_SCRIPTS = ("dom.js", "fields.js", "nested.js", "form.js", "question.js")
_STYLES = ("theme.css", "form.css")

Tell = Callable[[str, str, RunInfo, Forms], dict[str, Json]]

_STATUS = {
    UnknownRunError: 404,
    NeverAskedError: 404,
    InvalidFieldsError: 400,
    NoPromptError: 409,
    AlreadyAnsweredError: 409,
    RunFinishedError: 409,
}


class Page:
    """Serves the page, the newest runs, their questions, and what is done to them."""

    def __init__(self, runtime: DBOSRuntime, store: JournalStore) -> None:
        self._client = Client(runtime, "HTTP")
        self._store = store

    def put_on(self, app: Starlette) -> None:
        """Have an application answer with this page instead of theirs."""
        without_page(app)
        app.router.routes += [
            Route("/", _page),
            Route("/runs", self._runs),
            Route("/runs/{id:path}/answer", self._answer, methods=["POST"]),
            Route("/runs/{id:path}/cancel", self._cancel, methods=["POST"]),
            Route("/runs/{id:path}/pause", self._pause, methods=["POST"]),
            Route("/runs/{id:path}/resume", self._resume, methods=["POST"]),
            Route("/runs/{id:path}", self._run),
        ]
        app.add_exception_handler(DurableNotebookError, _refused)

    async def _runs(self, request: Request) -> Response:
        wanted = request.query_params.get("limit", "100")
        if not _LIMIT.fullmatch(wanted) or not 0 < int(wanted) <= _MOST:
            detail = f"'limit' is a number from 1 to {_MOST}, not {wanted[:20]!r}."
            return _Document({"detail": detail}, 400)
        found = await self._store.newest(int(wanted) + 1)
        runs = [self._told(listed, *each) for each in found[: int(wanted)]]
        is_all = len(found) <= int(wanted)
        return _Document({"runs": runs, "is_all": is_all})

    async def _run(self, request: Request) -> Response:
        handler_id = request.path_params["id"]
        run_id = await self._store.run_of(handler_id)
        info = await self._client.on_loop(self._client.read_info(run_id))
        found = self._told(whole, handler_id, info)
        asked = request.query_params.get("question", "")
        if _LIMIT.fullmatch(asked):
            found["ended"] = await self._ended(info, int(asked))
        return _Document(found)

    async def _ended(self, info: RunInfo, number: int) -> str | None:
        """Who answered a question, and when; None while it waits for a person."""
        prompt = next((p for p in info.prompts if p.number == number), None)
        prompt = prompt or Prompt(info.run_id, number, None, (), {}, info.started)
        ending = await asyncio.to_thread(self._client.ending, prompt)
        return None if ending is None else words.ending(ending)

    async def _answer(self, request: Request) -> Response:
        run_id = await self._store.run_of(request.path_params["id"])
        try:
            fields, number = _read(await request.body())
        except ValueError as e:
            return _Document({"detail": str(e)}, 400)
        event = await self._client.answer(run_id, fields, prompt=number)
        return _Document({"run_id": run_id, "sent": name_of(event)})

    async def _cancel(self, request: Request) -> Response:
        run_id = await self._store.run_of(request.path_params["id"])
        await self._client.cancel(run_id)
        return _Document({"run_id": run_id})

    async def _pause(self, request: Request) -> Response:
        run_id = await self._store.run_of(request.path_params["id"])
        await self._client.pause(run_id)
        return _Document({"run_id": run_id})

    async def _resume(self, request: Request) -> Response:
        """Take a pause back; whoever executes the run goes on with it."""
        run_id = await self._store.run_of(request.path_params["id"])
        was_paused = await self._client.go_on(run_id)
        return _Document({"run_id": run_id, "was_paused": was_paused})

    def _told(self, tell: Tell, handler_id: str, info: RunInfo) -> dict[str, Json]:
        forms = partial(self._client.forms, info.workflow)
        return tell(handler_id, self._store.route(info.workflow), info, forms)


def _read(body: bytes) -> tuple[dict[str, Json], int | None]:
    """The fields of an answer, and the number of its question if it has one.

    Raises:
        ValueError: With one sentence that says how an answer looks.
    """
    try:
        given = json.loads(body, parse_constant=_no_json)
    except (ValueError, RecursionError) as e:
        why = "is nested too deeply" if isinstance(e, RecursionError) else "is no JSON"
        raise ValueError(f"The body {why}: {_WANTED}") from e
    if not isinstance(given, dict) or not isinstance(given.get("fields"), dict):
        raise ValueError(f"The body has no object 'fields': {_WANTED}")
    unknown = sorted(given.keys() - {"fields", "prompt"})
    if unknown:
        raise ValueError(
            f"The body has {unknown[0][:40]!r}, which means nothing here: {_WANTED}"
        )
    number = given.get("prompt")
    if number is not None and (type(number) is not int or number < 0):
        raise ValueError(f"'prompt' is no number of a question: {_WANTED}")
    return given["fields"], number


_WANTED = (
    'send {"fields": {...}}, and as "prompt" the number of the question if it is not '
    "the oldest."
)


def _no_json(name: str) -> NoReturn:
    raise ValueError(name)


class _Document(JSONResponse):
    """JSON that every client reads, whatever text and numbers a run has."""

    def render(self, content: Any) -> bytes:
        try:
            # Escaped: half of a surrogate pair has no UTF-8.
            return json.dumps(content, allow_nan=False).encode()
        except ValueError:
            found = json.loads(json.dumps(content), parse_constant=lambda _: None)
            return json.dumps(found).encode()


async def _refused(_: Request, error: Exception) -> Response:
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 500)
    document: dict[str, Json] = {"detail": str(error)}
    if isinstance(error, InvalidFieldsError):
        document["problems"] = dict(error.problems)
    return _Document(document, status)


async def _page(_: Request) -> Response:
    text, policy = text_and_policy()
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return HTMLResponse(text, headers=headers)


@cache
def text_and_policy() -> tuple[str, str]:
    """The page, and what a browser may load for it: what stands in it, by its hash."""
    text = resources.files(__package__).joinpath("page.html").read_text("utf-8")
    text = text.replace("/* the script of forms */", assets.joined(*_SCRIPTS))
    text = text.replace("/* the style of forms */", assets.joined(*_STYLES))
    policy = (
        f"default-src 'none'; script-src {_hash(text, 'script')}; "
        f"style-src {_hash(text, 'style')}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return text, policy


def _hash(text: str, tag: str) -> str:
    (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    digest = hashlib.sha256(inside.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
