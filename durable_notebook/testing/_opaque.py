"""Cases of values that cannot be stored: a runtime that stores may refuse them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from workflows import Context, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook.testing._case import Case, Interruptible, made_from


class Opaque:
    """What JSON cannot hold."""


class Holding(Event):
    """An event with anything in it."""

    payload: Any


class Unstorable(Interruptible):
    """Makes what JSON cannot hold, here or there."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Holding:
        if ev.where == "store":
            await ctx.store.set("opaque", Opaque())
        if ev.where == "stream":
            ctx.write_event_to_stream(Holding(payload=Opaque()))
        return Holding(payload=Opaque() if ev.where == "event" else 1)

    @step
    async def end(self, ev: Holding) -> StopEvent:
        return StopEvent(result=Opaque() if ev.payload == 1 else None)


class Handles(BaseModel):
    """A typed store that can hold anything."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    handle: Opaque | None = None
    number: int = 0


class UnstorableState(Interruptible):
    """Puts what JSON cannot hold into a typed store."""

    @step
    async def start(self, ctx: Context[Handles], ev: StartEvent) -> Holding:
        async with ctx.store.edit_state() as state:
            state.handle, state.number = Opaque(), 1
        return Holding(payload=1)

    @step
    async def end(self, ctx: Context[Handles], ev: Holding) -> StopEvent:
        return StopEvent(result=(await ctx.store.get_state()).number)


class Given(Interruptible):
    """Is given what JSON cannot hold."""

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        return StopEvent(result=type(ev.payload).__name__)


class Collecting(Interruptible):
    """Sends, and collects, what JSON cannot hold."""

    @step
    async def start(self, ctx: Context, ev: StartEvent) -> Holding | None:
        for payload in (1, Opaque()):
            ctx.send_event(Holding(payload=payload))
        return None

    @step(num_workers=1)
    async def join(self, ctx: Context, ev: Holding) -> StopEvent | None:
        held = ctx.collect_events(ev, [Holding] * 2)
        return StopEvent(result=len(held)) if held else None


CASES = (
    Case(
        "an unstorable typed state",
        made_from(UnstorableState),
        interrupt=None,
        may_refuse="ctx.store['handle']",
    ),
    Case(
        "an unstorable start event",
        made_from(Given),
        start={"payload": Opaque()},
        interrupt=None,
        may_refuse="StartEvent.payload",
    ),
    Case(
        "an unstorable event that is sent",
        made_from(Collecting),
        interrupt=None,
        may_refuse="Holding.payload",
    ),
    *(
        Case(
            f"an unstorable {where}",
            made_from(Unstorable),
            start={"where": where},
            interrupt=None,
            may_refuse=name,
        )
        for where, name in (
            ("event", "Holding.payload"),
            ("stream", "Holding.payload"),
            ("store", "ctx.store['opaque']"),
            ("result", "StopEvent.result"),
        )
    ),
)
