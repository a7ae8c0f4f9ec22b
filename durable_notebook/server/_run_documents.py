"""What a server says of a run: all of it, or what a list has room for."""

from __future__ import annotations

from collections.abc import Callable

from durable_notebook._model import Json, Prompt, RunInfo, short
from durable_notebook.views import questions, words

# Of a run in the list; by itself it is read whole.
_LONGEST = 2_000
_MOST_PROMPTS = 20

Forms = Callable[[Prompt], list[Json]]
"""Of each class that answers a question its name and its fields."""


def whole(handler_id: str, route: str, info: RunInfo, forms: Forms) -> dict[str, Json]:
    """A run as it stands in the journal, by what the server calls its workflow."""
    return _facts(handler_id, route, info) | {
        "prompts": [_exact(prompt, forms(prompt)) for prompt in info.prompts]
    }


def listed(handler_id: str, route: str, info: RunInfo, forms: Forms) -> dict[str, Json]:
    """A run of the list, for which a page asks each second: bounded.

    An id that is cut asks for no run any more: one so long is of no server.
    """
    first = info.prompts[:_MOST_PROMPTS]
    facts = _facts(handler_id, route, info)
    cut = {
        name: short(value, _LONGEST) if isinstance(value, str) else value
        for name, value in facts.items()
    }
    return cut | {"prompts": [_drawn(prompt, forms(prompt)) for prompt in first]}


def _facts(handler_id: str, route: str, info: RunInfo) -> dict[str, Json]:
    return {
        "handler_id": handler_id,
        "run_id": info.run_id,
        "workflow": route,
        "status": info.status,
        "waits_for": info.waits_for,
        "error": info.error,
        "steps": info.steps,
        "progress": info.progress and words.how_far(*info.progress),
        "started": info.started.isoformat(),
        "updated": info.updated.isoformat(),
    }


def _drawn(prompt: Prompt, forms: list[Json]) -> dict[str, Json]:
    """A question with its forms, without what no form could show."""
    about = f"expects {prompt.answer_name}"
    return questions.form_of(prompt, forms, key=prompt.key, about=about)


def _exact(prompt: Prompt, forms: list[Json]) -> dict[str, Json]:
    """A question as it was asked, and all that an answer may have."""
    asked = prompt.asked
    return _drawn(prompt, forms) | {
        "asked": None
        if asked is None
        else {"name": asked.name, "fields": asked.fields},
        "answer": prompt.answer_name,
        "forms": forms,
        "schema": prompt.schemas[0] if prompt.schemas else None,
        "requirements": prompt.requirements,
    }
