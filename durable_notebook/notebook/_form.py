"""Forms: the widget that draws one, and what the kernel does with what it is sent.

Values come in messages, never in the widget's state: a front end may write that into
the notebook, with what a person has typed into a masked field.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

import traitlets

from durable_notebook._model import Json, Prompt, short
from durable_notebook.client._client import Client
from durable_notebook.errors import DurableNotebookError, InvalidFieldsError
from durable_notebook.notebook._view import View
from durable_notebook.views import questions, words

logger = logging.getLogger("durable_notebook")

FORM_SCRIPTS = ("fields.js", "nested.js", "form.js", "question.js", "answering.js")

_MOST_PATHS = 200


class FormView(View):
    """The form for the question that a run waits with."""

    scripts: ClassVar[tuple[str, ...]] = (*FORM_SCRIPTS, "form_view.js")
    styles: ClassVar[tuple[str, ...]] = ("form.css",)

    question: Any = traitlets.Dict().tag(sync=True)


class Asked(Protocol):
    """A question, and the workflow that asks it."""

    @property
    def workflow(self) -> str: ...
    @property
    def prompt(self) -> Prompt: ...


class Answers:
    """Replies to the forms of one view, on the session's loop.

    `find` gives the question of a key; None of one that is no longer asked.
    """

    def __init__(
        self, client: Callable[[], Client], find: Callable[[str], Asked | None]
    ) -> None:
        self._client = client
        self._find = find

    async def reply(self, request: dict[str, Any]) -> dict[str, Json]:
        """Do what a form asks: check its values, send them, complete a path."""
        number = {"number": request.get("number")}
        try:
            return number | await self._reply(request)
        except DurableNotebookError as e:
            found = e.problems if isinstance(e, InvalidFieldsError) else {}
            problems = questions.problems(dict(found))
            return number | {"message": words.sentence(str(e)), "problems": problems}
        except Exception as e:
            # A thread border: nobody awaits this. What failed may quote a secret.
            logger.error("A form could not be served: %s", type(e).__name__)
            message = f"The kernel could not do that ({type(e).__name__}). Try again."
            return number | {"message": message}

    async def _reply(self, request: dict[str, Any]) -> dict[str, Json]:
        if request.get("do") == "paths":
            folder = str(request.get("folder", ""))
            return {"paths": await asyncio.to_thread(paths_in, folder)}
        asked = self._find(str(request.get("key")))
        fields = request.get("fields")
        if asked is None or not isinstance(fields, dict):
            return {"message": "This question is no longer asked."}
        client, prompt = self._client(), narrowed(asked.prompt, request.get("answer"))
        if request.get("do") == "check":
            found = client.problems(asked.workflow, prompt, fields)
            return {"problems": questions.problems(found)}
        await client.answer(prompt.run_id, fields, prompt=prompt)
        return {"is_sent": True}


def narrowed(prompt: Prompt, answer: object) -> Prompt:
    """A question as if only the classes of one name answered it."""
    kinds = zip(prompt.expects, prompt.schemas, strict=True)
    chosen = [(n, s) for n, s in kinds if short(n.rpartition(".")[2]) == answer]
    if not chosen:
        return prompt
    expects, schemas = zip(*chosen, strict=True)
    return replace(prompt, expects=expects, schemas=schemas)


def paths_in(folder: str) -> list[str]:
    """What is in a folder, as a person would go on writing its path."""
    try:
        found = sorted(Path(folder or ".").expanduser().iterdir())
    except OSError:
        return []
    shown = [path for path in found if not path.name.startswith(".")][:_MOST_PATHS]
    return [f"{folder}{path.name}{'/' if path.is_dir() else ''}" for path in shown]
