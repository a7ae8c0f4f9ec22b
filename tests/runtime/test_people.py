"""Questions to a person, answers, and messages that nobody will read."""

from __future__ import annotations

import asyncio

import pytest
from process_lives import add, launched, live, soon, until
from sample_workflows import (
    Answer,
    Approval,
    Approving,
    Asking,
    AskingTwice,
    Other,
    Question,
)
from workflows import Context, Workflow, step
from workflows.events import StartEvent, StopEvent
from workflows.runtime.types.ticks import TickCancelRun

from durable_notebook import DBOSRuntime
from durable_notebook._model import Json
from durable_notebook.errors import RunFinishedError


def prompts(runtime: DBOSRuntime, run_id: str) -> list[Json]:
    """The open questions that are on disk."""
    recorded = runtime.store.last_entry(run_id)
    return [] if recorded is None else recorded.entry.prompts


async def test_a_returned_question_is_open_until_it_is_answered(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime, "a"))
        (prompt,) = prompts(runtime, "a")

        await runtime.post("a", add(Answer(text="Ada")))

        assert await soon(handler) == "Ada"
        assert prompts(runtime, "a") == []
    assert prompt["asked"]["value"] == {"text": "name?"}
    assert prompt["expects"] == ["sample_workflows.Answer"]


async def test_an_answer_through_the_handler_arrives(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")

        async for event in handler.stream_events():
            if isinstance(event, Question):
                await handler.send_event(Answer(text="Ada"))

        assert await soon(handler) == "Ada"


def test_an_answer_is_on_disk_when_it_is_acknowledged(journal_url: str) -> None:
    """The life ends right after the acknowledgement; the next one has the answer."""
    log: list[str] = []

    async def ask(runtime: DBOSRuntime) -> None:
        Asking(log, runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime, "a"))
        await runtime.post("a", add(Answer(text="Ada")))

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(Asking(log, runtime=runtime).run(run_id="a"))

    live(journal_url, ask)

    assert live(journal_url, use) == "Ada"
    assert log.count("ask") == 1


def test_a_question_is_asked_once_however_often_the_run_is_resumed(
    journal_url: str,
) -> None:
    async def ask(runtime: DBOSRuntime) -> list[Json]:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime, "a"))
        await until(lambda: runtime.live("a") is not None)
        return prompts(runtime, "a")

    async def answer(runtime: DBOSRuntime) -> int:
        handler = Asking(runtime=runtime).run(run_id="a")
        await runtime.post("a", add(Answer(text="Ada")))
        events = [event async for event in handler.stream_events()]
        return sum(isinstance(event, Question) for event in events)

    first, second = live(journal_url, ask), live(journal_url, ask)

    assert first == second
    assert live(journal_url, answer) == 1


async def test_one_key_takes_one_answer(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime, "a"))

        first, second = await asyncio.gather(
            runtime.post("a", add(Answer(text="Ada")), key="answer:0"),
            runtime.post("a", add(Answer(text="Bob")), key="answer:0"),
        )

        assert (first, second) == (True, False)
        assert await soon(handler) == "Ada"
        assert len(runtime.store.mail("a", 0)) == 1


async def test_two_questions_take_two_answers(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = AskingTwice(runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime, "a"))
        (first,) = prompts(runtime, "a")
        await runtime.post("a", add(Answer(text="one")))

        await until(lambda: [p["number"] for p in prompts(runtime, "a")] == [1])
        (second,) = prompts(runtime, "a")
        await runtime.post("a", add(Approval(by="two", number=2)))

        assert await soon(handler) == ["one", "two"]
    assert first["asked"]["value"] == {"text": "first?"}
    assert second["asked"]["value"] == {"text": "second?"}


def test_a_wait_survives_a_restart_with_its_question(journal_url: str) -> None:
    async def ask(runtime: DBOSRuntime) -> list[Json]:
        AskingTwice(runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime, "a"))
        await runtime.post("a", add(Answer(text="one")))
        await until(lambda: [p["number"] for p in prompts(runtime, "a")] == [1])
        return prompts(runtime, "a")

    async def use(runtime: DBOSRuntime) -> tuple[object, list[Json]]:
        handler = AskingTwice(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.live("a") is not None)
        open_now = prompts(runtime, "a")
        await runtime.post("a", add(Approval(by="two", number=2)))
        return await soon(handler), open_now

    before = live(journal_url, ask)

    assert live(journal_url, use) == (["one", "two"], before)


async def test_an_answer_must_meet_the_requirements(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Approving(runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime, "a"))
        (prompt,) = prompts(runtime, "a")
        await runtime.post("a", add(Approval(by="Eve", number=6)))
        await until(lambda: runtime.store.last_entry("a").entry.cursor == 1)
        after = prompts(runtime, "a")

        await runtime.post("a", add(Approval(by="Ada", number=7)))

        assert await soon(handler) == "Ada"
    assert prompt["requirements"] == {"number": 7}
    assert after == [prompt]


class AskingInParallel(Workflow):
    """Two questions are open at once, each waited for by a body of its own."""

    @step
    async def one(self, ctx: Context, ev: StartEvent) -> StopEvent | None:
        answer = await ctx.wait_for_event(
            Approval, waiter_event=Question(text="1?"), requirements={"number": 1}
        )
        return await self.both(ctx, answer)

    @step
    async def two(self, ctx: Context, ev: StartEvent) -> StopEvent | None:
        answer = await ctx.wait_for_event(
            Approval, waiter_event=Question(text="2?"), requirements={"number": 2}
        )
        return await self.both(ctx, answer)

    async def both(self, ctx: Context, answer: Approval) -> StopEvent | None:
        async with ctx.store.edit_state() as state:
            state["by"] = [*state.get("by", []), answer.by]
        by = await ctx.store.get("by")
        return StopEvent(result=by) if len(by) == 2 else None


async def test_two_open_questions_are_told_apart(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = AskingInParallel(runtime=runtime).run(run_id="a")
        await until(lambda: len(prompts(runtime, "a")) == 2)

        await runtime.post("a", add(Approval(by="second", number=2)))
        await until(lambda: len(prompts(runtime, "a")) == 1)
        (left,) = prompts(runtime, "a")
        await runtime.post("a", add(Approval(by="first", number=1)))

        assert await soon(handler) == ["second", "first"]
    assert left["requirements"] == {"number": 1}


async def test_a_finished_run_takes_no_message(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        handler = Other(runtime=runtime).run(run_id="o")
        await soon(handler)

        with pytest.raises(RunFinishedError) as refused:
            await soon(runtime.post("o", add(Answer(text="late"))))
        with pytest.raises(RunFinishedError):
            await soon(runtime.get_external_adapter("o").send_event(TickCancelRun()))

        assert (refused.value.run_id, refused.value.status) == ("o", "completed")
        assert runtime.store.mail("o", 0) == []


async def test_a_message_that_another_process_left_is_fetched(journal_url: str) -> None:
    """It is in the journal, and nobody in this process says so."""
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime, "a"))
        tick = add(Answer(text="Ada")).model_dump_json()

        runtime.store.post("a", tick).result(timeout=10)

        assert await soon(handler) == "Ada"


async def test_messages_are_read_in_the_order_in_which_they_were_sent(
    journal_url: str,
) -> None:
    class Listening(Workflow):
        @step
        async def begin(self, ctx: Context, ev: StartEvent) -> Question:
            await ctx.store.set("heard", [])
            return Question(text="?")

        @step(num_workers=1)
        async def hear(self, ctx: Context, ev: Answer) -> StopEvent | None:
            heard = [*await ctx.store.get("heard"), ev.text]
            await ctx.store.set("heard", heard)
            return StopEvent(result=heard) if ev.text == "9" else None

    async with launched(journal_url) as runtime:
        handler = Listening(runtime=runtime).run(run_id="l")
        await until(lambda: prompts(runtime, "l"))

        for number in range(10):
            await runtime.post("l", add(Answer(text=str(number))))

        assert await soon(handler) == [str(number) for number in range(10)]
