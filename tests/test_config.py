"""What a runtime can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from durable_notebook._config import (
    URL_VARIABLE,
    Settings,
    check_backend,
    check_url,
    is_postgres,
    postgres_url,
    sqlite_path,
    url_from_environment,
    without_password,
)
from durable_notebook._lease import LeaseTerms
from durable_notebook.errors import ConfigError


def test_the_defaults_survive_a_loss_of_power() -> None:
    settings = Settings()

    assert settings.durability == "full"
    assert settings.database_url is None
    assert settings.busy_timeout_s > 0


@pytest.mark.parametrize(
    "options",
    [
        {"durability": "none"},
        {"durability": "FULL"},
        {"busy_timeout_s": -1},
        {"mailbox_poll_s": 0},
        {"mailbox_poll_s": -0.5},
        {"mailbox_poll_s": float("nan")},
        {"queue_poll_s": float("nan")},
        {"busy_timeout_s": float("nan")},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as refused:
        Settings(**options)

    assert str(refused.value).endswith((refused.value.remedy,))


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("database_url", Path("journal.sqlite"), "str | None"),
        ("executor_id", 5, "str | None"),
        ("busy_timeout_s", "30", "float"),
        ("idle_timeout_s", "30", "float | None"),
        ("snapshot_every", 1.5, "int"),
        ("migrate", "no", "bool"),
        ("redact", 5, "Collection[str]"),
        ("recover", 7, "Collection[str] | None"),
        ("executor_lease", {"pool_size": 2}, "LeaseTerms | None"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: Any, wanted: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Settings(**{name: value})

    kind = type(value).__name__
    assert refused.value.problem == f"'{name}' cannot be of type '{kind}'."
    assert refused.value.remedy == f"Give one of type '{wanted}'."


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////tmp/a.sqlite", Path("/tmp/a.sqlite")),
        ("sqlite:///a.sqlite", Path.cwd() / "a.sqlite"),
        ("sqlite:///my notes/ä.db", Path.cwd() / "my notes" / "ä.db"),
        ("sqlite+pysqlite:////tmp/a.sqlite", Path("/tmp/a.sqlite")),
        ("sqlite:////tmp/a.sqlite?timeout=5", Path("/tmp/a.sqlite")),
    ],
)
def test_a_sqlite_url_names_a_file(url: str, path: Path) -> None:
    assert sqlite_path(url) == path


@pytest.mark.parametrize(
    "url",
    [
        "",
        "journal.sqlite",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&cache=shared&uri=true:memory:",
        "mysql://host/database",
    ],
)
def test_a_url_that_names_no_file_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"sqlite:///journal\.sqlite"):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:pw@host:5432/db?sslmode=require",
        "postgres://me:pw@host:5432/db?sslmode=require",
        "postgresql+psycopg://me:pw@host:5432/db?sslmode=require",
    ],
)
def test_a_postgres_url_has_one_form(url: str) -> None:
    check_url(url)

    assert is_postgres(url)
    assert postgres_url(url) == "postgresql://me:pw@host:5432/db?sslmode=require"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg2://me:secret@host/db",
        "postgresql+asyncpg://me:secret@host/db",
        "postgresql://me:secret@host",
        "postgresql://me:secret@host/",
        "postgresql://me:secret@host/?sslmode=require",
    ],
)
def test_a_postgres_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="postgresql://user@host/database") as refused:
        check_url(url)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("password", ["my@secret", "my/secret", "my/@secret"])
def test_a_password_that_ends_too_early_is_not_told(password: str) -> None:
    with pytest.raises(ConfigError, match="%40") as refused:
        check_url(f"postgresql://me:{password}@host/db")

    assert "secret" not in str(refused.value)
    assert "my" not in str(refused.value)


@pytest.mark.parametrize(
    "password", ["my[secret", "my]secret", "[secret]", "[::secret"]
)
def test_a_password_may_have_brackets(password: str) -> None:
    url = f"postgresql://me:{password}@host/db"
    check_url(url)

    assert is_postgres(url)
    assert postgres_url(url) == url
    assert make_url(url).password == password
    assert "secret" not in without_password(url)


@pytest.mark.parametrize(
    "url", ["postgresql://me:secret@[::1/db", "mysql://me:se[cret@host/db", "[", "//["]
)
def test_a_bracket_that_nothing_closes_is_told(url: str) -> None:
    assert is_postgres(url) == url.startswith("postgresql")
    with pytest.raises(ConfigError) as refused:
        check_url(url)

    assert "secret" not in str(refused.value)


def test_settings_do_not_show_the_password() -> None:
    settings = Settings(database_url="postgresql://me:secret@host/db")

    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"pool_size": 0}, "1 or more"),
        ({"pool_min_size": -1}, "0 or more"),
        ({"pool_size": 2, "pool_min_size": 3}, "as high"),
    ],
)
def test_a_pool_that_cannot_be_is_refused(options: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ConfigError, match=remedy):
        Settings(**options)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("postgresql://host/db", {"durability": "normal"}),
        ("sqlite:///a.sqlite", {"schema": "runs"}),
        ("sqlite:///a.sqlite", {"pool_size": 2}),
        ("sqlite:///a.sqlite", {"pool_min_size": 2}),
        ("sqlite:///a.sqlite", {"executor_lease": LeaseTerms(pool_size=2)}),
    ],
)
def test_an_option_of_the_other_database_is_refused(
    url: str, options: dict[str, Any]
) -> None:
    check_backend(url, Settings())

    with pytest.raises(ConfigError, match=f"Leave '{next(iter(options))}' out"):
        check_backend(url, Settings(**options))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///a.sqlite", "sqlite:///a.sqlite"),
        ("postgresql://host/db", "postgresql://host/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("postgresql://me:pw@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("postgresql://me:p@w:x@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:@host/db?a=b", "postgresql://me:***@host/db?a=b"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_refused_url_does_not_tell_its_password() -> None:
    with pytest.raises(ConfigError) as refused:
        check_url("mysql://me:secret@host/db")

    assert "secret" not in str(refused.value)
    assert "secret" not in repr(refused.value)


def test_the_environment_may_name_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, "sqlite:///there.sqlite")
    named = url_from_environment()
    monkeypatch.setenv(URL_VARIABLE, "")
    empty = url_from_environment()
    monkeypatch.delenv(URL_VARIABLE)

    assert (named, empty, url_from_environment()) == (
        "sqlite:///there.sqlite",
        None,
        None,
    )
