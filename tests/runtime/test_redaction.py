"""A secret is in memory, and nowhere in the database."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from process_lives import add, launched, live, never, reading, soon, until
from pydantic import BaseModel, SecretStr
from workflows import Context, Workflow, step
from workflows.events import (
    Event,
    HumanResponseEvent,
    InputRequiredEvent,
    StartEvent,
    StopEvent,
)

from durable_notebook import DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook.errors import ConfigError
from durable_notebook.runtime.codec._redaction import MASK, Redaction

SECRET = "hunter2-in-clear"


class Login(StartEvent):
    password: str


class Inner(BaseModel):
    password: str
    user: str


class Passed(Event):
    inner: Inner
    token: SecretStr


class WhichPin(InputRequiredEvent):
    pass


class Pin(HumanResponseEvent):
    password: str


class Spy(Workflow):
    """Handles a secret in every place that a journal has."""

    seen: list[Any]
    gate: Any = None

    @step
    async def begin(self, ctx: Context, ev: Login) -> Passed:
        await ctx.store.set("password", ev.password)
        await ctx.store.set("odd", {1: "one", "password": ev.password})
        await ctx.store.set("nested", {"a": [{"password": ev.password, "b": 1}]})
        ctx.write_event_to_stream(Pin(password=ev.password))
        self.seen.append(ev.password)
        inner = Inner(password=ev.password, user="ada")
        return Passed(inner=inner, token=SecretStr(ev.password))

    @step
    async def ask(self, ev: Passed) -> WhichPin:
        self.seen.append(ev.inner.password)
        self.seen.append(ev.token.get_secret_value())
        return WhichPin()

    @step
    async def hear(self, ctx: Context, ev: Pin) -> StopEvent:
        self.seen.append(ev.password)
        self.seen.append(await ctx.store.get("password"))
        if self.gate is not None:
            await self.gate()
        return StopEvent(result={"password": ev.password, "user": "ada"})


def settings(url: str) -> Settings:
    return Settings(database_url=url, redact=("password",), snapshot_every=1)


async def ask_and_answer(runtime: DBOSRuntime, gate: Any = None) -> tuple[Any, Any]:
    workflow = Spy(runtime=runtime)
    workflow.seen, workflow.gate = [], gate
    handler = workflow.run(run_id="s", password=SECRET)
    await until(lambda: (e := runtime.store.last_entry("s")) and e.entry.prompts)
    await runtime.post("s", add(Pin(password=SECRET)))
    await until(lambda: len(workflow.seen) == 5)
    return workflow, handler


def text_of(url: str) -> str:
    with reading(url) as database:
        tables = sa.inspect(database).get_table_names()
        found = [database.execute(sa.text(f"SELECT * FROM {t}")) for t in tables]
        return "\n".join(str(tuple(row)) for rows in found for row in rows)


async def test_nothing_of_a_secret_is_left_on_disk(journal_url: str) -> None:
    async with launched(journal_url, settings=settings(journal_url)) as runtime:
        workflow, handler = await ask_and_answer(runtime)

        result = await soon(handler)

    assert workflow.seen == [SECRET] * 5
    assert result["password"] == SECRET
    assert SECRET not in text_of(journal_url)
    assert text_of(journal_url).count(MASK) > 5
    assert "ada" in text_of(journal_url)


def test_after_a_restart_the_run_finds_the_mask(journal_url: str) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        await ask_and_answer(runtime, never)
        await until(lambda: runtime.store.mail("s", 0)[0].tick == "")

    async def use(runtime: DBOSRuntime) -> list[Any]:
        workflow = Spy(runtime=runtime)
        workflow.seen = []
        await soon(workflow.run(run_id="s", password="again"))
        return workflow.seen

    live(journal_url, begin, settings=settings(journal_url))

    assert live(journal_url, use, settings=settings(journal_url)) == [MASK, MASK]


def test_a_value_that_is_no_text_keeps_its_kind() -> None:
    redaction = Redaction(["x"])

    values = [None, "a", 3, 2.5, True, [1], {"a": 1}]

    masked = [redaction.tree({"x": value})["x"] for value in values]
    assert masked == [None, MASK, 0, 0.0, False, [], {}]
    assert list(map(type, masked)) == list(map(type, values))


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        ({"op": "add", "path": "/a/x", "value": "s"}, MASK),
        ({"op": "replace", "path": "/x/0/b", "value": 5}, 0),
        (
            {"op": "add", "path": "/a", "value": {"x": "s", "y": "t"}},
            {"x": MASK, "y": "t"},
        ),
        ({"op": "add", "path": "/xx", "value": "s"}, "s"),
        ({"op": "add", "path": "/a~1x", "value": "s"}, "s"),
    ],
)
def test_paths_of_a_patch_have_names_too(operation: Any, value: Any) -> None:
    assert Redaction(["x"]).patch([operation]) == [{**operation, "value": value}]


def test_one_text_is_not_taken_for_a_list_of_names() -> None:
    with pytest.raises(ConfigError, match=r"redact=\('password',\)"):
        DBOSRuntime(redact="password")
