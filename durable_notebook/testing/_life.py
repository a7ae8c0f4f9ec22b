"""One process life of a run: its handler, and who reads it and acts on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from workflows.events import Event, InternalDispatchEvent
from workflows.handler import WorkflowHandler
from workflows.runtime.types.plugin import Runtime

from durable_notebook.testing._case import (
    Act,
    AfterEvent,
    AtGate,
    Case,
    Gate,
    Interruptible,
)
from durable_notebook.testing._observed import Observed, text_of

# A stream or an act that has not ended this long after its run will not end.
_PATIENCE_S = 2


@dataclass(slots=True)
class Progress:
    """A run over all its lives: its id, and how much of the script is done."""

    run_id: str
    acts: int = 0

    @classmethod
    def of(cls, case: Case) -> Progress:
        """The beginning of a new run."""
        return cls(f"{case.name.replace(' ', '-')}-{uuid4().hex[:8]}")


@dataclass(eq=False, slots=True)
class Life:
    """A run while one process watches it."""

    case: Case
    progress: Progress
    handler: WorkflowHandler
    gate: Gate
    until: AtGate | AfterEvent | None
    _doing: asyncio.Future[None] | None = None
    _events: list[Event] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def to_the_end(self) -> Observed:
        """Watch the run until it has ended."""
        result: str | None = None
        error: str | None = None
        async with self._watching() as reader:
            try:
                result = text_of(await self.handler)
            except Exception as e:
                error = text_of(e)
            ended, _ = await asyncio.wait([reader], timeout=_PATIENCE_S)
        stream = [e for e in self._events if not isinstance(e, InternalDispatchEvent)]
        internal = [e for e in self._events if isinstance(e, InternalDispatchEvent)]
        no_end = () if ended else ("... and does not end",)
        return Observed(
            result=result,
            error=error,
            stream=(*map(text_of, stream), *no_end),
            internal=tuple(map(text_of, internal)),
            store=await self._store(),
        )

    async def to_the_interruption(self) -> None:
        """Watch the run until it is where this life is to end.

        Raises:
            ValueError: The run has ended before.
        """
        ending = asyncio.ensure_future(self.handler.stop_event_result())
        there = asyncio.ensure_future(self._until_over())
        async with self._watching():
            await asyncio.wait([ending, there], return_when=asyncio.FIRST_COMPLETED)
        is_there = there.done()
        for task in (ending, there):
            task.cancel()
        await asyncio.gather(ending, there, return_exceptions=True)
        if not is_there:
            raise ValueError(
                f"The run of case {self.case.name!r} ended before {self.until}. "
                "Choose an earlier place to interrupt it."
            )

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[asyncio.Task[None]]:
        reader = asyncio.create_task(self._read())
        actor = asyncio.create_task(self._act())
        try:
            yield reader
        finally:
            for task in (reader, actor):
                task.cancel()
            done = await asyncio.gather(reader, actor, return_exceptions=True)
            if self._doing is not None:
                # What was begun is done, or the next life would do it once more.
                await asyncio.wait([self._doing], timeout=_PATIENCE_S)
                self._doing.cancel()
        problems = [d for d in done if isinstance(d, Exception)]
        if problems:
            raise problems[0]

    async def _read(self) -> None:
        async for event in self.handler.stream_events(expose_internal=True):
            self._events.append(event)
            self._changed.set()

    async def _act(self) -> None:
        for act in self.case.script[self.progress.acts :]:
            await self._seen(act.after, act.count)
            if self._is_over():
                return  # The next life does it.
            self._doing = asyncio.ensure_future(self._do(act))
            await asyncio.shield(self._doing)

    async def _do(self, act: Act) -> None:
        await act.do(self.handler)
        self.progress.acts += 1

    async def _seen(self, kind: type[Event], count: int) -> None:
        while self._count(kind) < count:
            self._changed.clear()
            await self._changed.wait()

    def _count(self, kind: type[Event]) -> int:
        return sum(type(event) is kind for event in self._events)

    def _is_over(self) -> bool:
        """Whether this life has come to where it is to end."""
        if isinstance(self.until, AfterEvent):
            return self._count(self.until.kind) >= self.until.count
        return self.gate.reached.is_set()

    async def _until_over(self) -> None:
        if isinstance(self.until, AfterEvent):
            await self._seen(self.until.kind, self.until.count)
        else:
            await self.gate.reached.wait()

    async def _store(self) -> str:
        try:
            return text_of(await self.handler.ctx.store.get_state())
        except Exception as e:
            return f"not readable ({text_of(e)})"


async def begin(
    case: Case, runtime: Runtime, progress: Progress, *, is_last: bool = True
) -> Life:
    """Begin a case's run in this process, or go on with it."""
    until = None if is_last else case.interrupt
    gate = Gate(until.place if isinstance(until, AtGate) else None)
    workflow = case.make(runtime)
    if isinstance(workflow, Interruptible):
        workflow.gate = gate
    handler = await case.begin(workflow, progress.run_id, case.start)
    return Life(case, progress, handler, gate, until)
