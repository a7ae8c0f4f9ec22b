"""A row of the journal is missing, doubled, swapped, torn, forged or from the future.

Each is one plain error that names run and position; nothing is changed by trying, and
the run goes on once the row is as it was.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from dbos import DBOS
from process_lives import add, live, never, soon, until
from sample_workflows import Answer, Asking, Counted, Counter, Once, Other, Tick
from workflows.events import Event
from workflows.runtime.types.ticks import TickCancelRun

from durable_notebook import Client, DBOSRuntime
from durable_notebook._model import RunStatus
from durable_notebook.errors import (
    DamagedJournalError,
    JournalTooNewError,
    LostOutcomeError,
    ReplayMismatchError,
    RunFinishedError,
    UnknownRunError,
)

from .rows import ROWS, edit, interrupt, put_back, read, slip_in

OF_C = "workflow_uuid = 'c'"

DAMAGES = {
    "the first is missing": (
        f"DELETE FROM operation_outputs WHERE {OF_C} AND function_id = 1",
        0,
    ),
    "one is missing": (
        f"DELETE FROM operation_outputs WHERE {OF_C} AND function_id = 3",
        2,
    ),
    "one is doubled": (
        "UPDATE operation_outputs SET function_id = -function_id WHERE"
        " function_id > 3; UPDATE operation_outputs SET function_id = 1 - function_id"
        " WHERE function_id < 0; INSERT INTO operation_outputs (workflow_uuid,"
        " function_id, function_name, output, serialization, application_name)"
        " SELECT workflow_uuid, 4, function_name, output, serialization,"
        " application_name FROM operation_outputs WHERE function_id = 3",
        3,
    ),
    "two are swapped": (
        "UPDATE operation_outputs SET function_id = -function_id WHERE"
        " function_id IN (2, 3); UPDATE operation_outputs SET function_id ="
        " 5 + function_id WHERE function_id < 0",
        1,
    ),
    "one is torn": (
        "UPDATE operation_outputs SET output = substr(output, 1, 40)"
        " WHERE function_id = 4",
        3,
    ),
    "the last is torn": (
        "UPDATE operation_outputs SET output = substr(output, 1, length(output) - 1)"
        " WHERE function_id = 5",
        4,
    ),
    "one is empty": (
        "UPDATE operation_outputs SET output = NULL WHERE function_id = 2",
        1,
    ),
    "one is another thing": (
        "UPDATE operation_outputs SET output = '[1, 2]' WHERE function_id = 2",
        1,
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_row_stops_the_run_with_its_position(
    journal_url: str, damage: str
) -> None:
    log = interrupt(journal_url)
    whole = read(journal_url, ROWS)
    statement, position = DAMAGES[damage]
    edit(journal_url, statement)
    before = read(journal_url, ROWS)
    ran = list(log)

    async def use(runtime: DBOSRuntime) -> None:
        handler = Counter(log, runtime=runtime).run(run_id="c")
        with pytest.raises(DamagedJournalError) as refused:
            await soon(handler)
        assert (refused.value.run_id, refused.value.position) == ("c", position)
        (info,) = await Client(runtime).runs()
        assert info.status == RunStatus.INTERRUPTED
        assert info.waits_for == str(refused.value)

    live(journal_url, use)
    assert read(journal_url, ROWS) == before
    assert log == ran
    put_back(journal_url, whole)
    assert live(journal_url, finish) == Counted(final_count=5)


async def finish(runtime: DBOSRuntime) -> object:
    return await soon(Counter(runtime=runtime).run(run_id="c"))


@pytest.mark.parametrize("is_defined", [True, False])
def test_a_torn_row_hides_no_other_run(journal_url: str, is_defined: bool) -> None:
    interrupt(journal_url)
    edit(journal_url, DAMAGES["the last is torn"][0])

    async def use(runtime: DBOSRuntime) -> None:
        if is_defined:
            runtime.define(Counter(runtime=runtime))
        assert await soon(Other(runtime=runtime).run(run_id="o")) == "other"
        infos = {info.run_id: info for info in await Client(runtime).runs()}
        assert infos["o"].status == RunStatus.COMPLETED
        assert infos["c"].status == RunStatus.INTERRUPTED
        for reading in (runtime.result("c"), anext(runtime.stream("c"))):
            with pytest.raises(DamagedJournalError, match="position 4"):
                await soon(reading)

    live(journal_url, use)


VERSIONED = """UPDATE operation_outputs
 SET output = replace(output, '{{"v":{}', '{{"v":{}')"""


@pytest.mark.parametrize("is_defined", [True, False])
@pytest.mark.parametrize("position", [1, 4])
def test_an_entry_of_a_newer_version_is_refused(
    journal_url: str, position: int, is_defined: bool
) -> None:
    log = interrupt(journal_url)
    edit(
        journal_url,
        f"{VERSIONED.format(1, 2)} WHERE function_id = ?",
        position + 1,
    )
    before = read(journal_url, ROWS)

    async def use(runtime: DBOSRuntime) -> None:
        if is_defined:
            runtime.define(Counter(log, runtime=runtime))
        reading = [runtime.stream("c")]
        # Without the class, only what is read of the run can tell.
        if is_defined or position == 4:
            reading.append(results(runtime))
        for each in reading:
            with pytest.raises(JournalTooNewError) as refused:
                await soon(anext(each))
            assert f"run 'c', position {position}" in str(refused.value)
            assert "pip install -U" in str(refused.value)

    live(journal_url, use)
    assert read(journal_url, ROWS) == before
    assert len(log) == 5
    edit(journal_url, VERSIONED.format(2, 1))
    assert live(journal_url, finish) == Counted(final_count=5)


async def results(runtime: DBOSRuntime) -> AsyncGenerator[Event, None]:
    yield await runtime.result("c")


ENDS = ["ERROR", "SUCCESS", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


@pytest.mark.parametrize("status", ENDS)
def test_a_run_that_dbos_has_ended_alone_says_so_to_every_reader(
    journal_url: str, status: str
) -> None:
    interrupt(journal_url)
    edit(journal_url, "UPDATE workflow_status SET status = ?", status)

    async def use(runtime: DBOSRuntime) -> None:
        handler = Counter(runtime=runtime).run(run_id="c")
        for reading in (handler, runtime.result("c")):
            with pytest.raises(LostOutcomeError, match=status):
                await soon(reading)
        events = [event async for event in runtime.stream("c")]
        assert sum(isinstance(event, Tick) for event in events) == 3
        with pytest.raises(RunFinishedError, match="failed"):
            await soon(runtime.post("c", TickCancelRun()))

    live(journal_url, use)


def test_a_run_that_dbos_has_ended_alone_goes_on_when_dbos_rewinds_it(
    journal_url: str,
) -> None:
    """What the error says to do."""
    log = interrupt(journal_url)
    edit(journal_url, "UPDATE workflow_status SET status = 'ERROR'")

    async def use(runtime: DBOSRuntime) -> object:
        runtime.define(Counter(log, runtime=runtime))
        with pytest.raises(LostOutcomeError) as lost:
            await soon(runtime.result("c"))
        await DBOS.rewind_workflow_async("c", start_step=lost.value.step)
        return await soon(runtime.result("c"))

    assert live(journal_url, use) == Counted(final_count=5)
    assert log.count("increment 2") == 1


def test_a_torn_input_does_not_end_the_run(journal_url: str) -> None:
    interrupt(journal_url)
    (whole,) = read(journal_url, "SELECT inputs FROM workflow_input")
    edit(journal_url, "UPDATE workflow_input SET inputs = substr(inputs, 1, 70)")

    async def use(runtime: DBOSRuntime) -> None:
        with pytest.raises(DamagedJournalError, match="its input"):
            await soon(Counter(runtime=runtime).run(run_id="c"))
        (info,) = await Client(runtime).runs()
        assert info.status == RunStatus.INTERRUPTED

    live(journal_url, use)
    assert read(journal_url, "SELECT status FROM workflow_status") == [("PENDING",)]
    edit(journal_url, "UPDATE workflow_input SET inputs = ?", *whole)
    assert live(journal_url, finish) == Counted(final_count=5)


def test_an_input_that_is_none_of_ours_is_refused(journal_url: str) -> None:
    interrupt(journal_url)
    edit(journal_url, "UPDATE workflow_input SET inputs = '{}'")

    async def use(runtime: DBOSRuntime) -> None:
        for _ in range(2):
            with pytest.raises(DamagedJournalError, match="none of ours"):
                await soon(Counter(runtime=runtime).run(run_id="c"))

    live(journal_url, use)


def test_a_torn_message_ends_no_run(
    journal_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It stays, and so does what came after it, until somebody takes it out."""

    async def begin(runtime: DBOSRuntime) -> None:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a") is not None)

    async def use(runtime: DBOSRuntime) -> None:
        other = Asking(runtime=runtime).run(run_id="b")
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.live("a") is not None)
        # Messages of other processes are noticed on: that look must survive it.
        slip_in(journal_url, "a", '{"type": "add_ev')
        await until(lambda: caplog.text.count("cannot read message") == len(TORN) + 1)
        await soon(runtime.post("a", add(Answer(text="Ada"))))
        query = "SELECT tick FROM durable_mail WHERE tick LIKE '%Ada%'"
        slip_in(journal_url, "b", read(journal_url, query)[0][0])
        assert await soon(other) == "Ada"
        assert runtime.live("a") is not None

    async def go_on(runtime: DBOSRuntime) -> object:
        return await soon(Asking(runtime=runtime).run(run_id="a"))

    live(journal_url, begin)
    for tick in TORN:
        slip_in(journal_url, "a", tick)
    live(journal_url, use)
    edit(journal_url, "DELETE FROM durable_mail WHERE tick NOT LIKE '%Ada%'")
    assert live(journal_url, go_on) == "Ada"


TORN = ["[1]", "{}"]


def test_a_start_event_that_cannot_be_read_ends_no_run(journal_url: str) -> None:
    async def start(runtime: DBOSRuntime) -> None:
        Once(gate=never, runtime=runtime).run(run_id="c")
        await until(lambda: runtime.store.run("c") is not None)

    name = "'workflows.events.StartEvent', 'nowhere.Missing'"
    live(journal_url, start)
    edit(journal_url, "DELETE FROM operation_outputs")
    edit(journal_url, f"UPDATE workflow_input SET inputs = replace(inputs, {name})")

    async def use(runtime: DBOSRuntime) -> None:
        with pytest.raises(ReplayMismatchError, match=r"nowhere\.Missing"):
            await soon(Once(runtime=runtime).run(run_id="c"))

    live(journal_url, use)
    assert read(journal_url, "SELECT status FROM workflow_status") == [("PENDING",)]
    assert read(journal_url, "SELECT * FROM operation_outputs") == []


def test_a_run_that_was_deleted_is_unknown(journal_url: str) -> None:
    interrupt(journal_url)

    async def use(runtime: DBOSRuntime) -> object:
        edit(journal_url, "DELETE FROM workflow_input; DELETE FROM workflow_status")
        with pytest.raises(UnknownRunError):
            await soon(runtime.resume("c"))
        with pytest.raises(UnknownRunError):
            await soon(runtime.result("c"))
        return await soon(Other(runtime=runtime).run(run_id="o"))

    assert live(journal_url, use) == "other"
