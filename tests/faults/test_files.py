"""What can happen to the file: deleted, moved, replaced, copied hot, made read-only."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from process_lives import add, launched, live, never, soon, until
from sample_workflows import Answer, Asking, Counted, Counter, Other

from durable_notebook import DBOSRuntime
from durable_notebook._config import Settings
from durable_notebook.errors import DurableNotebookError, StorageError


@pytest.fixture
def journal_url(journal: Path) -> str:
    """The backend that this is about."""
    return f"sqlite:///{journal}"


async def test_a_moved_database_stops_the_run_until_it_is_back(
    journal: Path, journal_url: str
) -> None:
    """Writing on would succeed, and be lost: the file has no name any more."""
    log: list[str] = []
    gate = asyncio.Event()
    async with launched(journal_url) as runtime:
        workflow = Counter(log, gate.wait, runtime=runtime)
        handler = workflow.run(run_id="c")
        await until(lambda: "increment 3" in log)
        journal.rename(journal.with_name("away"))
        gate.set()
        with pytest.raises(StorageError, match="deleted or moved") as refused:
            await soon(handler)
        assert refused.value.database == str(journal)
        assert log[-1] == "increment 3"

        journal.with_name("away").rename(journal)
        assert await soon(workflow.run(run_id="c")) == Counted(final_count=5)

    assert log.count("increment 2") == 1


async def test_a_message_to_a_deleted_database_is_not_acknowledged(
    journal: Path, journal_url: str
) -> None:
    async with launched(journal_url) as runtime:
        Asking(runtime=runtime).run(run_id="a")
        await until(lambda: runtime.store.last_entry("a") is not None)
        for path in journal.parent.glob("journal.sqlite*"):
            path.unlink()
        with pytest.raises(StorageError, match="deleted or moved"):
            await soon(runtime.post("a", add(Answer(text="Ada"))))
        journal.touch()
        with pytest.raises(StorageError, match="another file"):
            await soon(runtime.post("a", add(Answer(text="Ada"))))


def test_after_a_deletion_a_launch_begins_anew(journal: Path, journal_url: str) -> None:
    async def delete(runtime: DBOSRuntime) -> None:
        for path in journal.parent.glob("journal.sqlite*"):
            path.unlink()

    async def use(runtime: DBOSRuntime) -> object:
        assert runtime.store.runs() == []
        return await soon(Other(runtime=runtime).run(run_id="o"))

    live(journal_url, delete)

    assert live(journal_url, use) == "other"


def by_backup(journal: Path, copy: Path) -> None:
    with (
        closing(sqlite3.connect(journal)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def by_vacuum(journal: Path, copy: Path) -> None:
    with closing(sqlite3.connect(journal)) as source:
        source.execute("VACUUM INTO ?", (str(copy),))


@pytest.mark.parametrize("copied", [by_backup, by_vacuum])
def test_a_hot_copy_goes_on_where_it_was_made(
    journal_url: str, journal: Path, tmp_path: Path, copied: Callable[..., None]
) -> None:
    log: list[str] = []
    copy = tmp_path / "copy.sqlite"

    async def use(runtime: DBOSRuntime) -> object:
        gate = asyncio.Event()
        handler = Counter(log, gate.wait, runtime=runtime).run(run_id="c")
        await until(lambda: "increment 3" in log)
        await asyncio.to_thread(copied, journal, copy)
        gate.set()
        return await soon(handler)

    async def go_on(runtime: DBOSRuntime) -> object:
        return await soon(Counter(log, runtime=runtime).run(run_id="c"))

    assert live(journal_url, use) == Counted(final_count=5)
    log.clear()
    assert live(f"sqlite:///{copy}", go_on) == Counted(final_count=5)
    assert log == ["increment 3", "increment 4"]


# -- rights ---------------------------------------------------------------------------

# Root may write everywhere; without this capability it is a user like others.
LAUNCH = """
import asyncio, ctypes, json, os, sys
from durable_notebook import DBOSRuntime
from durable_notebook.errors import DurableNotebookError

class Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]
class Data(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint32) for n in ("effective", "permitted", "inheritable")]
if os.getuid() == 0:
    libc = ctypes.CDLL(None, use_errno=True)
    header = Header(0x20080522, 0)
    assert libc.capset(ctypes.byref(header), (Data * 2)()) == 0, ctypes.get_errno()

async def main():
    for path in sys.argv[1:]:
        try:
            await DBOSRuntime(database_url=f"sqlite:///{path}").launch()
            said = "launched"
        except DurableNotebookError as e:
            said = [type(e).__name__, str(e)]
        print(json.dumps(said))

asyncio.run(main())
"""


def test_what_may_not_be_written_is_refused_by_its_name(tmp_path: Path) -> None:
    paths = []
    for name in ("file", "folder", "nothing", "locks"):
        folder = tmp_path / name
        folder.mkdir()
        paths.append(folder / "journal.sqlite")
        if name != "nothing":
            live(f"sqlite:///{paths[-1]}", never_mind)
        if name == "file":
            paths[-1].chmod(0o400)
        elif name == "locks":
            for lock in folder.glob("*.lock"):
                lock.chmod(0o000)
        else:
            folder.chmod(0o500)

    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, *map(str, paths)],
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    for path, line in zip(paths, done.stdout.splitlines(), strict=True):
        kind, said = json.loads(line)
        assert kind == "StorageError"
        assert said.startswith(f"{path} could not be used: ")
        path.parent.chmod(0o700)


async def never_mind(runtime: DBOSRuntime) -> None:
    pass


def test_all_that_a_run_leaves_is_for_its_owner_only(tmp_path: Path) -> None:
    """Whatever the umask: journals hold what events hold."""
    before = os.umask(0)
    try:
        live(f"sqlite:///{tmp_path}/new/journal.sqlite", run_and_look)
    finally:
        os.umask(before)


async def run_and_look(runtime: DBOSRuntime) -> None:
    log: list[str] = []
    Counter(log, never, runtime=runtime).run(run_id="c")
    await until(lambda: "increment 3" in log)
    folder = Path(runtime.store.name).parent
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


# -- passwords ------------------------------------------------------------------------

URLS = [
    "postgresql://me:hunter2@db/journal",
    "sqlite://me:hunter2@host/journal.sqlite",
    "sqlite://me:hunter2@host",
    "mysql://me:hunter2@db/journal?password=hunter2",
]


@pytest.mark.parametrize("url", URLS)
async def test_a_password_is_in_no_error_log_or_repr(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = Settings(database_url=url)
    runtime = DBOSRuntime(settings)

    with pytest.raises(DurableNotebookError) as refused:
        await runtime.launch()

    shown = [str(refused.value), repr(refused.value), repr(settings), repr(runtime)]
    assert not any("hunter2" in text for text in [*shown, caplog.text])
