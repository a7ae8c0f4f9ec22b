"""What is set going again from a position: its messages and its deadlines."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from dbos import DBOS
from process_lives import add, launched, live, soon, until
from sample_workflows import (
    Answer,
    Approval,
    Asking,
    AskingTwice,
    Logged,
    OutOfPaperError,
    Question,
    Tick,
)
from workflows import Context, step
from workflows.errors import WorkflowCancelledByUser
from workflows.events import Event, StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook.errors import (
    InvalidPositionError,
    UnfinishedRunError,
    UnknownRunError,
)
from durable_notebook.store import open_store

HOUR_S = 3600.0


def prompts(runtime: DBOSRuntime, run_id: str) -> list[Any]:
    recorded = runtime.store.last_entry(run_id)
    return [] if recorded is None else recorded.entry.prompts


async def asked(runtime: DBOSRuntime, run_id: str, waiter: str | None) -> None:
    """Wait until a live run asks this."""
    await until(
        lambda: (
            runtime.live(run_id) is not None
            and [p["waiter"] for p in prompts(runtime, run_id)] == [waiter]
        )
    )


def asks_at(runtime: DBOSRuntime, run_id: str, waiter: str | None) -> int:
    """The position of the entry that asks a question."""
    return next(
        r.position
        for r in runtime.store.entries(run_id)
        if [p["waiter"] for p in r.entry.prompts] == [waiter]
    )


async def rewind(run_id: str, kept: int) -> None:
    """Put a run back to its first entries; DBOS counts from 1."""
    await DBOS.rewind_workflow_async(run_id, start_step=kept + 1)


def is_status(runtime: DBOSRuntime, run_id: str, status: str) -> bool:
    row = runtime.store.run(run_id)
    return row is not None and row.dbos_status == status


async def answered_twice(client: Client, *answers: str) -> None:
    """A run of two questions that has ended."""
    run = await client.start(AskingTwice, run_id="a")
    await asked(client.runtime, "a", "first")
    await run.answer(text=answers[0])
    await asked(client.runtime, "a", "second")
    await run.answer(by=answers[1], number=1)
    assert await soon(run.result()) == list(answers)
    await until(lambda: is_status(client.runtime, "a", "SUCCESS"))


# -- messages -----------------------------------------------------------------------


async def test_a_run_that_is_rewound_to_before_its_answers_asks_again(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        await answered_twice(client, "Ada", "Bob")

        await rewind("a", asks_at(runtime, "a", "first") + 1)
        await asked(runtime, "a", "first")
        await client.answer("a", {"text": "Eve"})
        await asked(runtime, "a", "second")
        await client.answer("a", {"by": "Zoe", "number": 2})

        assert await soon(client.run("a").result()) == ["Eve", "Zoe"]


async def test_a_rewound_run_keeps_the_answers_before_its_position(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        await answered_twice(client, "Ada", "Bob")

        await rewind("a", asks_at(runtime, "a", "second") + 1)
        await asked(runtime, "a", "second")
        await client.answer("a", {"by": "Zoe", "number": 2})

        assert await soon(client.run("a").result()) == ["Ada", "Zoe"]


async def test_a_run_that_is_rewound_to_its_beginning_asks_again(
    journal_url: str,
) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        run = await client.start(Asking(log, runtime=runtime), run_id="a")
        await asked(runtime, "a", None)
        await run.answer(text="Ada")
        assert await soon(run.result()) == "Ada"
        await until(lambda: is_status(runtime, "a", "SUCCESS"))

        await rewind("a", 0)
        await asked(runtime, "a", None)
        await run.answer(text="Eve")

        assert await soon(run.result()) == "Eve"
    assert log == ["ask", "hear Ada", "ask", "hear Eve"]


def test_a_rewound_run_asks_again_in_a_later_life(journal_url: str) -> None:
    async def begin(runtime: DBOSRuntime) -> int:
        await answered_twice(Client(runtime), "Ada", "Bob")
        await rewind("a", asks_at(runtime, "a", "first") + 1)
        return 0

    async def ask(runtime: DBOSRuntime) -> None:
        runtime.define(AskingTwice(runtime=runtime))
        await asked(runtime, "a", "first")

    async def use(runtime: DBOSRuntime) -> Any:
        runtime.define(AskingTwice(runtime=runtime))
        await asked(runtime, "a", "first")
        await Client(runtime).answer("a", {"text": "Eve"})
        await asked(runtime, "a", "second")
        await Client(runtime).answer("a", {"by": "Zoe", "number": 2})
        return await soon(Client(runtime).run("a").result())

    live(journal_url, begin)
    live(journal_url, ask)

    assert live(journal_url, use) == ["Eve", "Zoe"]


def test_a_rewound_run_asks_again_though_it_was_taken_by_a_process_that_died(
    journal_url: str,
) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        await answered_twice(Client(runtime), "Ada", "Bob")
        await rewind("a", asks_at(runtime, "a", "second") + 1)

    async def use(runtime: DBOSRuntime) -> Any:
        runtime.define(AskingTwice(runtime=runtime))
        await asked(runtime, "a", "second")
        await Client(runtime).answer("a", {"by": "Zoe", "number": 2})
        return await soon(Client(runtime).run("a").result())

    live(journal_url, begin)
    store = open_store(journal_url, Settings())
    is_taken = store.claim("a", "local", "of a process that died").result(timeout=10)
    store.close()

    assert is_taken
    assert live(journal_url, use) == ["Ada", "Zoe"]


def posted(runtime: DBOSRuntime, run_id: str, event: Event) -> None:
    """A message that arrived when nobody executed the run."""
    codec = runtime.define(AskingTwice(runtime=runtime)).codec
    runtime.store.post(run_id, json.dumps(codec.tick(add(event)))).result(timeout=10)


async def cancelled_with(
    client: Client, answered: tuple[str, ...], unheard: Event
) -> None:
    """A run of two questions that ended as cancelled, and a message nobody heard."""
    runtime = client.runtime
    run = await client.start(AskingTwice, run_id="a")
    await asked(runtime, "a", "first")
    for text in answered:
        await run.answer(text=text)
        await asked(runtime, "a", "second")
    await DBOS.cancel_workflow_async("a")
    with pytest.raises(WorkflowCancelledByUser):
        await soon(run.result())
    await until(lambda: runtime.live("a") is None)
    posted(runtime, "a", unheard)


@pytest.mark.parametrize("before", [0, 1])
async def test_a_message_that_was_not_consumed_is_heard_after_a_rewind(
    journal_url: str, before: int
) -> None:
    """At its question, and while the body repeats that is about to ask it."""
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        await cancelled_with(client, (), Answer(text="Ada"))

        await rewind("a", asks_at(runtime, "a", "first") + before)
        await asked(runtime, "a", "second")
        await client.answer("a", {"by": "Zoe", "number": 2})

        assert await soon(client.run("a").result()) == ["Ada", "Zoe"]


async def test_only_what_was_consumed_is_taken_back(journal_url: str) -> None:
    """The answer to the first question was, that to the second one was not."""
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        await cancelled_with(client, ("Ada",), Approval(by="Bo", number=3))
        (first, second) = runtime.store.mail("a", 0)

        await rewind("a", asks_at(runtime, "a", "first") + 1)
        await asked(runtime, "a", "first")

        assert runtime.store.mail("a", 0) == [second]
        assert first.sequence < second.sequence


async def test_a_message_that_was_not_consumed_is_heard_after_a_resume(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        await cancelled_with(client, (), Answer(text="Ada"))

        await DBOS.resume_workflow_async("a")
        await asked(runtime, "a", "second")
        await client.answer("a", {"by": "Zoe", "number": 2})

        assert await soon(client.run("a").result()) == ["Ada", "Zoe"]


# -- by the client ------------------------------------------------------------------


async def test_the_client_rewinds_a_run_that_has_just_ended(journal_url: str) -> None:
    """It need not wait until DBOS has recorded the end too."""
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        run = await client.start(Asking, run_id="a")
        for answer in ("Ada", "Bob", "Eve"):
            await asked(runtime, "a", None)
            await run.answer(text=answer)
            assert await soon(run.result()) == answer

            run = await soon(client.rewind("a", 0))


async def test_the_client_rewinds_to_the_position_of_a_question(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        await answered_twice(client, "Ada", "Bob")

        run = await client.rewind("a", asks_at(runtime, "a", "second") + 1)
        await asked(runtime, "a", "second")
        await run.answer(by="Zoe", number=2)

        assert await soon(run.result()) == ["Ada", "Zoe"]


class FailsOnce(Logged):
    """Two steps, of which the second fails the first time."""

    @step
    async def first(self, ev: StartEvent) -> Tick:
        self.log.append("first")
        return Tick(count=1)

    @step
    async def second(self, ev: Tick) -> StopEvent:
        self.log.append("second")
        if self.log.count("second") == 1:
            raise OutOfPaperError("tray 2 is empty")
        return StopEvent(result="printed")


async def test_a_failed_run_tries_its_last_step_again(journal_url: str) -> None:
    log: list[str] = []
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        run = await client.start(FailsOnce(log, runtime=runtime), run_id="f")
        with pytest.raises(OutOfPaperError):
            await soon(run.result())

        await client.rewind("f")

        assert await soon(run.result()) == "printed"
    assert log == ["first", "second", "second"]


@pytest.mark.parametrize("idle_timeout", [None, 0.0])
async def test_a_run_that_has_not_ended_is_not_rewound(
    journal_url: str, idle_timeout: float | None
) -> None:
    """Whether it waits in memory or out of it."""
    async with launched(journal_url, idle_timeout=idle_timeout) as runtime:
        client = Client(runtime)
        run = await client.start(Asking, run_id="a")
        await until(lambda: prompts(runtime, "a"))

        with pytest.raises(UnfinishedRunError):
            await soon(client.rewind("a", 0))
        await run.answer(text="Ada")

        assert await soon(run.result()) == "Ada"


async def test_a_run_is_rewound_to_a_position_that_it_has(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        await answered_twice(client, "Ada", "Bob")
        last = runtime.store.last_entry("a")
        assert last is not None

        with pytest.raises(InvalidPositionError) as refused:
            await client.rewind("a", last.position + 1)
        with pytest.raises(UnknownRunError):
            await client.rewind("b", 0)

        assert refused.value.last == last.position
        assert await soon(client.run("a").result()) == ["Ada", "Bob"]


# -- deadlines ----------------------------------------------------------------------


class Hurried(Logged):
    """Waits an hour for an answer, and gives up."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        try:
            answer = await ctx.wait_for_event(
                Answer,
                waiter_event=Question(text="in time?"),
                waiter_id="hurried",
                timeout=HOUR_S,
            )
        except TimeoutError:
            return StopEvent(result="nobody")
        return StopEvent(result=answer.text)


def turn(monkeypatch: pytest.MonkeyPatch, shift_s: float) -> None:
    """Set this process's clock; what measures durations goes on as it is."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + shift_s)


def leave_waiting(url: str, *, is_cancelled: bool = False) -> None:
    """A run that waits when its process ends."""

    async def begin(runtime: DBOSRuntime) -> None:
        run = await Client(runtime).start(Hurried, run_id="h")
        await asked(runtime, "h", "hurried")
        if is_cancelled:
            await DBOS.cancel_workflow_async("h")
            with pytest.raises(WorkflowCancelledByUser):
                await soon(run.result())

    live(url, begin)


def test_a_wait_that_a_fork_keeps_begins_anew(
    journal_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever forks an old run to have it asked again has the whole time to answer."""
    leave_waiting(journal_url)
    turn(monkeypatch, 24 * HOUR_S)

    async def use(runtime: DBOSRuntime) -> list[Any]:
        runtime.define(Hurried(runtime=runtime))
        client = Client(runtime)
        fork = await client.fork("h", new_run_id="f")
        of_fork = await client.fork("f", new_run_id="g")
        await asked(runtime, "f", "hurried")
        await asked(runtime, "g", "hurried")
        await fork.answer(text="Eve")
        await of_fork.answer(text="Zoe")
        runs = (client.run("h"), fork, of_fork)
        return [await soon(run.result()) for run in runs]

    assert live(journal_url, use) == ["nobody", "Eve", "Zoe"]


def test_a_fork_gives_up_when_its_own_time_is_over(
    journal_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_waiting(journal_url)

    async def fork(runtime: DBOSRuntime) -> None:
        runtime.define(Hurried(runtime=runtime))
        await Client(runtime).fork("h", new_run_id="f")
        await asked(runtime, "f", "hurried")

    async def use(runtime: DBOSRuntime) -> Any:
        runtime.define(Hurried(runtime=runtime))
        return await soon(Client(runtime).run("f").result())

    turn(monkeypatch, 24 * HOUR_S)
    live(journal_url, fork)
    turn(monkeypatch, 2 * HOUR_S)

    assert live(journal_url, use) == "nobody"


@pytest.mark.parametrize("operation", ["rewind", "resume"])
def test_a_wait_begins_anew_where_an_operator_sets_the_run_going_again(
    journal_url: str, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    """Nobody could have answered meanwhile: a run that has ended takes no messages."""
    leave_waiting(journal_url, is_cancelled=True)
    turn(monkeypatch, 24 * HOUR_S)

    async def use(runtime: DBOSRuntime) -> Any:
        runtime.define(Hurried(runtime=runtime))
        if operation == "rewind":
            await rewind("h", asks_at(runtime, "h", "hurried") + 1)
        else:
            await DBOS.resume_workflow_async("h")
        await asked(runtime, "h", "hurried")
        await Client(runtime).answer("h", {"text": "Eve"})
        return await soon(Client(runtime).run("h").result())

    assert live(journal_url, use) == "Eve"
