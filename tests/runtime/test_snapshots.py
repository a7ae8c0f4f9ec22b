"""Resuming gives the same from a snapshot as from the whole journal."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import sqlalchemy as sa
from process_lives import add, launched, live, never, reading, soon, until
from sample_workflows import (
    Answer,
    Approval,
    Approving,
    AskingTwice,
    Counted,
    Counter,
    FanOut,
    Retrying,
    Shopping,
)
from workflows import Context, Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook.runtime.recovery import _snapshots
from durable_notebook.runtime.recovery._reduction import Reduction


class Piece(Event):
    number: int


class Done(Event):
    number: int


class Collecting(Workflow):
    """A typed fan-out: streams, bindings and release states."""

    @step
    async def split(self, ev: StartEvent) -> list[Piece]:
        return [Piece(number=number) for number in range(4)]

    @step(num_workers=2)
    async def work(self, ctx: Context, ev: Piece) -> Done:
        await ctx.store.set(f"seen {ev.number}", ev.number)
        await asyncio.sleep(0)
        return Done(number=ev.number)

    @step
    async def join(self, ev: list[Done]) -> StopEvent:
        return StopEvent(result=sorted(done.number for done in ev))


ANSWERS = {
    AskingTwice: [Answer(text="one"), Approval(by="two", number=2)],
    Approving: [Approval(by="Eve", number=6), Approval(by="Ada", number=7)],
}
KINDS = [Counter, FanOut, Collecting, Shopping, Retrying, AskingTwice, Approving]


async def journal_of(runtime: DBOSRuntime, kind: type[Workflow]) -> Workflow:
    """Run one to its end, with the answers it asks for."""
    workflow = kind(runtime=runtime)
    handler = workflow.run(run_id="r")
    for answer in ANSWERS.get(kind, []):
        await answered(runtime, answer)
    await soon(handler)
    return workflow


async def answered(runtime: DBOSRuntime, answer: Event) -> None:
    """Answer the next question, and wait until an entry tells of it."""
    last = runtime.store.last_entry
    await until(lambda: (e := last("r")) is not None and e.entry.prompts)
    before = last("r")
    await runtime.post("r", add(answer))
    await until(lambda: last("r") != before)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_snapshot_at_any_position_changes_nothing(
    journal_url: str, kind: type[Workflow]
) -> None:
    async with launched(journal_url) as runtime:
        definition = runtime.define(await journal_of(runtime, kind))
        row = runtime.store.run("r")
        entries = runtime.store.entries("r")
        whole = Reduction.first("r", definition, row.input)
        snapshots = []
        for recorded in entries:
            whole.next(recorded)
            snapshots.append(whole.snapshot())

    assert len(snapshots) > 1
    for position, text in enumerate(snapshots):
        partial = Reduction.read("r", definition, text)
        assert partial.snapshot() == text
        for recorded in entries[position + 1 :]:
            partial.next(recorded)
            assert partial.snapshot() == snapshots[recorded.position]


def settings(url: str) -> Settings:
    return Settings(database_url=url, snapshot_every=3)


def snapshots(url: str) -> list[Any]:
    with reading(url) as database:
        rows = database.execute(sa.text("SELECT body FROM durable_snapshot"))
        return [body for (body,) in rows]


def put_snapshot(url: str, body: str) -> None:
    """Change it behind the store's back."""
    with reading(url) as database:
        change = sa.text("UPDATE durable_snapshot SET body = :body")
        database.execute(change, {"body": body})
        database.commit()


def begin_counter(url: str) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        log: list[str] = []
        Counter(log, never, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)
        await until(lambda: runtime.store.snapshot("c") is not None)

    live(url, begin, settings=settings(url))


def finish_counter(url: str) -> list[str]:
    log: list[str] = []

    async def use(runtime: DBOSRuntime) -> object:
        handler = Counter(log, runtime=runtime).run(run_id="c")
        events = [event async for event in handler.stream_events()]
        assert [getattr(e, "count", None) for e in events] == [1, 2, 3, 4, 5, None]
        return await soon(handler)

    assert live(url, use, settings=settings(url)) == Counted(final_count=5)
    return log


def test_a_run_goes_on_from_its_snapshot(journal_url: str) -> None:
    begin_counter(journal_url)

    log = finish_counter(journal_url)

    assert log == ["increment 3", "increment 4"]
    assert len(snapshots(journal_url)) == 1


def test_entries_before_the_snapshot_are_not_read(journal_url: str) -> None:
    """What is not read cannot make resuming slower."""
    begin_counter(journal_url)
    reads: list[int] = []

    async def use(runtime: DBOSRuntime) -> None:
        entries = runtime.store.entries

        def counted(run_id: str, after: int = -1) -> Any:
            reads.append(after)
            return entries(run_id, after)

        runtime.store.entries = counted  # type: ignore[method-assign]
        await soon(Counter(runtime=runtime).run(run_id="c"))

    live(journal_url, use, settings=settings(journal_url))

    assert min(reads) > 0


@pytest.mark.parametrize("damage", ["{", '{"v":99}', '{"v":1,"context":3}'])
def test_a_snapshot_that_cannot_be_read_is_passed_over(
    journal_url: str, damage: str
) -> None:
    begin_counter(journal_url)
    put_snapshot(journal_url, damage)

    log = finish_counter(journal_url)

    assert log == ["increment 3", "increment 4"]


def test_a_snapshot_of_another_past_is_passed_over(journal_url: str) -> None:
    """As after a rewind: the entry it was made of is not the one at its place."""
    begin_counter(journal_url)
    (text,) = snapshots(journal_url)
    body = json.loads(text)
    body["at"], body["context"]["is_running"] = 1.5, False
    put_snapshot(journal_url, json.dumps(body))

    log = finish_counter(journal_url)

    assert log == ["increment 3", "increment 4"]


async def test_only_the_owner_writes_a_snapshot(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        Counter([], never, runtime=runtime).run(run_id="c")
        await until(lambda: runtime.store.last_entry("c") is not None)

        with pytest.raises(Exception, match="'c'"):
            runtime.store.put_snapshot("c", "somebody", "{}").result(timeout=10)

        assert runtime.store.snapshot("c") is None


class Loop(Event):
    count: int


class Looping(Workflow):
    """Steps that never pause."""

    @step
    async def first(self, ev: StartEvent) -> Loop:
        return Loop(count=1)

    @step
    async def again(self, ev: Loop) -> Loop | StopEvent:
        if ev.count == 40:
            return StopEvent(result=ev.count)
        return Loop(count=ev.count + 1)


async def test_a_run_that_never_pauses_has_snapshots_too(journal_url: str) -> None:
    class Watched(Looping):
        @step
        async def again(self, ev: Loop) -> Loop | StopEvent:
            # Not before one is there: it is made beside the steps.
            is_there = runtime.store.snapshot("c") is not None
            return StopEvent() if is_there else Loop(count=ev.count + 1)

    async with launched(journal_url, settings=settings(journal_url)) as runtime:
        await soon(Watched(runtime=runtime).run(run_id="c"))

        written = json.loads(runtime.store.snapshot("c") or "{}")

    assert written["position"] >= 3 * 4 - 1


async def test_a_run_that_ends_without_a_pause_has_none(
    journal_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would ever read it."""
    # On a busy machine a step may take as long as a pause: here none does.
    monkeypatch.setattr(_snapshots, "_PAUSE_S", 60)
    every = Settings(database_url=journal_url, snapshot_every=20)
    async with launched(journal_url, settings=every) as runtime:
        await soon(Looping(runtime=runtime).run(run_id="c"))

        assert len(runtime.store.entries("c")) > 20
        assert runtime.store.snapshot("c") is None
