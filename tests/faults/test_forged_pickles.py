"""Somebody writes pickles into the database: nothing of ours ever runs one."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from process_lives import launched, soon, until
from sample_workflows import Counter, Other

from durable_notebook import Client, DBOSRuntime
from durable_notebook._config import is_postgres
from durable_notebook.errors import RunIdTakenError

from .rows import edit, interrupt, read


class Payload:
    """What a forger pickles: reading it makes a file."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.made),)


def forged(made: Path) -> str:
    return base64.b64encode(pickle.dumps(Payload(made))).decode()


def test_the_payload_works(tmp_path: Path) -> None:
    """Or no test below could fail."""
    from dbos._serialization import DefaultSerializer

    DefaultSerializer().deserialize(forged(tmp_path / "made"))

    assert (tmp_path / "made").exists()


OF_C = "WHERE workflow_uuid = 'c'"
PICKLED = f"UPDATE workflow_status SET serialization = 'py_pickle' {OF_C}"
ROWS = {
    "its input": f"{PICKLED}; UPDATE workflow_input SET inputs = ? {OF_C}",
    "its input, ours at first sight": (
        f"{PICKLED}; UPDATE workflow_input SET inputs = inputs || ? {OF_C}"
    ),
    "its old input": f"{PICKLED}; UPDATE workflow_status SET inputs = ? {OF_C}",
    "its entries": (
        f"UPDATE operation_outputs SET output = ?, serialization = 'py_pickle' {OF_C}"
    ),
    "errors of its entries": (
        f"UPDATE operation_outputs SET error = ?, serialization = 'py_pickle' {OF_C}"
    ),
    "its output": (
        f"UPDATE workflow_status SET serialization = 'py_pickle', status = 'SUCCESS',"
        f" output = ? {OF_C};"
        " INSERT INTO workflow_output (workflow_uuid, output) VALUES ('c', ?)"
    ),
    "its error": (
        f"UPDATE workflow_status SET serialization = 'py_pickle', status = 'ERROR',"
        f" error = ? {OF_C};"
        " INSERT INTO workflow_output (workflow_uuid, error) VALUES ('c', ?)"
    ),
    "who is asking": (
        f"UPDATE workflow_status SET authenticated_user = ?, request = ?,"
        f" authenticated_roles = ?, attributes = ? {OF_C}"
    ),
    "a message of ours": (
        "INSERT INTO durable_mail (run_id, tick, sent_at) VALUES ('c', ?, 0)"
    ),
    "a message of DBOS": (
        "INSERT INTO notifications (destination_uuid, message, serialization)"
        " VALUES ('c', ?, 'py_pickle')"
    ),
    "an event of DBOS": (
        "INSERT INTO workflow_events VALUES ('c', 'k', ?, 'py_pickle')"
    ),
    "a stream of DBOS": (
        'INSERT INTO streams (workflow_uuid, key, value, "offset", serialization)'
        " VALUES ('c', 'k', ?, 0, 'py_pickle')"
    ),
}


# Where the columns are others.
ON_POSTGRES = {
    "attributes = ?": "attributes = to_jsonb(?::text)",
    "sent_at) VALUES ('c', ?, 0)": "sent_at, token) VALUES"
    " ('c', ?, 0, gen_random_uuid())",
}


def forge(url: str, statements: str, payload: str) -> None:
    for here, there in ON_POSTGRES.items() if is_postgres(url) else ():
        statements = statements.replace(here, there)
    edit(url, statements, *[payload] * statements.count("?"))


@pytest.mark.parametrize("row", ROWS)
async def test_a_pickle_in_a_row_of_a_run_is_not_read(
    journal_url: str, tmp_path: Path, row: str
) -> None:
    await asyncio.to_thread(interrupt, journal_url)
    forge(journal_url, ROWS[row], forged(tmp_path / "made"))

    async with launched(journal_url) as runtime:
        await use_everything(runtime)

    assert not (tmp_path / "made").exists()


async def test_asking_whose_an_id_is_reads_no_pickle(
    journal_url: str, tmp_path: Path
) -> None:
    await asyncio.to_thread(interrupt, journal_url)
    forge(journal_url, ROWS["its input"], forged(tmp_path / "made"))

    async with launched(journal_url) as runtime:
        with pytest.raises(
            RunIdTakenError, match=r"a run of 'sample_workflows\.Counter'"
        ):
            await soon(Other(runtime=runtime).run(run_id="c"))

    assert not (tmp_path / "made").exists()


async def use_everything(runtime: DBOSRuntime) -> None:
    """Whatever a person would try with run `c`; most of it may be refused."""
    client = Client(runtime)
    workflow = Counter(runtime=runtime)
    for use in (
        client.runs,
        lambda: client.run("c").info(),
        lambda: client.run("c").journal(),
        lambda: runtime.resume("c"),
        lambda: briefly(workflow.run(run_id="c")),
        lambda: briefly(Other(runtime=runtime).run(run_id="c")),
        lambda: briefly(runtime.result("c")),
        lambda: briefly(anext(runtime.stream("c"))),
        client.run("c").cancel,
    ):
        with contextlib.suppress(Exception):
            await soon(use())


async def briefly(awaitable: Any) -> Any:
    return await asyncio.wait_for(awaitable, 0.3)


# -- what DBOS would do by itself -----------------------------------------------------

RUN = (
    "INSERT INTO workflow_status (workflow_uuid, name, status, executor_id, owner_xid,"
    " application_name, application_version, created_at, updated_at, serialization,"
    " queue_name, recovery_attempts) SELECT 'forged', name, '{status}', executor_id,"
    " owner_xid, application_name, application_version, created_at, updated_at,"
    " 'py_pickle', {queue}, 0 FROM workflow_status;"
    " INSERT INTO workflow_input (workflow_uuid, inputs) VALUES ('forged', ?)"
)
OF_DBOS = {
    "a run to recover": RUN.format(status="PENDING", queue="NULL"),
    "a run in the queue": RUN.format(status="ENQUEUED", queue="'_dbos_internal_queue'"),
}
SCHEDULE = (
    "INSERT INTO workflow_schedules (schedule_id, schedule_name, workflow_name,"
    " schedule, context, application_name) VALUES ('s', 's',"
    " 'sample_workflows.Counter', '* * * * * *', ?, 'durable-notebook')"
)


@pytest.mark.parametrize("row", OF_DBOS)
async def test_a_pickle_that_dbos_would_run_is_refused_by_a_dbos_of_ours(
    journal_url: str, tmp_path: Path, row: str
) -> None:
    await asyncio.to_thread(interrupt, journal_url)
    forge(journal_url, OF_DBOS[row], forged(tmp_path / "made"))
    query = "SELECT status FROM workflow_status WHERE workflow_uuid = 'forged'"

    async with DBOSRuntime(database_url=journal_url) as runtime:
        runtime.define(Counter(runtime=runtime))
        await soon(runtime.result("c"))
        await until(
            lambda: (
                read(journal_url, query) == [("ERROR",)] or (tmp_path / "made").exists()
            )
        )

    assert not (tmp_path / "made").exists()


async def test_a_pickled_schedule_is_refused_by_a_dbos_of_ours(
    journal_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(interrupt, journal_url)
    forge(journal_url, SCHEDULE, forged(tmp_path / "made"))
    ended: list[object] = []
    monkeypatch.setattr(threading, "excepthook", ended.append)

    async with DBOSRuntime(database_url=journal_url) as runtime:
        runtime.define(Counter(runtime=runtime))
        # DBOS's scheduler gives up over a context that is not JSON.
        await until(lambda: ended or (tmp_path / "made").exists())

    assert not (tmp_path / "made").exists()


async def test_the_tools_of_dbos_read_no_pickle_either(
    journal_url: str, tmp_path: Path
) -> None:
    await asyncio.to_thread(interrupt, journal_url)
    for name in ("its entries", "its old input"):
        forge(journal_url, ROWS[name], forged(tmp_path / "made"))

    async with DBOSRuntime(database_url=journal_url):
        for tool in (DBOS.list_workflow_steps_async, DBOS.get_workflow_status_async):
            with contextlib.suppress(TypeError):
                await tool("c")
        await DBOS.list_workflows_async()

    assert not (tmp_path / "made").exists()
