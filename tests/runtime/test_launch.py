"""How a runtime is launched and ended, and what it refuses."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest
from dbos import DBOS, SetWorkflowID
from process_lives import launched, live, never, quick_dbos, soon, until
from sample_workflows import Counter, Once, Other

from durable_notebook import DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook.engine import ExecutorLock
from durable_notebook.errors import (
    ConfigError,
    ExecutorInUseError,
    NotLaunchedError,
)
from durable_notebook.store import open_store


async def test_a_runtime_that_is_not_launched_says_so(journal_url: str) -> None:
    runtime = DBOSRuntime(database_url=journal_url)
    workflow = Other(runtime=runtime)

    with pytest.raises(NotLaunchedError, match=r"await runtime\.launch\(\)"):
        await soon(workflow.run())


async def test_an_ended_runtime_says_so(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        workflow = Other(runtime=runtime)
        await soon(workflow.run(run_id="o"))

    with pytest.raises(NotLaunchedError):
        await soon(workflow.run(run_id="o"))
    with pytest.raises(NotLaunchedError):
        assert runtime.store


async def test_launching_and_destroying_twice_does_it_once(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        session = runtime.session
        await runtime.launch()

        assert runtime.session == session
        await runtime.destroy()
        await runtime.destroy()


async def test_each_life_has_its_own_session(journal_url: str) -> None:
    sessions = []
    for _ in range(3):
        async with launched(journal_url) as runtime:
            sessions.append(runtime.session)

    assert sessions == sorted(set(sessions))


async def test_a_console_that_was_closed_keeps_nothing_from_launching(
    journal_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of a test is that captured what an earlier launch would have said."""
    console = logging.StreamHandler(io.StringIO())
    monkeypatch.setattr(logging.getLogger("dbos"), "handlers", [console])
    console.stream.close()

    async with launched(journal_url) as runtime:
        assert runtime.session


async def test_one_process_has_one_runtime(journal_url: str) -> None:
    async with launched(journal_url) as runtime:
        with pytest.raises(ConfigError, match="already launched"):
            await DBOSRuntime(database_url=journal_url).launch()

        assert await soon(Other(runtime=runtime).run()) == "other"


async def test_no_database_is_an_error_with_a_remedy() -> None:
    with pytest.raises(ConfigError, match="'database_url'"):
        await DBOSRuntime().launch()


async def test_two_databases_are_an_error(journal_url: str, tmp_path: Path) -> None:
    quick_dbos(journal_url)

    with pytest.raises(ConfigError, match="Leave one of them out"):
        await DBOSRuntime(database_url=f"sqlite:///{tmp_path}/other.sqlite").launch()

    DBOS.destroy()


async def test_a_database_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="SQLite") as refused:
        await DBOSRuntime(database_url="mysql://me:secret@db/journal").launch()

    assert "secret" not in str(refused.value)


async def test_a_launch_that_was_refused_can_be_repeated(
    journal_url: str,
) -> None:
    """Whoever holds the executor's lock stands for another process."""
    other = open_store(journal_url, Settings())
    lock = ExecutorLock.take(other, "local")
    with pytest.raises(ExecutorInUseError):
        await DBOSRuntime(database_url=journal_url).launch()
    lock.release()
    other.close()

    async with launched(journal_url) as runtime:
        assert await soon(Other(runtime=runtime).run()) == "other"


async def test_an_executor_is_alive_while_a_process_holds_it(
    journal_url: str,
) -> None:
    async with launched(journal_url) as runtime:
        lock = ExecutorLock.take(runtime.store, "another")
        before = runtime.is_executor_alive("another")
        lock.release()

        assert before
        assert not runtime.is_executor_alive("another")
        assert runtime.is_executor_alive(runtime.executor_id)


async def test_a_notebook_gets_its_executor_back(journal_url: str) -> None:
    """Two lives of one notebook's kernel; its DBOS is the runtime's own."""
    settings = Settings(database_url=journal_url, notebook="/home/me/a.ipynb")
    ids = []
    for _ in range(2):
        async with DBOSRuntime(settings) as runtime:
            ids.append(runtime.executor_id)

    assert ids[0] == ids[1]
    assert ids[0].startswith("notebook-")


def test_constructing_a_runtime_opens_nothing(tmp_path: Path) -> None:
    runtime = DBOSRuntime(database_url=f"sqlite:///{tmp_path}/deep/journal.sqlite")
    Counter(runtime=runtime)

    assert list(tmp_path.iterdir()) == []


def test_runs_of_other_dbos_workflows_are_left_to_dbos(journal_url: str) -> None:
    log: list[str] = []

    @DBOS.workflow(name="theirs_recovered")
    async def theirs() -> str:
        log.append("theirs")
        if len(log) == 1:
            await never()
        return "done"

    async def begin(runtime: DBOSRuntime) -> None:
        with SetWorkflowID("t"):
            await DBOS.start_workflow_async(theirs)
        await until(lambda: log)

    async def use(runtime: DBOSRuntime) -> object:
        handle = await DBOS.retrieve_workflow_async("t")
        ours = await soon(Once(runtime=runtime).run(value=1))
        return await soon(handle.get_result()), ours

    live(journal_url, begin)

    assert live(journal_url, use) == ("done", 1)
    assert log == ["theirs"] * 2
