"""`num_concurrent_runs`: a run over the limit waits on the queue of its workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from dbos import DBOS
from process_lives import launched, live, soon, until
from sample_workflows import Answer, Asking, Logged
from workflows import Workflow, step
from workflows.errors import WorkflowCancelledByUser
from workflows.events import StartEvent, StopEvent

from durable_notebook import Client, DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook.errors import (
    OtherArgumentsError,
    StrandedRunError,
    UnknownRunError,
)
from tests.postgres_server import PostgresServer

IDS = [f"run-{n}" for n in range(6)]


class Crowd:
    """Counts who is inside, and lets out who is named."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.inside: set[str] = set()
        self.most = 0
        self._gates: dict[str, asyncio.Event] = {}

    async def enter(self, name: str) -> None:
        self.began.append(name)
        self.inside.add(name)
        self.most = max(self.most, len(self.inside))
        try:
            await self.gate(name).wait()
        finally:
            self.inside.discard(name)

    def gate(self, name: str) -> asyncio.Event:
        return self._gates.setdefault(name, asyncio.Event())


class Crowded(Logged):
    """Its body waits to be let out of the crowd."""

    def __init__(self, crowd: Crowd, **options: Any) -> None:
        super().__init__(**{"num_concurrent_runs": 2, **options})
        self.crowd = crowd

    @step
    async def only(self, ev: StartEvent) -> StopEvent:
        await self.crowd.enter(ev.name)
        return StopEvent(result=ev.name)


Handlers = dict[str, Any]


def begin(workflow: Crowded, ids: list[str] = IDS) -> Handlers:
    handlers = {run_id: workflow.run(run_id=run_id, name=run_id) for run_id in ids}
    for handler in handlers.values():
        handler._result_task.add_done_callback(_seen)
    return handlers


def _seen(task: asyncio.Task[object]) -> None:
    """That the life ended under it is no surprise."""
    if not task.cancelled():
        task.exception()


def status(runtime: DBOSRuntime, run_id: str) -> str | None:
    row = runtime.store.run(run_id)
    return None if row is None else row.dbos_status


async def empty(crowd: Crowd, handlers: Handlers) -> None:
    """Let one out after the other; whoever is next goes in at once."""
    for n, (run_id, handler) in enumerate(handlers.items(), 3):
        crowd.gate(run_id).set()
        assert await soon(handler) == run_id
        await until(lambda n=n: len(crowd.began) == min(len(handlers), n))


def in_turn(began: list[str]) -> list[str]:
    """The order in which bodies began; the first two had their places at once."""
    return sorted(began[:2]) + began[2:]


def are_recorded(runtime: DBOSRuntime, ids: list[str] = IDS) -> Callable[[], bool]:
    """Whether two of these are executed, and the others wait on disk."""

    def check() -> bool:
        found = [status(runtime, run_id) for run_id in ids]
        return found == ["PENDING"] * 2 + ["ENQUEUED"] * (len(ids) - 2)

    return check


async def test_runs_go_in_one_after_the_other_in_the_order_of_their_start(
    journal_url: str,
) -> None:
    """However seldom anybody looks at the queue."""
    crowd = Crowd()
    async with launched(journal_url, queue_polling_interval_sec=3600.0) as runtime:
        handlers = begin(Crowded(crowd, runtime=runtime))
        await until(lambda: len(crowd.inside) == 2)
        await until(are_recorded(runtime))
        await empty(crowd, handlers)

    assert in_turn(crowd.began) == IDS
    assert crowd.most == 2


async def test_who_waits_is_shown_by_the_tools_of_dbos(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        workflow = Crowded(Crowd(), runtime=runtime)
        begin(workflow)
        await until(are_recorded(runtime))
        name = workflow.workflow_name

        queued = await DBOS.list_queued_workflows_async(queue_name=name)
        queue = await DBOS.retrieve_queue_async(name)
        assert queue is not None
        concurrency = await queue.get_worker_concurrency_async()

    assert [each.workflow_id for each in queued] == IDS[2:]
    assert {each.status for each in queued} == {"ENQUEUED"}
    assert {each.executor_id for each in queued} == {"local"}
    assert concurrency == 2


def test_after_an_interruption_nobody_has_lost_its_turn(journal_url: str) -> None:
    first, second = Crowd(), Crowd()

    async def fill(runtime: DBOSRuntime) -> None:
        begin(Crowded(first, runtime=runtime))
        await until(lambda: len(first.inside) == 2)
        await until(are_recorded(runtime))

    async def finish(runtime: DBOSRuntime) -> list[int]:
        workflow = Crowded(second, runtime=runtime)
        # One that is started at once has its turn behind those that waited.
        handlers = begin(workflow, ["new", *IDS])
        await until(lambda: runtime.before("new") == 4)
        await until(lambda: len(second.inside) == 2)
        await empty(second, {run_id: handlers[run_id] for run_id in [*IDS, "new"]})
        rows = [runtime.store.run(run_id) for run_id in IDS]
        return [row.recoveries for row in rows if row is not None]

    live(journal_url, fill)
    recoveries = live(journal_url, finish)

    assert in_turn(second.began) == [*IDS, "new"]
    assert second.most == 2
    # Waiting costs no execution.
    assert recoveries[2:] == [1] * 4


def test_a_run_waits_for_a_place_also_where_the_limit_was_lowered(
    journal_url: str,
) -> None:
    first, second = Crowd(), Crowd()

    async def fill(runtime: DBOSRuntime) -> None:
        begin(Crowded(first, num_concurrent_runs=6, runtime=runtime))
        await until(lambda: len(first.inside) == 6)

    async def finish(runtime: DBOSRuntime) -> str | None:
        workflow = Crowded(second, num_concurrent_runs=1, runtime=runtime)
        await until(lambda: len(second.inside) == 1)
        info = await Client(runtime).run(IDS[1]).info()
        for run_id in IDS:
            second.gate(run_id).set()
            assert await soon(workflow.run(run_id=run_id)) == run_id
        return info.waits_for

    live(journal_url, fill)
    said = live(journal_url, finish)

    assert second.began == IDS
    assert second.most == 1
    assert said == "a place among the runs of Crowded (0 wait before it)"


async def test_who_waits_is_listed_with_how_many_are_before_it(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        begin(Crowded(Crowd(), runtime=runtime))
        await until(are_recorded(runtime))

        infos = {info.run_id: info for info in await Client(runtime).runs()}

    assert [infos[run_id].status for run_id in IDS] == ["running"] * 2 + ["waiting"] * 4
    assert [infos[run_id].waits_for for run_id in IDS] == [
        None,
        None,
        *(f"a place among the runs of Crowded ({n} wait before it)" for n in range(4)),
    ]


@pytest.mark.parametrize("way", ["client", "handler", "dbos"])
async def test_who_waits_can_be_cancelled(journal_url: str, way: str) -> None:
    crowd = Crowd()
    async with launched(journal_url) as runtime:
        handlers = begin(Crowded(crowd, runtime=runtime))
        await until(are_recorded(runtime))

        if way == "client":
            await Client(runtime).cancel("run-3")
        elif way == "handler":
            await soon(handlers["run-3"].cancel_run())
        else:
            await DBOS.cancel_workflow_async("run-3")
        with pytest.raises(WorkflowCancelledByUser):
            await soon(handlers["run-3"])
        info = await Client(runtime).run("run-3").info()
        del handlers["run-3"]
        await empty(crowd, handlers)

    assert info.status == "cancelled"
    assert in_turn(crowd.began) == list(handlers)


@pytest.mark.parametrize("way", ["client", "dbos"])
async def test_who_waits_can_be_deleted(journal_url: str, way: str) -> None:
    crowd = Crowd()
    async with launched(journal_url) as runtime:
        handlers = begin(Crowded(crowd, runtime=runtime))
        await until(are_recorded(runtime))

        if way == "client":
            await Client(runtime).delete("run-2")
        else:
            await DBOS.delete_workflow_async("run-2")
        with pytest.raises(UnknownRunError):
            await soon(handlers["run-2"])
        await until(lambda: runtime.before("run-2") is None)
        del handlers["run-2"]
        await empty(crowd, handlers)

    assert in_turn(crowd.began) == list(handlers)


def test_who_waits_can_be_sent_to(journal_url: str) -> None:
    """The message is there when it has a place, in whichever life."""

    async def send(runtime: DBOSRuntime) -> None:
        asking = Asking(runtime=runtime, num_concurrent_runs=1)
        for run_id in ("a", "b"):
            asking.run(run_id=run_id)._result_task.add_done_callback(_seen)
        await until(lambda: status(runtime, "b") == "ENQUEUED")
        await runtime.send("b", Answer(text="Bob"))

    async def finish(runtime: DBOSRuntime) -> list[Any]:
        asking = Asking(runtime=runtime, num_concurrent_runs=1)
        handlers = [asking.run(run_id=run_id) for run_id in ("a", "b")]
        await until(lambda: runtime.before("b") == 0)
        await runtime.send("a", Answer(text="Ada"))
        return [await soon(handler) for handler in handlers]

    live(journal_url, send)

    assert live(journal_url, finish) == ["Ada", "Bob"]


async def test_the_events_of_who_waited_are_read_when_it_goes_in(
    journal_url: str,
) -> None:
    crowd = Crowd()
    async with launched(journal_url) as runtime:
        handlers = begin(Crowded(crowd, runtime=runtime))
        await until(are_recorded(runtime))

        async def read() -> list[Any]:
            return [event async for event in handlers["run-2"].stream_events()]

        reading = asyncio.create_task(read())
        await asyncio.wait([reading], timeout=0.1)
        waited = not reading.done()
        for run_id in IDS:
            crowd.gate(run_id).set()

        assert waited
        assert [e.result for e in await soon(reading)] == ["run-2"]


async def test_a_run_that_waits_is_one_run_however_often_it_is_started(
    journal_url: str,
) -> None:
    crowd = Crowd()
    async with launched(journal_url) as runtime:
        workflow = Crowded(crowd, runtime=runtime)
        handlers = begin(workflow)
        await until(are_recorded(runtime))

        again = workflow.run(run_id="run-4", name="run-4")
        with pytest.raises(OtherArgumentsError):
            await soon(workflow.run(run_id="run-4", name="another"))
        await empty(crowd, handlers)

        assert await soon(again) == "run-4"
        assert in_turn(crowd.began) == IDS


async def test_a_class_that_is_defined_again_may_let_more_in(journal_url: str) -> None:
    """Its limit counts for all runs of its name; who waits keeps the class it had."""
    crowd, other = Crowd(), Crowd()
    async with launched(journal_url) as runtime:
        begin(Crowded(crowd, runtime=runtime))
        await until(are_recorded(runtime))

        Crowded(other, num_concurrent_runs=5, runtime=runtime)
        await until(lambda: len(crowd.inside) == 5)

        assert runtime.before("run-5") == 0
        assert other.began == []


async def test_a_limit_is_of_one_workflow(journal_url: str) -> None:
    crowd = Crowd()
    async with launched(journal_url) as runtime:
        begin(Crowded(crowd, runtime=runtime))
        await until(are_recorded(runtime))
        other = Crowded(crowd, workflow_name="another", runtime=runtime)

        handler = other.run(run_id="other", name="other")
        crowd.gate("other").set()

        assert await soon(handler) == "other"


def test_who_waits_for_another_executor_is_left_to_it(journal_url: str) -> None:
    crowd, other = Crowd(), Crowd()

    async def fill(runtime: DBOSRuntime) -> None:
        begin(Crowded(crowd, runtime=runtime))
        await until(are_recorded(runtime))

    async def look(runtime: DBOSRuntime) -> tuple[str, str | None]:
        workflow = Crowded(other, runtime=runtime)
        handler = workflow.run(run_id="mine", name="mine")
        other.gate("mine").set()
        await soon(handler)
        info = await Client(runtime).run("run-2").info()
        with pytest.raises(StrandedRunError):
            await soon(Client(runtime).run("run-2").result())
        return info.status, info.waits_for

    live(journal_url, fill)
    said = live(journal_url, look, executor_id="another")

    assert said == (
        "interrupted",
        "executor local (not alive)",
    )
    assert other.began == ["mine"]


def test_who_waits_says_that_its_class_is_missing(journal_url: str) -> None:
    async def fill(runtime: DBOSRuntime) -> None:
        begin(Crowded(Crowd(), runtime=runtime))
        await until(are_recorded(runtime))

    async def look(runtime: DBOSRuntime) -> str | None:
        await until(lambda: "run-5" in runtime.undefined())
        return (await Client(runtime).run("run-5").info()).waits_for

    live(journal_url, fill)

    said = live(journal_url, look)
    assert said == "the definition of Crowded (run the cell that defines it)"


async def test_who_waits_is_not_concerned_that_the_server_is_away(
    postgres_url: str, postgres_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever is inside stands still, and nobody else does."""
    crowd = Crowd()
    settings = Settings(
        database_url=postgres_url, busy_timeout_s=0.2, queue_poll_s=0.05
    )
    async with launched(postgres_url, settings=settings) as runtime:
        handlers = begin(Crowded(crowd, num_concurrent_runs=1, runtime=runtime))
        for run_id, handler in handlers.items():
            await runtime.started(run_id, handler._external_adapter)
        await until(lambda: crowd.inside)
        postgres_server.stop("fast")
        try:
            for run_id in IDS:
                crowd.gate(run_id).set()
            await until(lambda: runtime.before("run-1") is None)  # It is its turn.
            await until(lambda: runtime.before("run-5") in (None, 4))
            problems = [runtime.problem(run_id) for run_id in IDS[1:]]
            before = [runtime.before(run_id) for run_id in IDS[1:]]
        finally:
            postgres_server.start()
        waited = [await soon(handlers[run_id]) for run_id in IDS[1:]]

    assert problems == [None] * 5
    assert before == [0, 1, 2, 3, 4]
    assert waited == IDS[1:]
    began = [run_id for run_id in crowd.began if run_id in waited]
    assert list(dict.fromkeys(began)) == waited
    told = {r.__dict__.get("run_id") for r in caplog.records}
    assert len(told & set(IDS[1:])) <= 1


async def test_a_run_that_fails_gives_its_place_back(journal_url: str) -> None:
    class Failing(Logged):
        @step
        async def only(self, ev: StartEvent) -> StopEvent:
            raise ValueError(ev.name)

    async with launched(journal_url) as runtime:
        failing = Failing(num_concurrent_runs=1, runtime=runtime)
        handlers = [failing.run(run_id=run_id, name=run_id) for run_id in IDS]
        for run_id, handler in zip(IDS, handlers, strict=True):
            with pytest.raises(ValueError, match=run_id):
                await soon(handler)


@pytest.mark.parametrize("idle_timeout", [None, 0.0])
def test_a_run_that_waits_for_a_person_keeps_its_place_over_a_restart(
    journal_url: str, idle_timeout: float | None
) -> None:
    """It is not left out of memory, where it would hold none."""
    log: list[str] = []

    async def fill(runtime: DBOSRuntime) -> None:
        asking = Asking(log, runtime=runtime, num_concurrent_runs=1)
        for run_id in ("a", "b"):
            asking.run(run_id=run_id)._result_task.add_done_callback(_seen)
        await until(lambda: status(runtime, "b") == "ENQUEUED")
        await until(lambda: (run := runtime.live("a")) and run.rest_until)

    async def finish(runtime: DBOSRuntime) -> list[Any]:
        Asking(log, runtime=runtime, num_concurrent_runs=1)
        await until(lambda: (run := runtime.live("a")) and run.rest_until)
        assert runtime.before("b") == 0
        await runtime.send("a", Answer(text="Ada"))
        await runtime.send("b", Answer(text="Bob"))
        return [(await soon(runtime.result(run_id))).result for run_id in ("a", "b")]

    live(journal_url, fill, idle_timeout=idle_timeout)

    assert live(journal_url, finish, idle_timeout=idle_timeout) == ["Ada", "Bob"]
    assert log == ["ask", "hear Ada", "ask", "hear Bob"]


async def test_a_child_that_waits_for_a_place_is_deleted_with_its_parent(
    journal_url: str,
) -> None:
    crowd = Crowd()

    class Parent(Workflow):
        @step
        async def only(self, ev: StartEvent) -> StopEvent:
            return StopEvent(result=await child.run(run_id="child", name="child"))

    async with launched(journal_url) as runtime:
        child = Crowded(crowd, num_concurrent_runs=1, runtime=runtime)
        first = child.run(run_id="first", name="first")
        await until(lambda: crowd.inside)
        parent = Parent(runtime=runtime).run(run_id="parent")
        parent._result_task.add_done_callback(_seen)
        await until(lambda: status(runtime, "child") == "ENQUEUED")

        await Client(runtime).delete("parent")
        assert runtime.store.run("child") is None
        assert runtime.before("child") is None
        crowd.gate("first").set()

        assert await soon(first) == "first"
    assert crowd.began == ["first"]
