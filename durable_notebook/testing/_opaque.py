"""Cases of values that cannot be stored: a runtime that stores may refuse them."""

from __future__ import annotations

from typing import Any

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


CASES = (
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
