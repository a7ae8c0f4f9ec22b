"""A list that is looked at again and again reads what has changed, and sees all."""

from __future__ import annotations

import pytest
from process_lives import launched, soon, until
from sample_workflows import Answer, Asking, Counter

from durable_notebook import Client, DBOSRuntime
from durable_notebook._model import RunStatus
from durable_notebook.client._listing import Listing


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{request.getfixturevalue('journal')}"


async def ask(runtime: DBOSRuntime, run_id: str = "a") -> None:
    Asking(runtime=runtime).run(run_id=run_id)
    await until(lambda: (e := runtime.store.last_entry(run_id)) and e.entry.prompts)


async def states(listing: Listing) -> dict[str, str]:
    return {info.run_id: str(info.status) for info in await listing.look()}


async def test_it_sees_runs_begin_wait_end_and_go(url: str) -> None:
    async with launched(url) as runtime:
        client = Client(runtime)
        listing = client.listing()
        assert await listing.look() == []

        await soon(Counter(runtime=runtime).run(run_id="c"))
        await ask(runtime)
        assert await states(listing) == {"a": "waiting", "c": "completed"}
        assert listing.infos == await client.runs()

        await client.answer("a", {"text": "Ada"})
        await soon(client.run("a").result())
        assert await states(listing) == {"a": "completed", "c": "completed"}

        await client.delete("c")
        assert await states(listing) == {"a": "completed"}


async def test_what_has_not_changed_is_the_same_object(url: str) -> None:
    async with launched(url) as runtime:
        listing = Client(runtime).listing()
        await soon(Counter(runtime=runtime).run(run_id="c"))
        await ask(runtime)
        before = await listing.look()

        assert all(a is b for a, b in zip(before, await listing.look(), strict=True))
        await runtime.send("a", Answer(text="Ada"))
        await soon(runtime.result("a"))
        a, c = await listing.look()

    assert c is before[1]
    assert (a.status, before[0].status) == (RunStatus.COMPLETED, RunStatus.WAITING)


async def test_it_sees_a_process_die_that_wrote_nothing(url: str) -> None:
    """Nothing in the database changes then."""
    async with launched(url, executor_id="first") as runtime:
        await ask(runtime)

    async with launched(url, executor_id="second") as runtime:
        listing = Client(runtime).listing()
        first = runtime.store.hold("first")
        assert first is not None
        assert await states(listing) == {"a": "waiting"}

        first.release()

        await until(lambda: not runtime.is_executor_alive("first"))
        assert await states(listing) == {"a": "interrupted"}
