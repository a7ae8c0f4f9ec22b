from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebook.kernel import Kernel, kernel

DEFINITIONS = """
import asyncio
from pydantic import Field
from workflows import Context, Workflow, step
from workflows.events import (
    Event, HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent,
)

class Go(StartEvent):
    qty: int
    sku: str = "tea"

class Ask(InputRequiredEvent):
    question: str

class Answer(HumanResponseEvent):
    ok: bool = Field(description="may it?")

class Order(Workflow):
    @step
    async def prepare(self, ctx: Context, ev: Go) -> Ask:
        await ctx.store.set("paid", ev.qty)
        return Ask(question=f"{ev.qty} {ev.sku}?")

    @step
    async def finish(self, ctx: Context, ev: Answer) -> StopEvent:
        return StopEvent(result=[await ctx.store.get("paid"), ev.ok])
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel with the extension loaded and a workflow defined."""
    with kernel(tmp_path) as running:
        assert "ready" in running.run("%load_ext durable_notebook")
        running.run(DEFINITIONS)
        yield running
