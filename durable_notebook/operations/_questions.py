"""The questions of a journal that wait for a person, and what became of them.

They are followed by looking: whoever executes a run, and wherever it is answered, the
database tells. Everything here reads only, and may take its time: in a thread.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from durable_notebook._model import (
    Ending,
    EndingKind,
    EventView,
    Json,
    Prompt,
    at,
    handle,
)
from durable_notebook.errors import DurableNotebookError
from durable_notebook.journal._entry import now
from durable_notebook.operations._describe import prompts_of
from durable_notebook.operations._messages import SECRET
from durable_notebook.store import RunRow, Store

Masked = Callable[[Json], Json]
"""A tree without the values that must not be shown."""

_MOST_ENDED = 200


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a run; `ending` is None while it waits for a person."""

    workflow: str
    prompt: Prompt
    ending: Ending | None = None

    @property
    def key(self) -> str:
        """What tells it from all others of its journal, over rewinds too."""
        asked = self.prompt.asked_at.timestamp()
        return f"{handle(self.prompt.run_id)}:{self.prompt.number}:{asked:.4f}"


def ending_of(store: Store, prompt: Prompt, masked: Masked) -> Ending | None:
    """What became of a question; None while it waits for a person.

    One that was answered has ended, also if the run has not taken the answer yet.
    """
    row = store.run(prompt.run_id)
    return _ending(store, row, prompt, _is_open(store, row, prompt), masked)


def _is_open(store: Store, row: RunRow | None, prompt: Prompt) -> bool:
    entry = store.end_of(row) if row is not None and row.is_unfinished else None
    trees = entry.prompts if entry is not None else []
    return any(tree["number"] == prompt.number for tree in trees)


def _ending(
    store: Store, row: RunRow | None, prompt: Prompt, is_open: bool, masked: Masked
) -> Ending | None:
    mail = store.keyed_mail(prompt.run_id, prompt.key) if row is not None else None
    if mail is not None:
        given = _told(mail.tick, masked)
        sent_at = at(mail.sent_at)
        kind = EndingKind.ANSWERED
        return Ending(kind, sent_at, mail.by, given, is_taken=not is_open)
    if is_open:
        return None
    if prompt.due is not None and prompt.due <= at(now()):
        return Ending(EndingKind.TIMED_OUT, prompt.due)
    return Ending(EndingKind.DROPPED)


def _told(tick: str, masked: Masked) -> EventView | None:
    """What a message says; nothing of one that was emptied, or will be."""
    try:
        tree = json.loads(tick)
        return None if tree.get(SECRET) else EventView.of(masked(tree.get("event")))
    except (AttributeError, ValueError):
        return None


class Inbox:
    """The open questions of every run, followed, and what became of them since."""

    def __init__(self, store: Store, masked: Masked) -> None:
        self._store = store
        self._masked = masked
        self._heads: dict[str, tuple[int, int]] = {}
        self._questions: dict[str, Question] = {}
        self._mail = -1

    def look(self) -> bool:
        """Take in what has changed since the last look; whether anything has."""
        before = dict(self._questions)
        heads = self._store.heads()
        for run_id in self._heads.keys() - heads.keys():
            self._run_changed(run_id)
        for run_id, head in heads.items():
            if self._heads.get(run_id) != head:
                self._run_changed(run_id)
        self._heads = heads
        newest = self._store.newest_mail()
        mailed = self._store.mailed(self._mail) if newest != self._mail else {}
        self._mail = newest
        for key, question in list(self._questions.items()):
            ending = question.ending
            # What was refused after it was sent is asked again, and no entry says so.
            is_on_its_way = ending is not None and not ending.is_taken
            if (ending is None and question.prompt.run_id in mailed) or is_on_its_way:
                ending = ending_of(self._store, question.prompt, self._masked)
                self._questions[key] = replace(question, ending=ending)
        self._forget()
        return self._questions != before

    def questions(self) -> list[Question]:
        """Those that are open, oldest first, then those that ended, newest first."""
        found = list(self._questions.values())
        is_open = [q for q in found if q.ending is None]
        ended = [q for q in found if q.ending is not None]
        is_open.sort(key=lambda q: q.prompt.asked_at)
        ended.sort(key=_ended_at, reverse=True)
        return is_open + ended

    def question(self, key: str) -> Question | None:
        """One of them."""
        return self._questions.get(key)

    def _run_changed(self, run_id: str) -> None:
        row = self._store.run(run_id)
        prompts: tuple[Prompt, ...] = ()
        if row is not None and row.is_unfinished:
            try:
                prompts = prompts_of(self._store, row, self._store.end_of(row))
            except DurableNotebookError:
                return  # A run that cannot be read must not hide the others.
        found = {q.key: q for q in (Question(row.workflow, p) for p in prompts if row)}
        for key, question in list(self._questions.items()):
            if question.prompt.run_id == run_id and key not in found:
                prompt, ending = question.prompt, question.ending
                if ending is None or not ending.is_taken:
                    ending = _ending(self._store, row, prompt, False, self._masked)
                self._questions[key] = replace(question, ending=ending)
        for key, question in found.items():
            ending = _ending(self._store, row, question.prompt, True, self._masked)
            self._questions[key] = replace(question, ending=ending)

    def _forget(self) -> None:
        ended = [q for q in self.questions() if q.ending is not None]
        for question in ended[_MOST_ENDED:]:
            del self._questions[question.key]


def _ended_at(question: Question) -> float:
    when = question.ending.at if question.ending is not None else None
    return (when or question.prompt.asked_at).timestamp()
