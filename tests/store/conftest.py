"""The contract suite runs on each backend; each test may open several stores on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from store_samples import Database

from durable_notebook._config import Settings
from durable_notebook.store import Store, open_store


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """A database of a backend with all tables, and nothing in them."""
    return Database(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def opens(database: Database) -> Iterator[Callable[..., Store]]:
    """Opens stores on the database, as several processes would."""
    stores: list[Store] = []

    def opened(settings: Settings | None = None) -> Store:
        stores.append(open_store(database.url, settings or Settings()))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def store(opens: Callable[..., Store]) -> Store:
    return opens()


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(no_leaks: None) -> None:
    pass
