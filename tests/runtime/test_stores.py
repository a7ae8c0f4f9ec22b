"""`ctx.store` of a durable run, and what of it is in the journal."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from process_lives import launched, live, never, soon, until
from pydantic import BaseModel
from sample_workflows import Appending, Logged, Shopping, Tick
from workflows import Context, Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook._model import Json


def changes(runtime: DBOSRuntime, run_id: str) -> list[list[Json]]:
    """The store changes of each entry that has some."""
    entries = [r.entry for r in runtime.store.entries(run_id)]
    return [entry.store for entry in entries if entry.store]


async def test_a_typed_store_keeps_its_type(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        result = await soon(Shopping(runtime=runtime).run(run_id="s"))

    assert result == ["Basket", ["pear", "plum"], 3.5]


def test_a_typed_store_is_brought_back(journal_url: str) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        Shopping(gate=never, runtime=runtime).run(run_id="s")
        await until(lambda: changes(runtime, "s"))

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(Shopping(runtime=runtime).run(run_id="s"))

    live(journal_url, begin)

    assert live(journal_url, use) == ["Basket", ["pear", "plum"], 3.5]


async def test_only_what_changed_is_written(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await soon(Shopping(runtime=runtime).run(run_id="s"))

        first, second = changes(runtime, "s")

    paths = [op["path"].rpartition("/value")[2] for op in second]
    assert {op["op"] for op in first} == {"add", "replace"}
    assert sorted(paths) == ["/items/1", "/total"]


async def test_a_list_that_was_changed_in_place_is_journalled(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        await soon(Appending(runtime=runtime).run(run_id="a"))

        first, second = changes(runtime, "a")

    assert [(op["op"], op["value"]) for op in first] == [("add", ["a"])]
    assert [(op["op"], op["value"]) for op in second] == [("add", "b")]


class Mutating(Workflow):
    """Changes what it got from the store, and never sets it."""

    @step
    async def first(self, ctx: Context, ev: StartEvent) -> Tick:
        await ctx.store.set("deep", {"items": []})
        return Tick(count=0)

    @step
    async def second(self, ctx: Context, ev: Tick) -> Tick | StopEvent:
        deep = await ctx.store.get("deep")
        deep["items"].append(ev.count)
        if ev.count == 2:
            return StopEvent(result=deep)
        return Tick(count=ev.count + 1)


async def test_a_change_in_place_is_journalled_without_a_set(journal_url: str) -> None:
    """As in the default runtime, where such a change is seen by the next step."""
    async with launched(journal_url) as runtime:
        result = await soon(Mutating(runtime=runtime).run(run_id="m"))

        journalled = changes(runtime, "m")

    assert result == {"items": [0, 1, 2]}
    assert [ops[0]["value"] for ops in journalled[1:]] == [0, 1, 2]


class Keeping(Workflow):
    """Sets a value in one step, and gives it back in the next."""

    value: Any
    gate: Any = None

    @step
    async def first(self, ctx: Context, ev: StartEvent) -> Tick:
        await ctx.store.set("before", 1)
        await ctx.store.set("value", self.value)
        return Tick(count=1)

    @step
    async def second(self, ctx: Context, ev: Tick) -> StopEvent:
        if self.gate is not None:
            await self.gate()
        return StopEvent(result=[await ctx.store.get("value")])


class Point(BaseModel):
    x: int
    tags: dict[str, list[int]] = {}


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text \U0001f600 \u2028 \x01",
        -(2**70),
        1e-300,
        [],
        {"": {"a/b": 1, "c~d": {"e.f": [None, True]}}},
        [Point(x=1, tags={"t": [1, 2]}), {"p": Point(x=2)}],
        ["x" * 100_000],
    ],
    ids=["none", "text", "large", "small", "empty", "keys", "models", "long"],
)
def test_a_value_is_the_same_in_the_next_life(journal_url: str, value: Any) -> None:
    def keeping(runtime: DBOSRuntime, **attributes: Any) -> Keeping:
        workflow = Keeping(runtime=runtime)
        workflow.value = value
        vars(workflow).update(attributes)
        return workflow

    async def begin(runtime: DBOSRuntime) -> None:
        keeping(runtime, gate=never).run(run_id="k")
        await until(lambda: changes(runtime, "k"))

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(keeping(runtime).run(run_id="k"))

    live(journal_url, begin)

    assert live(journal_url, use) == [value]


async def test_paths_and_removals_are_journalled(journal_url: str) -> None:
    class Editing(Workflow):
        @step
        async def first(self, ctx: Context, ev: StartEvent) -> Tick:
            await ctx.store.set("user.name", "Ada")
            await ctx.store.set("user.langs", ["en", "fr"])
            return Tick(count=1)

        @step
        async def second(self, ctx: Context, ev: Tick) -> StopEvent:
            await ctx.store.set("user.langs.0", "de")
            async with ctx.store.edit_state() as state:
                del state["user"]["name"]
            return StopEvent(result=await ctx.store.get("user"))

    async with launched(journal_url) as runtime:
        result = await soon(Editing(runtime=runtime).run(run_id="e"))

        journalled = changes(runtime, "e")

    assert result == {"langs": ["de", "fr"]}
    assert {op["op"] for op in journalled[1]} <= {"replace", "remove"}


async def test_a_run_that_only_reads_writes_no_changes(journal_url: str) -> None:
    class Reading(Workflow):
        @step
        async def only(self, ctx: Context, ev: StartEvent) -> StopEvent:
            return StopEvent(result=await ctx.store.get("nothing", default="default"))

    async with launched(journal_url) as runtime:
        result = await soon(Reading(runtime=runtime).run(run_id="r"))

        assert result == "default"
        assert changes(runtime, "r") == []


VALUES = {
    "int keys": {1: "one", "inner": [{2: ("two",)}]},
    "tuple": (1, [2, (3,)]),
    "set": {1, 2},
    "time": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    "bytes": b"\x00\xff",
    "money": Decimal("1.10"),
    "marked": {"__is": "no mark of ours"},
}


class Done(Event):
    pass


# Bytes that are no text are refused in an event, with its name and the field's.
SENT = {name: value for name, value in VALUES.items() if name != "bytes"}


class Varied(Logged):
    """Stores values, then changes one deep inside of what no path leads to."""

    @step
    async def fill(self, ctx: Context, ev: StartEvent) -> Tick:
        for name, value in VALUES.items():
            await ctx.store.set(name, deepcopy(value))
        return Tick(count=1)

    @step
    async def change(self, ctx: Context, ev: Tick) -> Done:
        async with ctx.store.edit_state() as state:
            state["int keys"][3] = "three"
        return Done(**SENT)

    @step
    async def read(self, ctx: Context, ev: Done) -> StopEvent:
        await self.pass_gate()
        stored = dict((await ctx.store.get_state()).items())
        stored["bytes"] = stored["bytes"].hex()
        return StopEvent(result=[stored, dict(ev.items())])


def test_values_that_json_does_not_have_come_back_as_they_were(
    journal_url: str,
) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        Varied(gate=never, runtime=runtime).run(run_id="v")
        await until(lambda: len(changes(runtime, "v")) == 2)

    async def use(runtime: DBOSRuntime) -> Any:
        return await soon(Varied(runtime=runtime).run(run_id="v"))

    live(journal_url, begin)

    keys = {**VALUES["int keys"], 3: "three"}
    changed = {**VALUES, "int keys": keys, "bytes": "00ff"}
    assert live(journal_url, use) == [changed, SENT]
    assert live(journal_url, use) == [changed, SENT]


class Remembering(Logged):
    """Keeps something in the store, and something beside it."""

    seen = "nothing"

    @step
    async def first(self, ctx: Context, ev: StartEvent) -> Tick:
        self.seen = "something"
        await ctx.store.set("seen", "something")
        return Tick(count=1)

    @step
    async def second(self, ctx: Context, ev: Tick) -> StopEvent:
        await self.pass_gate()
        return StopEvent(result=[self.seen, await ctx.store.get("seen")])


def test_what_is_not_in_the_store_is_not_kept(journal_url: str) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        Remembering(gate=never, runtime=runtime).run(run_id="r")
        await until(lambda: changes(runtime, "r"))

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(Remembering(runtime=runtime).run(run_id="r"))

    live(journal_url, begin)

    assert live(journal_url, use) == ["nothing", "something"]
