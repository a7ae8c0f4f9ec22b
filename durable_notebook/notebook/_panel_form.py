"""The form of a panel: it comes with a question of the run, and goes with its answer.

In its place stays who answered and when, wherever that was.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable
from typing import Any

from durable_notebook._model import RunInfo
from durable_notebook.notebook._display import Slot, unpinned
from durable_notebook.notebook._form import Answers, FormView
from durable_notebook.notebook._session import Session
from durable_notebook.operations._questions import Question
from durable_notebook.views import html, questions, words

# What stays of questions that were answered: a run may ask hundreds.
_MOST_ENDED = 5


class PanelForm:
    """Below a panel, in the output of the same cell."""

    def __init__(
        self,
        session: Callable[[], Session],
        slot: Callable[[str, str], Slot] = Slot,
    ) -> None:
        self._session = session
        self._id = secrets.token_hex(4)
        self._twin = slot("", "")
        self._slot = slot("", "")
        self._answers = Answers(lambda: session().client, self._find)
        self._question: Question | None = None
        self._later = 0
        self._ended: list[str] = []
        self.view: FormView | None = None
        self._left = threading.Event()

    def leave(self) -> None:
        """Show nothing more: the place is another's now."""
        self._left.set()
        if self.view is not None:
            self.view.close()
            self.view = None

    def clear(self) -> None:
        """Show not even what stands there without the form."""
        self._twin.fill("", "")
        self._slot.fill("", "")

    async def show(self, info: RunInfo) -> None:
        """Show the question that a run waits with, or what became of it."""
        before, question = self._question, await self._oldest(info)
        later = max(0, len(info.prompts) - 1)
        if self._left.is_set() or (question, later) == (before, self._later):
            return
        if before is not None and (question is None or question.key != before.key):
            await self._end(before)
        if self._left.is_set():
            return
        self._question, self._later = question, later
        if question is None or question.ending is not None:
            self._close()
        else:
            self._draw(question)
        self._keep()

    async def _oldest(self, info: RunInfo) -> Question | None:
        if not info.prompts:
            return None
        prompt = info.prompts[0]
        # An answer of somebody else may wait for a process that can take it.
        ending = await asyncio.to_thread(self._session().client.ending, prompt)
        return Question(info.workflow, prompt, ending)

    async def _end(self, question: Question) -> None:
        prompt = question.prompt
        ending = await asyncio.to_thread(self._session().client.ending, prompt)
        if ending is not None:
            self._ended.append(questions.ended(prompt, ending))

    def _draw(self, question: Question) -> None:
        prompt = question.prompt
        about = f"{prompt.answer_name} · asked {words.moment(prompt.asked_at)}"
        if self._later:
            about += f" · {words.plural(self._later, 'more question')} after this one"
        forms = self._session().client.forms(question.workflow, prompt)
        drawn = questions.form_of(prompt, forms, key=question.key, about=about)
        if self.view is None:
            # Unpinned: its messages are served also while a cell blocks the kernel.
            self.view = unpinned(lambda: FormView(twin=self._id, question=drawn))
            self.view.on_msg(self._received)
            self._slot.fill_with_widget(self.view)
        else:
            self.view.question = drawn

    def _close(self) -> None:
        if self.view is not None:
            self.view.close()
            self.view = None
            self._slot.fill("", "")

    def _keep(self) -> None:
        """Write into the notebook what stands there without the form."""
        lines, question = self._ended[-_MOST_ENDED:], self._question
        if question is not None and question.ending is not None:
            lines = [*lines, questions.ended(question.prompt, question.ending)]
        markup = "".join(map(html.line, lines))
        if question is not None and question.ending is None:
            asked = questions.open_html(question.prompt, question.workflow)
            markup += html.twin(self._id, asked)
            lines = [*lines, questions.open_text(question.prompt)]
        self._twin.fill(html.page(markup), "\n".join(lines))

    # -- messages ------------------------------------------------------------------

    def _find(self, key: str) -> Question | None:
        question = self._question
        return question if question is not None and question.key == key else None

    def _received(self, view: FormView, content: Any, _: object) -> None:
        # On the main thread or a subshell: it only hands over.
        self._session().submit(self._serve(view, content))

    async def _serve(self, view: FormView, content: dict[str, Any]) -> None:
        view.send(await self._answers.reply(content))
