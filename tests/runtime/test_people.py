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
from workflows.errors import WorkflowCancelledByUser
from workflows.events import Event, StartEvent, StopEvent
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


class Speaking(Workflow):
    """Asks through the stream, and then waits."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        said = []
        for number in (1, 2):
            ctx.write_event_to_stream(Question(text=f"{number}?"))
            approval = await ctx.wait_for_event(
                Approval, waiter_id=str(number), requirements={"number": number}
            )
            said.append(approval.by)
        return StopEvent(result=said)


def test_a_question_in_the_stream_and_its_wait_are_one_prompt(journal_url: str) -> None:
    async def ask(runtime: DBOSRuntime) -> None:
        Speaking(runtime=runtime).run(run_id="s")
        await until(lambda: prompts(runtime, "s"))
        await runtime.post("s", add(Approval(by="Ada", number=1)))
        await until(lambda: [p["number"] for p in prompts(runtime, "s")] == [1])

    async def answer(runtime: DBOSRuntime) -> tuple[list[Json], object]:
        handler = Speaking(runtime=runtime).run(run_id="s")
        await until(lambda: runtime.live("s") is not None)
        left = prompts(runtime, "s")
        await runtime.post("s", add(Approval(by="Bob", number=2)))
        return left, await soon(handler)

    live(journal_url, ask)
    (left,), result = live(journal_url, answer)

    assert left["asked"]["value"] == {"text": "2?"}
    assert left["requirements"] == {"number": 2}
    assert result == ["Ada", "Bob"]


class Impatient(Workflow):
    """Waits for a time that a test can choose."""

    wait_s = 0.2

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        try:
            answer = await ctx.wait_for_event(
                Answer, waiter_event=Question(text="?"), timeout=self.wait_s
            )
        except TimeoutError:
            return StopEvent(result="nobody came")
        return StopEvent(result=answer.text)


def test_a_wait_that_an_earlier_life_began_gives_up_in_time(journal_url: str) -> None:
    async def ask(runtime: DBOSRuntime) -> None:
        Impatient(runtime=runtime).run(run_id="i")
        await until(lambda: prompts(runtime, "i"))

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(Impatient(runtime=runtime).run(run_id="i"))

    live(journal_url, ask)

    assert live(journal_url, use) == "nobody came"


def test_an_answer_that_came_in_time_counts_after_a_restart(journal_url: str) -> None:
    """It is on disk, but the life ended before the run heard it."""

    async def ask(runtime: DBOSRuntime) -> None:
        Impatient(runtime=runtime).run(run_id="i")
        await until(lambda: prompts(runtime, "i"))
        tick = add(Answer(text="Ada")).model_dump_json()
        runtime.store.post("i", tick).result(timeout=10)

    async def use(runtime: DBOSRuntime) -> object:
        await asyncio.sleep(Impatient.wait_s)
        return await soon(Impatient(runtime=runtime).run(run_id="i"))

    live(journal_url, ask)

    assert live(journal_url, use) == "Ada"


async def test_a_run_of_quick_steps_hears_a_message(journal_url: str) -> None:
    class Again(Event):
        number: int

    class Busy(Workflow):
        @step
        async def begin(self, ev: StartEvent) -> Again:
            return Again(number=0)

        @step
        async def turn(self, ctx: Context, ev: Again) -> Again | StopEvent:
            if await ctx.store.get("heard", default=False):
                return StopEvent(result=ev.number)
            return Again(number=ev.number + 1)

        @step
        async def hear(self, ctx: Context, ev: Answer) -> None:
            await ctx.store.set("heard", True)

    async with launched(journal_url) as runtime:
        handler = Busy(runtime=runtime, timeout=None).run(run_id="b")
        await until(lambda: runtime.live("b") is not None)

        await runtime.post("b", add(Answer(text="stop")))
        at = runtime.live("b").position

        assert await soon(handler) < at + 10


async def test_a_cancellation_overtakes_what_cannot_be_read(
    journal_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime, "a"))
        unknown = add(Answer(text="?")).model_dump_json().replace("Answer", "Gone")
        runtime.store.post("a", unknown).result(timeout=10)

        await runtime.post("a", TickCancelRun())

        with pytest.raises(WorkflowCancelledByUser):
            await soon(handler)
    assert "cannot read message 1" in caplog.text


async def test_a_message_is_read_when_its_class_is_defined(
    journal_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime, "a"))
        with monkeypatch.context() as gone:
            gone.delattr("sample_workflows.Answer")
            serializer = runtime.live("a").codec.serializer
            gone.setattr(serializer, "_registered_types", {})
            gone.setattr(serializer, "_allowed_type_names", frozenset())
            tick = add(Answer(text="Ada")).model_dump_json()
            runtime.store.post("a", tick).result(timeout=10)
            await until(lambda: caplog.messages)

        await runtime.resume("a")

        assert await soon(handler) == "Ada"
    assert caplog.messages == [
        "Run 'a' cannot read message 1 of its mailbox: sample_workflows.Answer is not "
        "defined here. Define its event class and resume the run; the message and "
        "what follows it are kept."
    ]


async def test_a_message_that_meets_the_end_does_not_part_it_from_the_outcome(
    journal_url: str,
) -> None:
    """What it would settle is the run's last turn, which `finish` writes."""
    async with launched(journal_url) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: prompts(runtime, "a"))
        run = runtime.live("a")

        async def meet() -> None:
            async for event in run.stream.read():
                if isinstance(event, StopEvent):
                    await run.settle()
                    await run.keep_store()

        meeting = asyncio.create_task(meet())
        await runtime.post("a", add(Answer(text="Ada")))

        assert await soon(handler) == "Ada"
        await soon(meeting)
        last = runtime.store.entries("a")[-1].entry
    assert last.end is not None
    assert any("StopEvent" in tree["qualified_name"] for tree in last.stream)
