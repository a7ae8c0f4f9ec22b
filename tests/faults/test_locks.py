"""Another program holds the write lock of the database."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from process_lives import add, launched, reading, soon, until
from sample_workflows import Answer, Asking, Counted, Counter

from durable_notebook import DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook.errors import StorageError

QUICK = Settings(busy_timeout_s=0.1)
IS_LONG = bool(os.environ.get("FAULTS_LONG"))

# A lock of a minute outlasts the busy timeout: a run stands still, and is run again.
HELD_S = [1, 8, 60] if IS_LONG else [1]


# What the database says of a write that has waited for too long.
REFUSED = "database is locked|lock timeout"

TABLES = ("workflow_status", "operation_outputs", "durable_mail")


@contextmanager
def locked(url: str, tables: tuple[str, ...] = TABLES) -> Iterator[sa.Connection]:
    """Nobody can write in this block, unless it rolls the other's work back.

    On Postgres to these tables; reading goes on, as in SQLite.
    """
    with reading(url) as other:
        if other.dialect.name == "sqlite":
            other.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            names = ", ".join(tables)
            other.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
        yield other
        other.rollback()


@pytest.mark.parametrize("held_s", HELD_S)
async def test_a_run_goes_on_when_a_lock_is_given_back(
    journal_url: str, held_s: int
) -> None:
    log: list[str] = []
    gate = asyncio.Event()
    released = asyncio.Event()
    async with launched(journal_url) as runtime:
        workflow = Counter(log, gate.wait, runtime=runtime)
        handler = workflow.run(run_id="c")
        await until(lambda: "increment 3" in log)
        with locked(journal_url) as other:

            def release() -> None:
                log.append(f"{len(runtime.store.entries('c'))} entries")
                other.rollback()
                released.set()

            asyncio.get_running_loop().call_later(held_s, release)
            gate.set()
            if held_s > Settings().busy_timeout_s:
                with pytest.raises(StorageError, match=REFUSED):
                    await asyncio.wait_for(handler, held_s)
                await released.wait()
                handler = workflow.run(run_id="c")
            result = await asyncio.wait_for(handler, held_s + 10)

    assert result == Counted(final_count=5)
    assert log.index("5 entries") < log.index("increment 4")
    assert log.count("increment 2") == 1


async def test_a_run_stands_still_for_a_lock_that_outlasts_the_timeout(
    journal_url: str,
) -> None:
    log: list[str] = []
    gate = asyncio.Event()
    async with launched(journal_url, settings=QUICK) as runtime:
        workflow = Counter(log, gate.wait, runtime=runtime)
        handler = workflow.run(run_id="c")
        await until(lambda: "increment 3" in log)
        with locked(journal_url):
            gate.set()
            with pytest.raises(StorageError, match=REFUSED) as refused:
                await soon(handler)
            assert runtime.problem("c") is refused.value
            assert log[-1] == "increment 3"
            with pytest.raises(StorageError, match=REFUSED):
                await soon(workflow.run(run_id="c"))

        assert await soon(workflow.run(run_id="c")) == Counted(final_count=5)

    assert log == ["start", *(f"increment {n}" for n in (0, 1, 2, 3, 3, 4))]


async def test_a_message_is_refused_while_locked_and_counts_once_after(
    journal_url: str,
) -> None:
    async with launched(journal_url, settings=QUICK) as runtime:
        handler = Asking(runtime=runtime).run(run_id="a")
        await until(lambda: is_asked(runtime))
        answer = add(Answer(text="Ada"))
        with locked(journal_url), pytest.raises(StorageError, match=REFUSED):
            await soon(runtime.post("a", answer, key="1"))

        assert await soon(runtime.post("a", answer, key="1"))
        assert await soon(handler) == "Ada"
        assert len(runtime.store.mail("a", 0)) == 1


def is_asked(runtime: DBOSRuntime) -> bool:
    last = runtime.store.last_entry("a")
    return last is not None and bool(last.entry.prompts)


async def test_a_launch_is_refused_while_locked(journal_url: str) -> None:
    async with launched(journal_url):
        pass
    runtime = DBOSRuntime(Settings(database_url=journal_url, busy_timeout_s=0.1))
    # DBOS would wait for a lock of its own tables, and its end ten seconds for that.
    ours = ("durable_mail",)
    with locked(journal_url, ours), pytest.raises(StorageError, match=REFUSED):
        await runtime.launch()

    await runtime.launch()
    assert await soon(Counter(runtime=runtime).run()) == Counted(final_count=5)
    await runtime.destroy()
