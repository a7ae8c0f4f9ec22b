"""The inbox: every question of the journal that waits for a person, with its form."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from durable_notebook.notebook._form import FORM_SCRIPTS, Answers
from durable_notebook.notebook._view import Shown, View
from durable_notebook.operations._questions import Question
from durable_notebook.views import questions, words

if TYPE_CHECKING:
    from durable_notebook.notebook._session import Session

logger = logging.getLogger("durable_notebook")

_LOOK_S = 0.4

# Each change of the twin is written into the notebook's document.
_KEEP_S = 5.0


class InboxView(View):
    """The list of questions; a form is asked for when somebody opens a row."""

    scripts: ClassVar[tuple[str, ...]] = (*FORM_SCRIPTS, "inbox.js")
    styles: ClassVar[tuple[str, ...]] = ("form.css", "inbox.css")

    rows: Any = traitlets.List().tag(sync=True)


class InboxPanel:
    """Shows the inbox in the output of the cell that runs now."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._inbox = session.client.inbox()
        self._answers = Answers(lambda: self._session.client, self._inbox_question)
        self._inbox.look()
        rows = [questions.row(q) for q in self._inbox.questions()]
        self._shown = Shown(InboxView, self._twin(), rows=rows)
        self.view: InboxView = self._shown.view
        self.view.on_msg(self._received)
        self._is_open = True
        session.submit(self._follow(session))

    def __repr__(self) -> str:
        return f"<{questions.inbox_text(self.questions()).splitlines()[0]}>"

    def _ipython_display_(self) -> None:
        """Show nothing: the magic has shown it."""

    def questions(self) -> list[Question]:
        """Those that are open, oldest first, then those that have ended since."""
        return self._inbox.questions()

    def leave(self) -> None:
        """Leave the twin in the place of the view."""
        if self._is_open:
            self._is_open = False
            self._shown.keep(*self._twin())
            self._shown.end()

    def follow(self, session: Session) -> bool:
        """Go on in another session, in the same place. False if it was left."""
        if self._is_open:
            self._session = session
            self._inbox = session.client.inbox()
            session.submit(self._follow(session))
        return self._is_open

    async def _follow(self, session: Session) -> None:
        kept_at, is_kept = time.monotonic(), True
        try:
            while self._is_open and self._session is session:
                began = time.monotonic()
                if await asyncio.to_thread(self._inbox.look):
                    is_kept = False
                    self.view.rows = [questions.row(q) for q in self.questions()]
                if not is_kept and time.monotonic() - kept_at > _KEEP_S:
                    self._shown.keep(*self._twin())
                    kept_at, is_kept = time.monotonic(), True
                cost = time.monotonic() - began
                await asyncio.sleep(max(_LOOK_S, 5 * cost))
        except Exception:
            # A thread border: nobody awaits this.
            logger.exception("The inbox stopped.")

    def _twin(self) -> tuple[str, str]:
        found = self.questions()
        return questions.inbox_html(found), questions.inbox_text(found)

    # -- messages ------------------------------------------------------------------

    def _inbox_question(self, key: str) -> Question | None:
        return self._inbox.question(key)

    def _received(self, view: InboxView, content: Any, _: object) -> None:
        # On the main thread or a subshell: it only hands over.
        self._session.submit(self._serve(view, content))

    async def _serve(self, view: InboxView, content: dict[str, Any]) -> None:
        if content.get("do") == "form":
            form = self._form(str(content.get("key")))
            view.send({"number": content.get("number"), "form": form})
        else:
            view.send(await self._answers.reply(content))

    def _form(self, key: str) -> Any:
        question = self._inbox.question(key)
        if question is None or question.ending is not None:
            return None
        prompt = question.prompt
        forms = self._session.client.forms(question.workflow, prompt)
        about = f"{prompt.answer_name} · asked {words.moment(prompt.asked_at)}"
        return questions.form_of(prompt, forms, key=key, about=about)
