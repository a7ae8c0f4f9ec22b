"""A run in IPython without a front end: lines of text in the place of a panel."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

from durable_notebook._model import Prompt, RunInfo, RunStatus
from durable_notebook._schema import schema_of
from durable_notebook.logs import about
from durable_notebook.notebook._session import Session
from durable_notebook.views import text, words
from durable_notebook.views.table import harmless

logger = logging.getLogger("durable_notebook")

_LOOK_S = 0.2
_LONGEST = 400


def has_front_end(shell: Any) -> bool:
    """Whether a kernel's messages reach a screen. A terminal has no place to redraw."""
    return hasattr(shell, "kernel")


class Lines:
    """Tells of one run: what it is now, each question of it, and its end.

    IPython prints what comes while somebody types above the prompt.
    """

    def __init__(self, session: Session, run_id: str, note: str) -> None:
        self._session = session
        self.run_id = run_id
        self.ended = threading.Event()
        self._asked: Prompt | None = None
        info = session.call(session.client.read_info(run_id))
        rows = session.call(session.client.read_journal(run_id))
        print(text.panel(info, rows, note=note, result=None))  # noqa: T201
        self._ask(info)
        session.submit(self._follow())

    def leave(self) -> None:
        """Tell nothing more: the journal is closed."""
        self.ended.set()

    def follow(self, session: Session) -> bool:
        """Go on in another session. False if the run had ended."""
        if not self.ended.is_set():
            self._session = session
            session.submit(self._follow())
        return not self.ended.is_set()

    async def _follow(self) -> None:
        try:
            while not self.ended.is_set():
                info = await self._session.client.read_info(self.run_id)
                said = await self._end(info) if info.status.is_final else ""
                if self.ended.is_set():  # Left meanwhile: others tell of it.
                    return
                self._ask(info)
                if said:
                    _say(said)
                    self.ended.set()
                await asyncio.sleep(_LOOK_S)
        except Exception:
            # A thread border: nobody awaits this.
            logger.exception(
                "The lines of run %r stopped.",
                self.run_id,
                extra=about(self.run_id),
            )

    def _ask(self, info: RunInfo) -> None:
        prompt = info.prompts[0] if info.prompts else None
        if prompt is not None and prompt != self._asked:
            _say(self._question(info, prompt))
        self._asked = prompt

    def _question(self, info: RunInfo, prompt: Prompt) -> str:
        kinds = self._session.client.answer_classes(info.workflow, prompt)
        schema = (schema_of(kinds[0]) if kinds else prompt.schemas[0]) or {}
        names = schema.get("properties", {}).keys() - prompt.requirements.keys()
        fields = "".join(f" {name}=..." for name in sorted(names))
        asked = words.event(prompt.asked) or prompt.answer_name
        return f"Run {self.run_id} asks: {asked}. %durable_answer {self.run_id}{fields}"

    async def _end(self, info: RunInfo) -> str:
        said = f"Run {self.run_id} is {info.status}"
        if info.status is RunStatus.COMPLETED:
            result = await self._session.client.run(self.run_id).result()
            return f"{said}: {result!r}"
        return f"{said}: {info.error}" if info.error else f"{said}."


def _say(line: str) -> None:
    print(harmless(words.cut(line, _LONGEST)))  # noqa: T201
