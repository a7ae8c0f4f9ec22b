"""A server that takes a request and never says anything again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from store_samples import Database, new_entry

from durable_notebook._config import Settings
from durable_notebook.errors import StorageError
from durable_notebook.store import Store, open_store
from durable_notebook.store._postgres_connection import Connection
from tests.bad_line import BadLine


@pytest.fixture
def url(postgres_url: str, bad_line: BadLine) -> str:
    """A journal at the other end of the bad line."""
    return bad_line.url(postgres_url)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    found = open_store(url, Settings())
    yield found
    found.close()


def test_a_connection_to_it_is_given_up(url: str, bad_line: BadLine) -> None:
    with closing(Connection.connect(url, autocommit=True)) as connection:
        connection.silence_s = 0.3

        with (
            bad_line.silent(),
            pytest.raises(psycopg.OperationalError, match="nothing"),
        ):
            connection.execute("SELECT 1")

        assert connection.closed


def test_a_connection_that_says_something_now_and_then_is_not(url: str) -> None:
    with closing(Connection.connect(url, autocommit=True)) as connection:
        connection.silence_s = 2.0

        # Each row is more than the server collects before it sends.
        rows = connection.execute(
            "SELECT repeat('x', 100000), pg_sleep(0.3) FROM generate_series(1, 10)"
        ).fetchall()

    assert len(rows) == 10


def test_a_loop_is_not_held_up_by_a_read(store: Store, bad_line: BadLine) -> None:
    async def read() -> None:
        with pytest.raises(StorageError):
            store.run("r")

    with bad_line.silent():
        asyncio.run(asyncio.wait_for(read(), 30))


def test_what_it_was_asked_to_write_is_there_once(
    postgres_url: str, store: Store, bad_line: BadLine
) -> None:
    """It was only slow: what it has got it does, and then it is lost."""
    Database(postgres_url).add_run("r")

    with bad_line.silent(is_lost=True):
        futures = [store.append(new_entry("r", n)) for n in range(3)]

    for future in futures:
        future.result(timeout=20)
    assert [e.position for e in store.entries("r")] == [0, 1, 2]
