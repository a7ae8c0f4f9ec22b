"""The clock is a day off from one life to the next, forwards or backwards."""

from __future__ import annotations

import time

import pytest
from process_lives import add, live, soon, until
from sample_workflows import Answer, Approval, AskingTwice, Counted, Counter, Logged
from workflows import Context, step
from workflows.events import StartEvent, StopEvent
from workflows.retry_policy import retry_policy, stop_after_attempt, wait_fixed

from durable_notebook import Client, DBOSRuntime

from .rows import interrupt

DAY_S = 86_400.0
SHIFTS = [DAY_S, -DAY_S]


@pytest.fixture(params=SHIFTS, ids=["forwards", "backwards"])
def shift(request: pytest.FixtureRequest) -> float:
    found: float = request.param
    return found


def turn(monkeypatch: pytest.MonkeyPatch, shift_s: float) -> None:
    """Set this process's clock; what measures durations goes on as it is."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + shift_s)


def test_a_run_goes_on_in_order(
    journal_url: str, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    log = interrupt(journal_url)
    turn(monkeypatch, shift)

    async def use(runtime: DBOSRuntime) -> object:
        result = await soon(Counter(log, runtime=runtime).run(run_id="c"))
        entries = runtime.store.entries("c")
        assert [r.position for r in entries] == list(range(len(entries)))
        rows = await Client(runtime).run("c").journal()
        assert len(rows) == 7
        return result

    assert live(journal_url, use) == Counted(final_count=5)
    assert log[-2:] == ["increment 3", "increment 4"]


class Patient(Logged):
    """Fails once, and waits before it tries again."""

    @step(retry_policy=retry_policy(wait=wait_fixed(0.2), stop=stop_after_attempt(3)))
    async def only(self, ev: StartEvent) -> StopEvent:
        self.log.append("only")
        if len(self.log) == 1:
            raise ConnectionError("out of reach")
        return StopEvent(result=len(self.log))


def test_a_back_off_is_not_a_day_long(
    journal_url: str, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    log: list[str] = []

    async def begin(runtime: DBOSRuntime) -> None:
        Patient(log, runtime=runtime).run(run_id="p")
        await until(lambda: len(runtime.store.entries("p")) == 2)

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(Patient(log, runtime=runtime).run(run_id="p"))

    live(journal_url, begin)
    assert log == ["only"]
    turn(monkeypatch, shift)

    assert live(journal_url, use) == 2


class Hurried(Logged):
    """Waits for an answer, and gives up."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        self.log.append("ask")
        try:
            answer = await ctx.wait_for_event(Answer, timeout=0.5)
        except TimeoutError:
            return StopEvent(result="nobody")
        return StopEvent(result=answer.text)


def test_a_wait_is_not_a_day_longer(
    journal_url: str, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    log: list[str] = []

    async def begin(runtime: DBOSRuntime) -> None:
        Hurried(log, runtime=runtime).run(run_id="h")
        await until(lambda: is_waiting(runtime))

    async def use(runtime: DBOSRuntime) -> object:
        return await soon(Hurried(log, runtime=runtime).run(run_id="h"))

    live(journal_url, begin)
    turn(monkeypatch, shift)

    assert live(journal_url, use) == "nobody"


def is_waiting(runtime: DBOSRuntime) -> bool:
    last = runtime.store.last_entry("h")
    return last is not None and any(
        result["type"] == "add_waiter"
        for tick in last.entry.ticks
        for result in tick.get("result", [])
    )


def test_an_answer_of_another_day_counts(
    journal_url: str, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    async def begin(runtime: DBOSRuntime) -> None:
        AskingTwice(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a") is not None)
        await soon(runtime.post("a", add(Answer(text="Ada"))))

    async def use(runtime: DBOSRuntime) -> object:
        handler = AskingTwice(runtime=runtime).run(run_id="a")
        await soon(runtime.post("a", add(Approval(by="Bo", number=1))))
        return await soon(handler)

    live(journal_url, begin)
    turn(monkeypatch, shift)

    assert live(journal_url, use) == ["Ada", "Bo"]
