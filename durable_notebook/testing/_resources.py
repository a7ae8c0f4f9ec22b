"""Cases of what bodies are given beside their events: resources, configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel
from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent
from workflows.resource import Resource, ResourceConfig

from durable_notebook.testing._case import Case, Interruptible, made_from

_FILE = str(Path(__file__).with_name("resources.json"))
_NO_FILE = str(Path(__file__).with_name("no-such-file.json"))


class Next(Event):
    number: int


class Memory:
    """A resource."""

    def __init__(self) -> None:
        self.calls = 0


def make_memory() -> Memory:
    """Make the resource."""
    return Memory()


async def make_name(memory: Annotated[Memory, Resource(make_memory)]) -> str:
    """Make one that depends on another."""
    memory.calls += 1
    return f"name {memory.calls}"


class Resourceful(Interruptible):
    """Resources: one kept, one made anew each time, one that needs another."""

    @step
    async def first(
        self,
        ev: StartEvent,
        kept: Annotated[Memory, Resource(make_memory)],
        fresh: Annotated[Memory, Resource(make_memory, cache=False)],
    ) -> Next:
        kept.calls += 1
        return Next(number=kept.calls + fresh.calls)

    @step
    async def second(
        self, ev: Next, name: Annotated[str, Resource(make_name)]
    ) -> StopEvent:
        await self.passing()
        return StopEvent(result=[ev.number, name.split()[0]])


class Model(BaseModel):
    """A configuration."""

    name: str
    limit: int


def make_sentence(
    model: Annotated[Model, ResourceConfig(_FILE, "models.small")],
) -> str:
    """Make a resource that depends on a configuration."""
    return f"{model.name} up to {model.limit}"


class Configured(Interruptible):
    """Configurations: a file, a part of it, one that a resource needs."""

    @step
    async def first(
        self, ev: StartEvent, whole: Annotated[Model, ResourceConfig(_FILE)]
    ) -> Next:
        return Next(number=whole.limit)

    @step
    async def second(
        self,
        ev: Next,
        whole: Annotated[Model, ResourceConfig(_FILE)],
        part: Annotated[
            Model,
            ResourceConfig(
                _FILE, "models.small", label="Model", description="Which, and how much"
            ),
        ],
        sentence: Annotated[str, Resource(make_sentence)],
    ) -> StopEvent:
        await self.passing()
        return StopEvent(result=[ev.number, whole.name, part.limit, sentence])


class Misconfigured(Workflow):
    """A configuration that lacks a field; a run of it is refused."""

    @step
    async def only(
        self,
        ev: StartEvent,
        part: Annotated[Model, ResourceConfig(_FILE, "models.broken")],
    ) -> StopEvent:
        return StopEvent(result=part.limit)


class Unconfigured(Workflow):
    """A configuration whose file is not there; a run of it is refused."""

    @step
    async def only(
        self, ev: StartEvent, whole: Annotated[Model, ResourceConfig(_NO_FILE)]
    ) -> StopEvent:
        return StopEvent(result=whole.limit)


CASES = (
    Case("resources", made_from(Resourceful)),
    Case("configurations", made_from(Configured)),
    *(
        Case(f"a configuration that {what}", made_from(kind), interrupt=None)
        for what, kind in (
            ("lacks a field", Misconfigured),
            ("is not there", Unconfigured),
        )
    ),
)
