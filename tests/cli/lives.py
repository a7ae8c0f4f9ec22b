"""Journals to look at: what a process has left when it ended."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from process_lives import live, reading, soon, until
from sample_workflows import Asking, Counted, Counter, Failing, OutOfPaperError
from workflows import Workflow

from durable_notebook import DBOSRuntime

# Only a file has these faults.
on_a_file = pytest.mark.parametrize("journal_url", ["sqlite"], indirect=True)


def change(url: str, statement: str, **values: object) -> None:
    """Change the tables behind everybody's back."""
    with reading(url) as connection:
        connection.execute(sa.text(statement), values)
        connection.commit()


def newer(url: str) -> None:
    """A journal that a later version of this package has written."""
    change(url, "INSERT INTO durable_migration VALUES (99, 'later', 1.0)")


def asked(url: str, run_id: str = "a", kind: type[Workflow] = Asking) -> None:
    """A run that waits for a person, and whose process has ended."""

    async def ask(runtime: DBOSRuntime) -> None:
        kind(runtime=runtime).run(run_id=run_id)
        await until(lambda: _prompts(runtime, run_id))

    live(url, ask)


def _prompts(runtime: DBOSRuntime, run_id: str) -> object:
    last = runtime.store.last_entry(run_id)
    return last is not None and last.entry.prompts


def counted(url: str, *run_ids: str) -> None:
    """Runs that have completed, one after the other."""

    async def count(runtime: DBOSRuntime) -> None:
        for run_id in run_ids:
            result = await soon(Counter(runtime=runtime).run(run_id=run_id))
            assert result == Counted(final_count=5)

    live(url, count)


def interrupted(url: str, run_id: str = "c") -> None:
    """A run whose process has ended in the middle of its fourth count."""

    async def count(runtime: DBOSRuntime) -> None:
        log: list[str] = []
        Counter(log, asyncio.Event().wait, runtime=runtime).run(run_id=run_id)
        await until(lambda: "increment 3" in log)

    live(url, count)


def failed(url: str, run_id: str = "f") -> None:
    """A run that has ended with an error."""

    async def fail(runtime: DBOSRuntime) -> None:
        handler = Failing(runtime=runtime).run(run_id=run_id)
        with pytest.raises(OutOfPaperError):
            await soon(handler)

    live(url, fail)
