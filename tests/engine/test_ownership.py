"""One executor lives in one process: locks, kills, and notebooks that come back."""

from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dbos import DBOS

from durable_notebook import DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook.engine import ExecutorLock, choose_executor
from durable_notebook.errors import ExecutorInUseError
from durable_notebook.store import Store, open_store

HOLDER = """
import asyncio, sys
from durable_notebook import DBOSRuntime
async def main():
    url, executor_id = sys.argv[1:]
    async with DBOSRuntime(database_url=url, executor_id=executor_id) as runtime:
        print(runtime.executor_id, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""

Process = subprocess.Popen[str]


@pytest.fixture
def holder(journal_url: str) -> Iterator[Callable[[str], Process]]:
    """Starts processes that are an executor of the journal until they are killed."""
    processes: list[Process] = []

    def start(executor_id: str) -> Process:
        command = [sys.executable, "-c", HOLDER, journal_url, executor_id]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == executor_id
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture(params=["sqlite", "postgres"])
def journal_url(request: pytest.FixtureRequest, journal: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{journal}"


@pytest.fixture
def opens(journal_url: str) -> Iterator[Callable[[], Store]]:
    """Opens stores on the journal, as several processes would."""
    stores: list[Store] = []

    def opened() -> Store:
        stores.append(open_store(journal_url, Settings()))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def store(opens: Callable[[], Store]) -> Store:
    return opens()


async def launch(url: str, executor_id: str) -> str:
    async with DBOSRuntime(database_url=url, executor_id=executor_id) as runtime:
        return runtime.executor_id


async def test_an_executor_of_another_process_is_refused_until_it_is_killed(
    holder: Callable[[str], Process], store: Store, journal_url: str
) -> None:
    process = holder("mine")
    with pytest.raises(ExecutorInUseError) as refused:
        await launch(journal_url, "mine")
    was_held = store.is_held("mine")

    process.kill()
    process.wait(timeout=10)

    deadline = time.monotonic() + 10  # A server notices a moment later.
    while store.is_held("mine"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert await launch(journal_url, "mine") == "mine"
    assert was_held
    assert refused.value.executor_id == "mine"
    assert store.name in str(refused.value)


async def test_two_executors_share_a_journal(
    holder: Callable[[str], Process], journal_url: str
) -> None:
    holder("one")

    assert await launch(journal_url, "two") == "two"


def test_a_lock_is_taken_once(opens: Callable[[], Store]) -> None:
    here, elsewhere = opens(), opens()
    lock = ExecutorLock.take(here, "mine")

    for store in (here, elsewhere):
        with pytest.raises(ExecutorInUseError):
            ExecutorLock.take(store, "mine")

    lock.release()
    ExecutorLock.take(elsewhere, "mine").release()


def test_a_lock_is_for_one_executor(opens: Callable[[], Store]) -> None:
    here, elsewhere = opens(), opens()
    locks = [ExecutorLock.take(here, "mine"), ExecutorLock.take(elsewhere, "yours")]

    held = [here.is_held(name) for name in ("mine", "yours", "no")]
    for lock in locks:
        lock.release()

    assert held == [True, True, False]
    assert not elsewhere.is_held("mine")


def test_a_lock_is_for_one_journal(tmp_path: Path) -> None:
    stores = [open_store(f"sqlite:///{tmp_path}/{n}.sqlite", Settings()) for n in "ab"]

    locks = [ExecutorLock.take(store, "mine") for store in stores]

    assert len(locks) == 2
    for lock, store in zip(locks, stores, strict=True):
        lock.release()
        store.close()


@pytest.fixture
def file_store(journal: Path) -> Iterator[Store]:
    found = open_store(f"sqlite:///{journal}", Settings())
    yield found
    found.close()


def test_asking_whether_a_lock_is_held_makes_no_file(
    file_store: Store, journal: Path
) -> None:
    assert not file_store.is_held("nobody")

    assert list(journal.parent.glob("*.lock")) == []


def test_a_lock_is_beside_the_journal_and_for_its_owner_only(
    file_store: Store, journal: Path
) -> None:
    lock = ExecutorLock.take(file_store, "../../etc/we ird")

    (path,) = journal.parent.glob("*.lock")
    lock.release()

    assert path.name.startswith("journal.sqlite.")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_notebook_gets_its_executor_back(store: Store) -> None:
    first = choose_executor(store, "/home/me/a.ipynb")
    first.release()

    again = choose_executor(store, "/home/me/a.ipynb")
    again.release()

    assert again.executor_id == first.executor_id


def test_a_second_kernel_of_a_notebook_is_an_executor_of_its_own(
    store: Store,
) -> None:
    first = choose_executor(store, "/home/me/a.ipynb")
    second = choose_executor(store, "/home/me/a.ipynb")
    first.release()
    second.release()

    third = choose_executor(store, "/home/me/a.ipynb")
    third.release()

    assert first.executor_id != second.executor_id
    assert third.executor_id in (first.executor_id, second.executor_id)


def test_a_renamed_notebook_gets_its_executor_back(
    store: Store, tmp_path: Path
) -> None:
    before, after = tmp_path / "before.ipynb", tmp_path / "after.ipynb"
    before.touch()
    first = choose_executor(store, str(before))
    first.release()
    before.rename(after)

    again = choose_executor(store, str(after))
    again.release()

    assert again.executor_id == first.executor_id
    assert store.executor_for(str(after)) == [first.executor_id]


def test_another_notebook_leaves_the_executors_of_notebooks_that_are_there(
    store: Store, tmp_path: Path
) -> None:
    here, other = tmp_path / "here.ipynb", tmp_path / "other.ipynb"
    here.touch()
    other.touch()
    first = choose_executor(store, str(here))
    first.release()

    second = choose_executor(store, str(other))
    second.release()

    assert second.executor_id != first.executor_id


async def test_the_executor_of_a_configured_dbos_is_used(journal_url: str) -> None:
    DBOS(
        config={
            "name": "durable-notebook",
            "system_database_url": journal_url,
            "executor_id": "configured",
            "notification_listener_polling_interval_sec": 0.01,
            "log_level": "WARNING",
        }
    )
    async with DBOSRuntime() as runtime:
        executor_id = runtime.executor_id

    assert executor_id == "configured"
