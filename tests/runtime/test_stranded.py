"""What stands in the way of a run is said, with the way out; nothing waits silently."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import DBOS
from process_lives import live, never, reading, soon, until
from sample_workflows import Answer, Asking, Counted, Counter, Once
from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent, WorkflowIdleEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook._model import Json
from durable_notebook.engine import ExecutorLock
from durable_notebook.errors import (
    ReplayMismatchError,
    StrandedRunError,
    UndefinedClassError,
)
from durable_notebook.journal._entry import Entry
from durable_notebook.journal._timeline import attempts
from durable_notebook.runtime.codec._codec import Codec
from durable_notebook.runtime.codec._serializer import ClosedJsonSerializer
from durable_notebook.store import NewEntry


def leave(url: str) -> None:
    """A run of executor `one`, which waits for an answer when its process ends."""

    async def begin(runtime: DBOSRuntime) -> None:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime))

    def prompts(runtime: DBOSRuntime) -> list[Any]:
        recorded = runtime.store.last_entry("a")
        return [] if recorded is None else recorded.entry.prompts

    live(url, begin, executor_id="one")


def test_a_run_of_a_dead_executor_is_not_waited_for(journal_url: str) -> None:
    leave(journal_url)

    async def another(runtime: DBOSRuntime) -> None:
        with pytest.raises(StrandedRunError) as refused:
            await soon(Asking(runtime=runtime).run(run_id="a"))
        assert refused.value.executor_id == "one"
        with pytest.raises(StrandedRunError):
            await soon(Client(runtime).run("a").result())
        with pytest.raises(StrandedRunError):
            await soon(Client(runtime).start(Asking, run_id="a"))

    async def one(runtime: DBOSRuntime) -> Any:
        await runtime.send("a", Answer(text="Ada"))
        return await soon(Asking(runtime=runtime).run(run_id="a"))

    live(journal_url, another, executor_id="two")

    assert live(journal_url, one, executor_id="one") == "Ada"


async def to_the_question(stream: AsyncIterator[Event]) -> None:
    """Read a stream as far as what is recorded of the run."""
    async for event in stream:
        if isinstance(event, WorkflowIdleEvent):
            return


def test_the_stream_of_a_dead_executors_run_ends_with_the_reason(
    journal_url: str,
) -> None:
    """After what is recorded of it: nobody will add to that."""
    leave(journal_url)

    async def another(runtime: DBOSRuntime) -> None:
        workflow = Asking(runtime=runtime)
        handler = workflow.run(run_id="a")
        for stream in (
            Client(runtime).run("a").events(),
            Client(runtime).run("a").events(after=1),
            handler.stream_events(expose_internal=True),
        ):
            await soon(to_the_question(stream))
            with pytest.raises(StrandedRunError) as refused:
                await soon(anext(stream))
            assert refused.value.executor_id == "one"
        with pytest.raises(StrandedRunError):
            await soon(handler)

    live(journal_url, another, executor_id="two")


def test_the_stream_of_a_run_whose_executor_dies_meanwhile_ends(
    journal_url: str,
) -> None:
    """Whoever holds the lock stands for another process, which then dies."""
    leave(journal_url)

    async def another(runtime: DBOSRuntime) -> None:
        lock = ExecutorLock.take(runtime.store, "one")
        runtime.define(Asking(runtime=runtime))
        stream = Client(runtime).run("a").events()
        await soon(to_the_question(stream))
        more = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        lock.release()

        with pytest.raises(StrandedRunError):
            await soon(more)

    live(journal_url, another, executor_id="two")


def test_an_exact_stream_goes_on_when_another_executor_takes_the_run(
    journal_url: str,
) -> None:
    """It is read from the journal then, for as long as that executor lives."""

    async def lose(runtime: DBOSRuntime) -> None:
        lock = ExecutorLock.take(runtime.store, "two")
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.live("a"))
        stream = runtime.stream("a", is_exact=True)
        await soon(to_the_question(stream))
        more = asyncio.ensure_future(anext(stream))
        with reading(journal_url) as connection:
            connection.execute(
                sa.text("UPDATE workflow_status SET executor_id='two', owner_xid='x'")
            )
            connection.commit()
        await until(lambda: runtime.live("a") is None)
        await until(lambda: runtime.problem("a"))
        entry = Entry(session=9, at=1.0, stream=[as_tree("Hello")])
        last = runtime.store.last_entry("a")
        assert last is not None
        entry.position = last.position + 1
        entry.events = last.entry.events + 1
        new = NewEntry("a", entry.position, "hear", entry.encode(), "x", 1.0, 1.0)
        await asyncio.wrap_future(runtime.store.append(new))

        assert (await soon(more)).text == "Hello"
        lock.release()
        with pytest.raises(StrandedRunError):
            await soon(anext(stream))

    live(journal_url, lose, executor_id="one")


def as_tree(text: str) -> Json:
    """An answer, as an entry has it."""
    return Codec(ClosedJsonSerializer()).event(Answer(text=text))


def test_a_copy_of_a_run_of_a_dead_executor_goes_on(journal_url: str) -> None:
    leave(journal_url)

    async def another(runtime: DBOSRuntime) -> Any:
        client = Client(runtime)
        runtime.define(Asking(runtime=runtime))
        fork = await client.fork("a")
        await fork.answer(text="Eve")
        return await soon(fork.result())

    assert live(journal_url, another, executor_id="two") == "Eve"


def test_a_run_whose_executor_lives_is_waited_for(
    journal_url: str,
) -> None:
    """Whoever holds the lock stands for another process, which then dies."""
    leave(journal_url)

    async def another(runtime: DBOSRuntime) -> None:
        lock = ExecutorLock.take(runtime.store, "one")
        handler = Asking(runtime=runtime).run(run_id="a")
        await runtime.started("a", handler._external_adapter)
        is_waiting = not handler.is_done()
        lock.release()

        with pytest.raises(StrandedRunError):
            await soon(handler)
        assert is_waiting

    live(journal_url, another, executor_id="two")


# -- classes that are not there -------------------------------------------------------


def defined() -> type[Workflow]:
    """A workflow whose events only this function knows."""

    class Note(Event):
        text: str

    class Done(StopEvent):
        text: str

    class Noting(Workflow):
        @step
        async def only(self, ev: StartEvent) -> Done:
            return Done(text="done")

    Noting.note = Note  # type: ignore[attr-defined]
    return Noting


def test_a_result_of_an_undefined_class_names_the_class(journal_url: str) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        await soon(defined()(runtime=runtime, workflow_name="N").run(run_id="n"))

    async def use(runtime: DBOSRuntime) -> Any:
        run = Client(runtime).run("n")
        with pytest.raises(UndefinedClassError) as refused:
            await soon(run.result())
        assert refused.value.name.endswith("Done")
        with pytest.raises(UndefinedClassError):
            assert [event async for event in run.events()]
        runtime.define(defined()(runtime=runtime, workflow_name="N"))
        return (await soon(run.result())).text

    live(journal_url, begin)

    assert live(journal_url, use) == "done"


def test_a_run_that_is_defined_while_it_is_given_up_goes_on(journal_url: str) -> None:
    """DBOS gives it out from a queue of the user, and the cell runs at that moment."""

    async def begin(runtime: DBOSRuntime) -> None:
        Once([], never, runtime=runtime).run(run_id="o", value=1)
        await until(lambda: runtime.live("o"))
        await DBOS.cancel_workflow_async("o")

    async def use(runtime: DBOSRuntime) -> None:
        await DBOS.register_queue_async("theirs", polling_interval_sec=0.01)
        await DBOS.resume_workflow_async("o", queue_name="theirs")
        while "o" not in runtime.undefined():
            await asyncio.sleep(0)

        runtime.define(Once(runtime=runtime))

        await until(lambda: status(runtime, "o") == "SUCCESS")

    live(journal_url, begin)
    live(journal_url, use)


def status(runtime: DBOSRuntime, run_id: str) -> str | None:
    row = runtime.store.run(run_id)
    return None if row is None else row.dbos_status


# -- what never began, and what does not fit -----------------------------------------


def test_a_body_that_never_began_was_not_interrupted(journal_url: str) -> None:
    """An answer may have a turn written before it is over, and the process may die.

    The entry then has the ticks, but not yet the bodies that begin after it.
    """
    log: list[str] = []

    async def begin(runtime: DBOSRuntime) -> None:
        Counter(log, never, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)

    async def use(runtime: DBOSRuntime) -> Any:
        result = await soon(Counter(runtime=runtime).run(run_id="c"))
        entries = runtime.store.entries("c")
        rows = attempts(entries)
        return result, [r.entry.interrupted for r in entries], [r.attempt for r in rows]

    live(journal_url, begin)
    with reading(journal_url) as connection:
        where, body = connection.execute(
            sa.text(
                "SELECT function_id, output FROM operation_outputs"
                " ORDER BY function_id DESC LIMIT 1"
            )
        ).one()
        entry = Entry.decode(body)
        entry.starts = []
        connection.execute(
            sa.text(
                "UPDATE operation_outputs SET output = :output"
                " WHERE function_id = :where"
            ),
            {"output": entry.encode(), "where": where},
        )
        connection.commit()

    result, interrupted, tries = live(journal_url, use)

    assert result == Counted(final_count=5)
    assert not any(interrupted)
    assert set(tries) == {1}


def test_a_step_that_is_gone_is_named_in_words(journal_url: str) -> None:
    def version(name: str) -> type[Workflow]:
        class Versioned(Workflow):
            @step
            async def first(self, ev: StartEvent) -> Middle:
                return Middle()

            @step
            async def last(self, ev: Late) -> StopEvent:
                await never()
                return StopEvent()

        async def body(ev: Middle) -> Late:
            return Late()

        body.__name__ = name
        step(workflow=Versioned)(body)
        return Versioned

    async def begin(runtime: DBOSRuntime) -> None:
        version("first_name")(runtime=runtime, workflow_name="V").run(run_id="v")
        await until(lambda: len(runtime.store.entries("v")) == 3)

    async def use(runtime: DBOSRuntime) -> str:
        workflow = version("second_name")(runtime=runtime, workflow_name="V")
        with pytest.raises(ReplayMismatchError) as refused:
            await soon(workflow.run(run_id="v"))
        return str(refused.value)

    live(journal_url, begin)
    said = live(journal_url, use)

    assert "it needs 'first_name', which is not there" in said


class Middle(Event):
    pass


class Late(Event):
    pass
