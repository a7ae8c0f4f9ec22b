"""Questions that wait for a person: as what a form is drawn from, as HTML, as text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from itertools import islice
from typing import cast

from durable_notebook._model import Ending, EventView, Json, Prompt, short
from durable_notebook._schema import usage
from durable_notebook.operations._questions import Question
from durable_notebook.views import html, words
from durable_notebook.views.table import harmless

# What a form shows of a question is bounded; the journal has all of it.
_MOST_FIELDS = 30
_LONGEST = 8_000
_MOST_ROWS = 100
_LONGEST_SCHEMA = 200_000
_HALF = re.compile("[\ud800-\udfff]")

_TEXTS = ("question", "prompt", "prefix", "message", "text", "title")


def form_of(
    prompt: Prompt, forms: Sequence[Json], *, key: str, about: str
) -> dict[str, Json]:
    """What `question.js` draws: a question, with a form for each class of answers."""
    asked = prompt.asked
    fields = None if asked is None else _bounded(asked.fields)
    drawn = {
        "key": key,
        "number": prompt.number,
        "asked": asked and {"name": short(asked.name), "fields": fields},
        "answer": short(prompt.answer_name),
        "about": words.sentence(about),
        "forms": [
            {"name": short(each["name"]), "schema": _drawable(each["schema"])}
            for each in forms[:_MOST_FIELDS]
        ],
        "requirements": _bounded(prompt.requirements),
        "due": None if prompt.due is None else prompt.due.isoformat(),
    }
    return cast("dict[str, Json]", _sendable(drawn))


def _sendable(document: Json) -> Json:
    """Without halves of surrogate pairs: with one, a page would get nothing at all."""
    text = json.dumps(document, ensure_ascii=False)
    return json.loads(_HALF.sub(lambda half: rf"\\u{ord(half[0]):04x}", text))


def _drawable(schema: Json) -> Json:
    """The fields of an answer; None of so many that JSON is written instead."""
    is_long = len(json.dumps(schema)) > _LONGEST_SCHEMA
    return None if is_long else schema


def _bounded(fields: Mapping[str, Json]) -> dict[str, Json]:
    found = {}
    for name, value in islice(fields.items(), _MOST_FIELDS):
        whole = value if isinstance(value, str) else json.dumps(value)
        is_long = len(whole) > _LONGEST
        more = f" … {len(whole) - _LONGEST} more characters"
        found[name[:200]] = whole[:_LONGEST] + more if is_long else value
    return found


def problems(found: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with an answer, by field, as a form is told."""
    first = islice(found.items(), _MOST_FIELDS)
    told = {short(name, _LONGEST): words.sentence(said) for name, said in first}
    return cast("dict[str, str]", _sendable(told))


def line_of(asked: EventView | None) -> str:
    """A question in one line."""
    texts = {} if asked is None else {k: v for k, v in asked.fields.items() if v}
    is_text = [n for n in _TEXTS if isinstance(texts.get(n), str)]
    is_text += [n for n, value in texts.items() if isinstance(value, str)]
    if is_text:
        return words.cut(texts[is_text[0]][:2_000], 200)
    return words.event(asked) if texts else "waits for an answer"


def how_to_answer(prompt: Prompt) -> str:
    """The line of a cell that answers a question."""
    schema = next((each for each in prompt.schemas if each is not None), None)
    names = [] if schema is None else list(usage(schema))
    names = [name for name in names if name not in prompt.requirements]
    fields = " ".join(f"{name}=..." for name in names[:20]) or "field=..."
    return words.cut(f"%durable_answer {prompt.run_id} {fields}", 400)


def ended(prompt: Prompt, ending: Ending) -> str:
    """What became of a question, in a line."""
    return harmless(f"{line_of(prompt.asked)} · {words.ending(ending)}")


def row(question: Question) -> Json:
    """A question as a row of the inbox."""
    prompt, ending = question.prompt, question.ending
    return {
        "key": question.key,
        "run_id": words.name(prompt.run_id),
        "workflow": words.name(words.short_name(question.workflow)),
        "text": harmless(line_of(prompt.asked)),
        "asked_at": prompt.asked_at.isoformat(),
        "due": None if prompt.due is None else prompt.due.isoformat(),
        "ended": None if ending is None else harmless(words.ending(ending)),
        "kind": "waiting" if ending is None else str(ending.kind),
    }


def open_html(prompt: Prompt, workflow: str) -> str:
    """A question without its form, and how it is answered."""
    until = "" if prompt.due is None else f" · until {words.moment(prompt.due)}"
    about = (
        f"{words.name(words.short_name(workflow))} · run {words.name(prompt.run_id)}"
    )
    return (
        f'<p class="dn-asked"><b>{escape(harmless(line_of(prompt.asked)))}</b> '
        f'<span class="dn-quiet">{escape(about)} · asked '
        f"{words.moment(prompt.asked_at)}{until}</span><br>"
        f"<code>{escape(harmless(how_to_answer(prompt)))}</code></p>"
    )


def open_text(prompt: Prompt) -> str:
    """The same for a terminal."""
    return harmless(f"{line_of(prompt.asked)}\n    {how_to_answer(prompt)}")


def inbox_html(questions: Sequence[Question]) -> str:
    """All questions, oldest first, and what became of those that have ended."""
    head = f'<p class="dn-head"><b>{_head(questions)}</b></p>'
    parts = html.within(_inbox_row(each) for each in questions[:_MOST_ROWS])
    more = len(questions) - len(parts)
    if more > 0:
        parts.append(f'<p class="dn-quiet">… {more} more in %durable_inbox</p>')
    return "".join([head, *parts, html.as_of_now()])


def _inbox_row(question: Question) -> str:
    if question.ending is None:
        return open_html(question.prompt, question.workflow)
    line = escape(harmless(ended(question.prompt, question.ending)))
    return f'<p class="dn-quiet">{line}</p>'


def inbox_text(questions: Sequence[Question]) -> str:
    """The same for a terminal."""
    lines = [_head(questions)]
    for question in questions[:_MOST_ROWS]:
        prompt = question.prompt
        if question.ending is None:
            lines.append(f"{line_of(prompt.asked)} · run {words.name(prompt.run_id)}")
            lines.append(f"    {how_to_answer(prompt)}")
        else:
            lines.append(ended(prompt, question.ending))
    more = len(questions) - _MOST_ROWS
    if more > 0:
        lines.append(f"… {more} more")
    return "\n".join(map(harmless, lines))


def _head(questions: Sequence[Question]) -> str:
    count = sum(question.ending is None for question in questions)
    if not count:
        return "No question waits for a person."
    return f"{words.plural(count, 'question')} {'waits' if count == 1 else 'wait'}"
