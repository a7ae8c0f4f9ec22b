"""What a client knows of a run, and the answers that it gives to its questions."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from workflows.events import Event
from workflows.runtime.types.ticks import TickAddEvent

from durable_notebook._model import Ending, EventView, Json, Prompt, RunInfo
from durable_notebook._schema import form_schema
from durable_notebook.client._glance import as_executed
from durable_notebook.client._requests import answer_problems, make_answer
from durable_notebook.errors import (
    AlreadyAnsweredError,
    ConfigError,
    InvalidFieldsError,
    UnknownRunError,
)
from durable_notebook.operations._describe import (
    describe,
    open_prompt,
    seen_by,
)
from durable_notebook.operations._messages import values_message
from durable_notebook.operations._questions import Inbox, ending_of
from durable_notebook.runtime import DBOSRuntime, qualified_name

T = TypeVar("T")


class Answering:
    """The part of a client that answers."""

    def __init__(self, runtime: DBOSRuntime, name: str | None = None) -> None:
        """`name` is recorded with each answer: who gave it, in words.

        Raises:
            ConfigError: That is no runtime.
        """
        if not isinstance(runtime, DBOSRuntime):
            raise ConfigError(
                "A client is one of a runtime, not of a value of type "
                f"'{type(runtime).__name__}'.",
                "Write Client(DBOSRuntime(database_url=...)), and launch that runtime.",
            )
        self.runtime = runtime
        self._name = name

    @property
    def name(self) -> str:
        """Who answers through this, in words."""
        return self._name or f"executor {self.runtime.executor_id}"

    async def on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the runtime's loop, wherever the caller runs."""
        return await self.runtime.on_loop(work)

    async def read_info(self, run_id: str, *, is_measured: bool = False) -> RunInfo:
        """What a run is doing. On the runtime's loop.

        Measured only if asked: that looks at every entry of the run.
        """
        store = self.runtime.store
        row = await asyncio.to_thread(store.run, run_id)
        if row is None:
            raise UnknownRunError(run_id)
        ids = [run_id] if is_measured else []
        sizes = await asyncio.to_thread(store.sizes, ids)
        seen, before = seen_by(self.runtime), self.runtime.before
        info = describe(store, row, sizes.get(run_id), seen, before=before)
        return as_executed(self.runtime, info)

    async def answer(
        self, run_id: str, fields: dict[str, Any], *, prompt: Prompt | int | None = None
    ) -> Event | EventView:
        """Answer a question of a run, by its number or by default its oldest.

        The answer is on disk when this returns, and is applied exactly once. Gives
        the event that was sent; as data where none of its classes is defined here:
        then it was checked against what the question recorded of them, and whoever
        executes the run may still refuse it, which opens the question again.

        Raises:
            NoPromptError: The run waits for nobody.
            NeverAskedError: It has asked no question of this number.
            UncheckedAnswerError: Nothing was recorded of what answers it.
            InvalidFieldsError: The answer is not one the run can take.
            AlreadyAnsweredError: Somebody answered first.
        """
        return await self.on_loop(self._answer(run_id, fields, prompt))

    async def _answer(
        self, run_id: str, fields: dict[str, Any], prompt: Prompt | int | None
    ) -> Event | EventView:
        info = await self.read_info(run_id)
        if not isinstance(prompt, Prompt):
            prompt = await asyncio.to_thread(
                open_prompt, self.runtime.store, info, prompt
            )
        event = self._answer_event(info.workflow, prompt, fields)
        if event is None:
            message = values_message(prompt, fields, self.name)
            sent: Event | EventView = message.event
            post = self.runtime.post(run_id, message.text, prompt.key, by=self.name)
        else:
            sent = event
            tick = TickAddEvent(event=event)
            post = self.runtime.post(run_id, tick, prompt.key, by=self.name)
        if not await post:
            raise AlreadyAnsweredError(run_id)
        return sent

    def _answer_event(
        self, workflow: str, prompt: Prompt, fields: dict[str, Any]
    ) -> Event | None:
        problems: InvalidFieldsError | None = None
        for kind in self.answer_classes(workflow, prompt):
            try:
                return make_answer(kind, fields, prompt)
            except InvalidFieldsError as e:
                problems = problems or e
        if problems is None:
            return None
        raise problems

    def answer_classes(self, workflow: str, prompt: Prompt) -> list[type[Event]]:
        """The event classes that answer a prompt, as far as they are defined."""
        return self.runtime.event_classes(workflow, prompt.expects)

    def problems(
        self, workflow: str, prompt: Prompt, fields: dict[str, Json]
    ) -> dict[str, str]:
        """What is wrong about an answer, by the path of the value: `lines[1].qty`."""
        kinds = self.answer_classes(workflow, prompt)
        return answer_problems(prompt, fields, kinds)

    def forms(self, workflow: str, prompt: Prompt) -> list[Json]:
        """Of each class that answers a prompt its name, and its fields for a form.

        As the class has them where it is defined here, else as the question recorded.
        """
        known = {qualified_name(k): k for k in self.answer_classes(workflow, prompt)}
        return [
            {
                "name": name.rpartition(".")[2],
                "schema": form_schema(known[name]) if name in known else schema,
            }
            for name, schema in zip(prompt.expects, prompt.schemas, strict=True)
        ]

    def ending(self, prompt: Prompt) -> Ending | None:
        """What became of a question: who answered it, and when; None while it waits.

        Reads the database: in a thread.
        """
        return ending_of(self.runtime.store, prompt, self.runtime.masked)

    def inbox(self) -> Inbox:
        """The questions of every run of this journal, to be followed."""
        return Inbox(self.runtime.store, self.runtime.masked)


def name_of(event: Event | EventView) -> str:
    """The class of an event that was sent, as its author wrote it."""
    return event.name if isinstance(event, EventView) else type(event).__name__
