"""Runs that wait leave memory, and come back as if they had never left."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from dbos import DBOS
from process_lives import add, launched, live, never, soon, until
from sample_workflows import (
    Answer,
    Approval,
    Asking,
    AskingTwice,
    Counter,
    Logged,
    Once,
    OutOfPaperError,
    Question,
    Tick,
)
from workflows import Context, Workflow, step
from workflows.errors import WorkflowCancelledByUser, WorkflowTimeoutError
from workflows.events import Event, StartEvent, StopEvent
from workflows.retry_policy import retry_policy, stop_after_attempt, wait_fixed

from durable_notebook import Client, DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook._model import AttemptStatus, RunStatus
from durable_notebook.errors import ConfigError, RuntimeClosedError, UnknownRunError
from durable_notebook.runtime.codec._codec import Codec
from durable_notebook.runtime.codec._serializer import ClosedJsonSerializer
from durable_notebook.store import open_store

# More passes of the event loop than the end of an idle run takes.
PASSES = 30


async def released(runtime: DBOSRuntime, run_id: str) -> None:
    await until(lambda: runtime.is_released(run_id))


async def at_rest(runtime: DBOSRuntime, run_id: str) -> None:
    """In memory, with its question asked and nothing more to do."""

    def is_so() -> bool:
        run = runtime.live(run_id)
        return run is not None and bool(run.prompts.tree()) and run.is_at_rest

    await until(is_so)


def letter(event: Event) -> str:
    """A message as it is in the mailbox."""
    return json.dumps(Codec(ClosedJsonSerializer()).tick(add(event)))


def recoveries(runtime: DBOSRuntime, run_id: str) -> int:
    row = runtime.store.run(run_id)
    assert row is not None
    return row.recoveries


class Patient(Logged):
    """Waits for an answer, but not for ever."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        self.log.append("ask")
        try:
            answer = await ctx.wait_for_event(
                Answer, waiter_event=Question(text="soon?"), timeout=0.4
            )
        except TimeoutError:
            return StopEvent(result="nobody")
        return StopEvent(result=answer.text)


class Stubborn(Logged):
    """Fails once, and tries again after a while."""

    @step(retry_policy=retry_policy(wait=wait_fixed(0.4), stop=stop_after_attempt(3)))
    async def only(self, ev: StartEvent) -> StopEvent:
        self.log.append("only")
        if len(self.log) == 1:
            raise OutOfPaperError("tray 2 is empty")
        return StopEvent(result=len(self.log))


class Remembering(Logged):
    """Asks, and tells what is in its store."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> Question:
        await ctx.store.set("kept", [1])
        return Question(text="well?")

    @step
    async def hear(self, ctx: Context, ev: Answer) -> StopEvent:
        kept = await ctx.store.get("kept")
        kept.append(ev.text)
        return StopEvent(result=kept)


# -- leaving and coming back ----------------------------------------------------------


async def test_a_run_that_waits_is_released_and_an_answer_brings_it_back(
    journal_url: str,
) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        log: list[str] = []
        handler = Asking(log, runtime=runtime).run(run_id="a")
        await released(runtime, "a")
        assert runtime.live("a") is None

        await handler.send_event(Answer(text="Ada"))

        assert await soon(handler) == "Ada"
        assert log == ["ask", "hear Ada"]


async def test_nothing_of_a_released_run_stays_in_memory(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        client = Client(runtime)
        before = asyncio.all_tasks()
        await client.start(Asking, run_id="a")
        await at_rest(runtime, "a")
        run = weakref.ref(runtime.live("a"))

        runtime.release_idle_after(0)
        await released(runtime, "a")

        await until(lambda: asyncio.all_tasks() == before)

        def is_gone() -> bool:
            gc.collect()
            return run() is None

        await until(is_gone)


async def test_nobody_is_released_unless_it_is_asked_for(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await at_rest(runtime, "a")
        runtime.release_idle_after(0)
        runtime.release_idle_after(None)
        for _ in range(PASSES):
            await asyncio.sleep(0)
        assert runtime.live("a") is not None
        await runtime.send("a", Answer(text="Ada"))
        assert await soon(handler) == "Ada"


def test_it_can_be_asked_for_before_the_launch(journal_url: str) -> None:
    async def life() -> None:
        runtime = DBOSRuntime(database_url=journal_url)
        runtime.release_idle_after(0)
        async with runtime:
            Asking(runtime=runtime).run(run_id="a")
            await released(runtime, "a")

    asyncio.run(life())


@pytest.mark.parametrize("idle_timeout", [-1, float("nan")])
def test_a_time_that_cannot_pass_is_refused(idle_timeout: float) -> None:
    with pytest.raises(ConfigError, match="Give 'idle_timeout' as 0 or more"):
        DBOSRuntime(idle_timeout=idle_timeout)
    with pytest.raises(ConfigError, match="Give 'idle_timeout' as 0 or more"):
        DBOSRuntime().release_idle_after(idle_timeout)


async def test_a_run_with_a_body_in_flight_stays(journal_url: str) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        gate = asyncio.Event()
        handler = Counter(runtime=runtime, gate=gate.wait).run(run_id="a")
        await until(lambda: (run := runtime.live("a")) and run.stream.count >= 4)
        for _ in range(PASSES):
            await asyncio.sleep(0)
        assert runtime.live("a") is not None
        gate.set()
        assert (await soon(handler)).final_count == 5


async def test_a_run_goes_on_with_the_instance_it_began_with(journal_url: str) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        first: list[str] = []
        second: list[str] = []
        handler = Asking(first, runtime=runtime).run(run_id="a")
        await released(runtime, "a")
        other = Asking(second, runtime=runtime).run(run_id="b")
        await released(runtime, "b")

        await runtime.send("a", Answer(text="Ada"))
        await runtime.send("b", Answer(text="Bob"))

        assert (await soon(handler), await soon(other)) == ("Ada", "Bob")
    assert (first, second) == (["ask", "hear Ada"], ["ask", "hear Bob"])


async def test_a_run_that_keeps_others_waiting_keeps_its_place(
    journal_url: str,
) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        log: list[str] = []
        workflow = Asking(log, runtime=runtime, num_concurrent_runs=1)
        one = workflow.run(run_id="a")
        await until(lambda: (run := runtime.live("a")) and run.rest_until)
        two = workflow.run(run_id="b")
        AskingTwice(runtime=runtime).run(run_id="c")
        await released(runtime, "c")
        assert runtime.live("a") is not None
        assert log == ["ask"]

        await runtime.send("a", Answer(text="Ada"))
        assert await soon(one) == "Ada"
        await runtime.send("b", Answer(text="Bob"))
        assert await soon(two) == "Bob"


# -- messages -------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["own", "foreign"])
async def test_a_message_at_any_moment_of_the_release_is_applied_once(
    journal_url: str, how: str
) -> None:
    """Another process may commit between any two passes of this one's loop."""
    log: list[str] = []

    async with launched(journal_url) as runtime:
        workflow = Asking(log, runtime=runtime)
        for passes in range(PASSES):
            run_id = f"{how}-{passes}"
            handler = workflow.run(run_id=run_id)
            await at_rest(runtime, run_id)
            runtime.release_idle_after(0)
            for _ in range(passes):
                await asyncio.sleep(0)
            if how == "own":
                await runtime.send(run_id, Answer(text=run_id))
            else:
                runtime.store.post(run_id, letter(Answer(text=run_id))).result()
            assert await soon(handler) == run_id
            runtime.release_idle_after(None)

    assert log == [
        line for passes in range(PASSES) for line in ("ask", f"hear {how}-{passes}")
    ]


async def test_a_release_at_any_moment_of_a_send_loses_nothing(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        workflow = Asking(runtime=runtime)
        for passes in range(PASSES):
            run_id = f"run-{passes}"
            handler = workflow.run(run_id=run_id)
            await at_rest(runtime, run_id)
            sending = asyncio.create_task(runtime.send(run_id, Answer(text=run_id)))
            for _ in range(passes):
                await asyncio.sleep(0)
            runtime.release_idle_after(0)
            assert await soon(handler) == run_id
            assert await sending
            runtime.release_idle_after(None)


async def test_a_message_of_another_process_brings_a_run_back(
    journal_url: str,
) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await released(runtime, "a")
        other = open_store(journal_url, Settings())
        try:
            await asyncio.wrap_future(other.post("a", letter(Answer(text="Ada"))))
            assert await soon(handler) == "Ada"
        finally:
            other.close()


async def test_sends_keep_their_order_and_each_arrives_once(journal_url: str) -> None:
    class Collecting(Workflow):
        @step
        async def start(self, ctx: Context, ev: StartEvent) -> Question:
            await ctx.store.set("heard", [])
            return Question(text="more?")

        @step
        async def hear(self, ctx: Context, ev: Answer) -> StopEvent | None:
            async with ctx.store.edit_state() as state:
                state.heard = [*state.heard, ev.text]
                heard = state.heard
            return StopEvent(result=heard) if ev.text == "29" else None

    async with launched(journal_url, idle_timeout=0) as runtime:
        handler = Collecting(runtime=runtime).run(run_id="a")
        await released(runtime, "a")
        for number in range(30):
            await runtime.send("a", Answer(text=str(number)))

        assert await soon(handler) == [str(number) for number in range(30)]


async def test_a_return_is_no_recovery(journal_url: str) -> None:
    """Waiting for a hundred answers must not look like a hundred crashes."""
    async with launched(
        journal_url, idle_timeout=0, max_recovery_attempts=1
    ) as runtime:
        handler = AskingTwice(runtime=runtime).run(run_id="a")
        await released(runtime, "a")
        before = recoveries(runtime, "a")
        for _ in range(4):
            await runtime.send("a", Tick(count=0))
            await until(lambda: not runtime.is_released("a"))
            await released(runtime, "a")
        await runtime.send("a", Answer(text="one"))
        await runtime.send("a", Approval(by="two", number=2))

        assert await soon(handler) == ["one", "two"]
        assert recoveries(runtime, "a") == before


# -- deadlines ------------------------------------------------------------------------


async def test_a_wait_that_is_over_brings_its_run_back(journal_url: str) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        handler = Patient(runtime=runtime).run(run_id="a")
        await released(runtime, "a")

        assert await soon(handler) == "nobody"


async def test_a_retry_brings_its_run_back(journal_url: str) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        log: list[str] = []
        handler = Stubborn(log, runtime=runtime).run(run_id="a")
        await released(runtime, "a")

        assert await soon(handler) == 2
        rows = await Client(runtime).run("a").journal()
        entries = runtime.store.entries("a")
    assert [row.attempt for row in rows] == [1, 2]
    assert len(entries) <= 6, "it went and came many times"


async def test_the_timeout_of_a_workflow_goes_on_while_its_run_is_released(
    journal_url: str,
) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        handler = Asking(runtime=runtime, timeout=2.0).run(run_id="a")
        await released(runtime, "a")
        # Back in between, and released again: its time has not begun anew.
        await runtime.send("a", Tick(count=0))

        with pytest.raises(WorkflowTimeoutError):
            await soon(handler)
        entries = [recorded.entry for recorded in runtime.store.entries("a")]
    begun_at = entries[0].ticks[0]["stamped_at"]
    deadlines = [entry.rest for entry in entries if entry.rest is not None]
    assert len(deadlines) >= 2
    assert [pytest.approx(begun_at + 2.0, abs=0.05)] * len(deadlines) == deadlines
    assert entries[-1].at >= begun_at + 2.0


# -- what others see ------------------------------------------------------------------


async def test_a_released_run_is_shown_as_waiting_for_a_person(
    journal_url: str,
) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        client = Client(runtime)
        await client.start(Asking, run_id="a")
        await released(runtime, "a")

        (info,) = await client.runs()
        run = client.run("a")
        await run.answer(text="Ada")

        assert await soon(run.result()) == "Ada"
    assert info.status is RunStatus.WAITING
    assert info.waits_for == "an answer: Answer"
    assert [prompt.number for prompt in info.prompts] == [0]


@pytest.mark.parametrize("after", [0, 2])
async def test_a_reader_gets_each_event_once_across_releases(
    journal_url: str, after: int
) -> None:
    async with launched(journal_url) as runtime:
        plain = AskingTwice(runtime=runtime).run(run_id="plain")
        await runtime.send("plain", Answer(text="one"))
        await runtime.send("plain", Approval(by="two", number=2))
        await soon(plain)
        expected = [event async for event in runtime.stream("plain", after)]

        runtime.release_idle_after(0)
        client = Client(runtime)
        run = await client.start(AskingTwice, run_id="a")

        async def read() -> list[Event]:
            return [event async for event in run.events(after)]

        reader = asyncio.create_task(read())
        await released(runtime, "a")
        await run.send(Answer(text="one"))
        await until(lambda: not runtime.is_released("a"))
        await released(runtime, "a")
        late = asyncio.create_task(read())
        await run.send(Approval(by="two", number=2))

        assert await soon(reader) == await soon(late)
        await soon(run.result())
        assert [repr(e) for e in reader.result()] == [repr(e) for e in expected]


async def test_the_timeline_shows_no_crash_and_one_session(journal_url: str) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        run = await Client(runtime).start(AskingTwice, run_id="a")
        await released(runtime, "a")
        waiting = await run.journal()
        await run.send(Answer(text="one"))
        await run.send(Approval(by="two", number=2))
        await soon(run.result())
        ended = await run.journal()
        entries = runtime.store.entries("a")
    assert [row.status for row in waiting] == [AttemptStatus.WAITING]
    assert {row.status for row in ended} == {AttemptStatus.COMPLETED}
    assert {row.session for row in ended} == {1}
    assert {row.attempt for row in ended} == {1}
    assert [e.position for e in entries] == list(range(len(entries)))


async def test_the_store_of_a_released_run_is_read_without_bringing_it_back(
    journal_url: str,
) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        handler = Remembering(runtime=runtime).run(run_id="a")
        await released(runtime, "a")

        assert await handler.ctx.store.get("kept") == [1]
        assert runtime.is_released("a")
        await runtime.send("a", Answer(text="x"))
        assert await soon(handler) == [1, "x"]


async def test_what_a_caller_changes_in_the_store_of_a_released_run_is_kept(
    journal_url: str,
) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        handler = Remembering(runtime=runtime).run(run_id="a")
        await released(runtime, "a")

        await handler.ctx.store.set("kept", [2])
        async with handler.ctx.store.edit_state() as state:
            for _ in range(PASSES):
                await asyncio.sleep(0)
            state.kept = [*state.kept, 3]
        await released(runtime, "a")

        assert await handler.ctx.store.get("kept") == [2, 3]
        await runtime.send("a", Answer(text="x"))
        assert await soon(handler) == [2, 3, "x"]


async def test_who_awaits_a_released_run_is_told_when_the_runtime_closes(
    journal_url: str,
) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        run = await Client(runtime).start(Asking, run_id="a")
        await released(runtime, "a")
        waiting = asyncio.create_task(runtime.result("a"))
        reading = asyncio.create_task(anext(runtime.stream("a", 100)))
        await asyncio.sleep(0)
        assert run.run_id == "a"

    for task in (waiting, reading):
        with pytest.raises(RuntimeClosedError):
            await soon(task)


# -- what is done to released runs ----------------------------------------------------


async def test_a_released_run_is_cancelled(journal_url: str) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await released(runtime, "a")

        await handler.cancel_run()

        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)
        info = await Client(runtime).run("a").info()
    assert info.status is RunStatus.CANCELLED


async def test_who_awaits_a_released_run_hears_that_dbos_cancelled_it(
    journal_url: str,
) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        reader = asyncio.create_task(anext(runtime.stream("a", 100), None))
        await released(runtime, "a")

        await DBOS.cancel_workflow_async("a")

        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)
        assert await soon(reader) is None
        assert not runtime.is_released("a")


async def test_a_released_run_that_dbos_cancels_and_resumes_goes_on(
    journal_url: str,
) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        await Client(runtime).start(Asking, run_id="a")
        await released(runtime, "a")
        await DBOS.cancel_workflow_async("a")
        await DBOS.resume_workflow_async("a")
        await until(lambda: not runtime.is_released("a"))
        await released(runtime, "a")

        await runtime.send("a", Answer(text="Ada"))
        assert await soon(runtime.result("a")) == StopEvent(result="Ada")


async def test_a_run_that_dbos_cancels_while_it_is_released_is_not_released(
    journal_url: str,
) -> None:
    """The row tells how it ended; no look of ours puts it back among the waiting."""
    async with launched(journal_url) as runtime:
        for passes in range(0, PASSES, 6):
            run_id = f"run-{passes}"
            handler = Asking(runtime=runtime).run(run_id=run_id)
            await at_rest(runtime, run_id)
            runtime.release_idle_after(0)
            for _ in range(passes):
                await asyncio.sleep(0)
            await asyncio.to_thread(DBOS.cancel_workflow, run_id)
            with pytest.raises(WorkflowCancelledByUser):
                await soon(handler)
            runtime.release_idle_after(None)


async def test_a_released_run_is_forked_and_deleted(journal_url: str) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        client = Client(runtime)
        run = await client.start(Asking, run_id="a")
        waiting = asyncio.create_task(run.result())
        await released(runtime, "a")

        fork = await client.fork("a", new_run_id="b")
        await client.delete("a")
        await released(runtime, "b")
        await fork.send(Answer(text="Ada"))

        assert await soon(fork.result()) == "Ada"
        with pytest.raises(UnknownRunError):
            await soon(waiting)
        with pytest.raises(UnknownRunError):
            await client.run("a").send(Answer(text="Bob"))
        assert not runtime.is_released("a")


async def test_a_released_run_comes_back_when_it_is_resumed(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        await Client(runtime).start(Asking, run_id="a")
        await at_rest(runtime, "a")
        runtime.release_idle_after(0)
        await released(runtime, "a")
        runtime.release_idle_after(None)
        await asyncio.sleep(0)

        assert await runtime.resume("a")
        await until(lambda: runtime.live("a"))
        assert not await runtime.resume("a")


async def test_attaching_to_a_released_run_leaves_it_where_it_is(
    journal_url: str,
) -> None:
    async with launched(journal_url, idle_timeout=0) as runtime:
        workflow = Asking(runtime=runtime)
        workflow.run(run_id="a")
        await released(runtime, "a")
        entries = len(runtime.store.entries("a"))

        again = workflow.run(run_id="a")
        await runtime.send("a", Answer(text="Ada"))

        assert await soon(again) == "Ada"
        # One turn to begin the answer's body and one that ends the run.
        assert len(runtime.store.entries("a")) == entries + 2


# -- restarts -------------------------------------------------------------------------


async def ask(runtime: DBOSRuntime) -> None:
    Asking(runtime=runtime, timeout=None).run(run_id="a")
    await until(lambda: (e := runtime.store.last_entry("a")) and e.entry.prompts)


def test_a_restart_leaves_a_run_alone_that_only_waits(journal_url: str) -> None:
    async def look(runtime: DBOSRuntime) -> tuple[int, int]:
        Asking(runtime=runtime, timeout=None)
        await released(runtime, "a")
        entries = len(runtime.store.entries("a"))
        return entries, recoveries(runtime, "a")

    async def answer(runtime: DBOSRuntime) -> object:
        Asking(runtime=runtime, timeout=None)
        await released(runtime, "a")
        await runtime.send("a", Answer(text="Ada"))
        return (await soon(runtime.result("a"))).result

    live(journal_url, ask)
    first = live(journal_url, look, idle_timeout=60)
    second = live(journal_url, look, idle_timeout=60)

    assert first == second
    assert live(journal_url, answer, idle_timeout=60) == "Ada"


def test_a_restart_goes_on_with_a_run_that_has_mail(journal_url: str) -> None:
    async def ask_and_answer(runtime: DBOSRuntime) -> None:
        await ask(runtime)
        await at_rest(runtime, "a")
        runtime.store.post("a", letter(Answer(text="Ada"))).result()

    async def use(runtime: DBOSRuntime) -> object:
        Asking(runtime=runtime, timeout=None)
        return (await soon(runtime.result("a"))).result

    live(journal_url, ask_and_answer)

    assert live(journal_url, use, idle_timeout=60) == "Ada"


def test_a_message_between_two_lives_is_not_left_alone(journal_url: str) -> None:
    async def use(runtime: DBOSRuntime) -> object:
        Asking(runtime=runtime, timeout=None)
        return (await soon(runtime.result("a"))).result

    live(journal_url, ask)
    store = open_store(journal_url, Settings())
    store.post("a", letter(Answer(text="Ada"))).result()
    store.close()

    assert live(journal_url, use, idle_timeout=60) == "Ada"


def test_a_restart_goes_on_with_a_body_that_was_in_flight(journal_url: str) -> None:
    log: list[str] = []

    async def begin(runtime: DBOSRuntime) -> None:
        Once(log, runtime=runtime, gate=never, timeout=None).run(run_id="a")
        await until(lambda: log)

    async def use(runtime: DBOSRuntime) -> None:
        Once(log, runtime=runtime, timeout=None)
        await soon(runtime.result("a"))

    live(journal_url, begin)
    live(journal_url, use, idle_timeout=60)

    assert log == ["only", "only"]


@pytest.mark.parametrize("kind", [Patient, Stubborn])
def test_a_deadline_is_kept_over_a_restart(
    journal_url: str, kind: Callable[..., Workflow]
) -> None:
    log: list[str] = []

    async def begin(runtime: DBOSRuntime) -> None:
        kind(log, runtime=runtime, timeout=None).run(run_id="a")
        await released(runtime, "a")

    async def use(runtime: DBOSRuntime) -> object:
        kind(log, runtime=runtime, timeout=None)
        return (await soon(runtime.result("a"))).result

    live(journal_url, begin, idle_timeout=0)

    assert live(journal_url, use, idle_timeout=0) in ("nobody", 2)
    assert len(log) == 2


def test_the_time_without_a_process_is_not_the_timeout_of_a_workflow(
    journal_url: str,
) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        Asking(runtime=runtime, timeout=0.6).run(run_id="a")
        await released(runtime, "a")

    async def use(runtime: DBOSRuntime) -> object:
        Asking(runtime=runtime, timeout=0.6)
        await runtime.send("a", Answer(text="Ada"))
        return (await soon(runtime.result("a"))).result

    async def pause() -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + 0.7
        await until(lambda: loop.time() > deadline)

    live(journal_url, begin, idle_timeout=0)
    asyncio.run(pause())

    assert live(journal_url, use, idle_timeout=0) == "Ada"


def test_a_run_whose_class_comes_later_waits_for_it_as_ever(journal_url: str) -> None:
    async def use(runtime: DBOSRuntime) -> list[Any]:
        seen: list[Any] = [dict(runtime.undefined())]
        await runtime.send("a", Answer(text="Ada"))
        Asking(runtime=runtime, timeout=None)
        seen.append((await soon(runtime.result("a"))).result)
        return seen

    live(journal_url, ask)

    name = f"{Asking.__module__}.{Asking.__qualname__}"
    assert live(journal_url, use, idle_timeout=0) == [{"a": name}, "Ada"]
