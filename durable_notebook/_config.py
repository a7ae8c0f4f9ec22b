"""Settings: everything a runtime can be told, decided once.

The only place that reads the environment and that says "SQLite or Postgres".
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from durable_notebook._lease import LeaseTerms
from durable_notebook.errors import ConfigError

URL_VARIABLE = "DURABLE_NOTEBOOK_URL"

TOKEN_VARIABLE = "DURABLE_NOTEBOOK_TOKEN"  # noqa: S105

DEFAULT_JOURNAL = Path(".durable_notebook") / "journal.sqlite"
"""Where the journal of a notebook is, below the notebook's folder."""

Durability = Literal["full", "normal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a runtime is opened with.

    Attributes:
        database_url: `sqlite:///path` or `postgresql://user@host/database`, or None
            for the database of the `DBOS(config=...)` that the program has made itself.
        executor_id: Who owns the runs; None for DBOS's own (`local` by default).
        notebook: Path of the notebook whose kernel this is, if it is one.
        durability: "full" survives a loss of power after each commit; "normal"
            survives every crash of the process, but a power cut may take the last
            turns. Recovery is exact in both.
        busy_timeout_s: How long a write waits for another process's lock, and on
            Postgres for a server that is gone.
        snapshot_every: After how many entries a run's state is written down, so that
            resuming it need not read its journal from the beginning. That waits for a
            pause of the run, and at most for three times as many entries more.
        redact: Names of fields whose values are masked before they are written.
        mailbox_poll_s: How often it is asked whether other processes have left
            messages. That costs no access to the disk or the network.
        queue_poll_s: How often it looks for runs that DBOS's tools have forked or
            resumed; None for `mailbox_poll_s`.
        migrate: Whether opening the journal brings its tables up to date.
        max_recoveries: How often a run is begun again before it is left alone; None
            for any number.
        recover: Which unfinished runs this process goes on with by itself; None for all
            of its executor, and for those that nobody has taken.
        schema: Where the tables are in a Postgres database; None for that of the
            `DBOS(config=...)`, or `dbos`.
        pool_size: How many connections to Postgres reads share at most.
        pool_min_size: How many of them are open from the beginning.
        executor_lease: Take an executor id from a pool that processes share, on
            Postgres.
        idle_timeout_s: After how long a run that waits is released from memory; None
            for never.
    """

    # Not shown: it may have a password.
    database_url: str | None = field(default=None, repr=False)
    executor_id: str | None = None
    notebook: str | None = None
    durability: Durability = "full"
    busy_timeout_s: float = 30.0
    mailbox_poll_s: float = 0.05
    snapshot_every: int = 256
    redact: Collection[str] = ()
    queue_poll_s: float | None = None
    migrate: bool = True
    max_recoveries: int | None = None
    recover: Collection[str] | None = None
    schema: str | None = None
    pool_size: int | None = None
    pool_min_size: int | None = None
    executor_lease: LeaseTerms | None = None
    idle_timeout_s: float | None = None

    def __post_init__(self) -> None:
        _check_types(self)
        if self.durability not in ("full", "normal"):
            raise ConfigError(
                f"There is no durability {self.durability!r}.",
                "Use 'full' or 'normal'.",
            )
        if not (self.busy_timeout_s >= 0 and self.mailbox_poll_s > 0):
            raise ConfigError(
                "'busy_timeout_s' and 'mailbox_poll_s' are times in seconds.",
                "Give numbers above zero.",
            )
        if isinstance(self.redact, str):
            raise ConfigError(
                "'redact' is one text, not a list of field names.",
                f"Write redact=({self.redact!r},).",
            )
        if self.snapshot_every < 1:
            raise ConfigError(
                "'snapshot_every' is a number of journal entries.",
                "Give one above zero.",
            )
        if self.queue_poll_s is not None and not self.queue_poll_s > 0:
            raise ConfigError(
                "'queue_poll_s' is a time in seconds.", "Give a number above zero."
            )
        if self.max_recoveries is not None and self.max_recoveries < 0:
            raise ConfigError(
                f"A run cannot be begun {self.max_recoveries} times again.",
                "Give 0 or more, or leave it out.",
            )
        if self.idle_timeout_s is not None and not self.idle_timeout_s >= 0:
            raise ConfigError(
                f"No run can be idle for {self.idle_timeout_s} s.",
                "Give 'idle_timeout' as 0 or more seconds, or leave it out.",
            )
        _check_pool(self.pool_size, self.pool_min_size)
        _check_lease(self)


@cache
def _types() -> dict[str, TypeAdapter[Any]]:
    config = ConfigDict(strict=True, arbitrary_types_allowed=True)
    hints = get_type_hints(Settings)
    # What a durability can be is said in full where it is checked.
    hints["durability"] = str
    return {name: TypeAdapter(hint, config=config) for name, hint in hints.items()}


def _check_types(settings: Settings) -> None:
    """Refuse what would fail later, in words that say nothing of its cause."""
    for each in fields(settings):
        value = getattr(settings, each.name)
        try:
            _types()[each.name].validate_python(value)
        except ValidationError:
            # Its value is not shown: it may be a URL with a password.
            raise ConfigError(
                f"'{each.name}' cannot be of type '{type(value).__name__}'.",
                f"Give one of type '{each.type}'.",
            ) from None


def _check_lease(settings: Settings) -> None:
    if settings.executor_lease is None:
        return
    for name in ("executor_id", "notebook"):
        if getattr(settings, name) is not None:
            raise ConfigError(
                f"'executor_lease' gives the process its executor id, so {name!r} "
                "would have no effect.",
                "Leave one of them out.",
            )


def _check_pool(most: int | None, least: int | None) -> None:
    if (most is not None and most < 1) or (least is not None and least < 0):
        raise ConfigError(
            "'pool_size' and 'pool_min_size' are numbers of connections.",
            "Give a 'pool_size' of 1 or more, and a 'pool_min_size' of 0 or more.",
        )
    if most is not None and least is not None and least > most:
        raise ConfigError(
            f"A pool of at most {most} connections cannot begin with {least}.",
            "Give a 'pool_size' that is as high as 'pool_min_size'.",
        )


def is_postgres(url: str) -> bool:
    """Whether a URL is one of a Postgres database, good or not."""
    return _scheme(url).partition("+")[0] in ("postgres", "postgresql")


def _scheme(url: str) -> str:
    """What a URL begins with: `urlsplit` does not take every password."""
    return url.partition("://")[0].lower()


def check_url(url: str) -> None:
    """Refuse a URL of which no journal can be.

    Raises:
        ConfigError: It is neither one of a SQLite file nor of a Postgres database.
    """
    if is_postgres(url):
        postgres_url(url)
    else:
        sqlite_path(url)


def check_backend(url: str, settings: Settings) -> None:
    """Refuse an option that would have no effect on this database.

    Raises:
        ConfigError: With the option, and why.
    """
    if is_postgres(url):
        _check_postgres(settings)
    else:
        _check_sqlite(settings)


def _check_postgres(settings: Settings) -> None:
    if settings.durability != "full":
        raise ConfigError(
            f"durability={settings.durability!r} is for SQLite: on Postgres every "
            "commit is on disk.",
            "Leave 'durability' out.",
        )


def _check_sqlite(settings: Settings) -> None:
    why = {
        "schema": "a SQLite file has no schemas",
        "pool_size": "a SQLite journal has no pool of connections",
        "pool_min_size": "a SQLite journal has no pool of connections",
        "executor_lease": "on SQLite a file beside the journal keeps each executor in "
        "one process",
    }
    for name, reason in why.items():
        if getattr(settings, name) is not None:
            instead = (
                ", and give each process its own 'executor_id'."
                if name == "executor_lease"
                else "."
            )
            raise ConfigError(
                f"'{name}' is for Postgres: {reason}.", f"Leave '{name}' out{instead}"
            )


def postgres_url(url: str) -> str:
    """A Postgres URL in the one form that every driver reads.

    Raises:
        ConfigError: It names another driver than psycopg, or no database.
    """
    scheme, _, rest = url.partition("://")
    driver = scheme.partition("+")[2]
    if driver not in ("", "psycopg"):
        raise ConfigError(
            f"{without_password(url)} asks for the driver {driver!r}.",
            "Use 'postgresql://user@host/database': it is read with psycopg.",
        )
    authority, _, database = rest.partition("?")[0].partition("/")
    if "@" in database or authority.count("@") > 1:
        # libpq would take a part of the password for the host, and tell it.
        raise ConfigError(
            f"The password in {without_password(url)} has characters that end it.",
            "Write '@' as '%40', '/' as '%2F', ':' as '%3A', '?' as '%3F'.",
        )
    address = authority.rpartition("@")[2]
    if address.count("[") != address.count("]"):
        raise ConfigError(
            f"The address in {without_password(url)} has a bracket without another.",
            "Write an IPv6 address as '[::1]'.",
        )
    if not database:
        raise ConfigError(
            f"{without_password(url)} names no database.",
            "Use 'postgresql://user@host/database'.",
        )
    return f"postgresql://{rest}"


def is_there(path: Path) -> bool:
    """Whether a file is there. One whose name is too long for a system is not."""
    try:
        return path.exists()
    except OSError as e:
        if e.errno != errno.ENAMETOOLONG:
            raise
        return False


def sqlite_path(url: str) -> Path:
    """The file of a SQLite URL.

    Raises:
        ConfigError: The URL is not one of a SQLite file.
    """
    if not _scheme(url).startswith("sqlite"):
        raise ConfigError(
            f"{without_password(url)} is neither a SQLite nor a Postgres database.",
            "Use 'sqlite:///journal.sqlite' or 'postgresql://user@host/database'.",
        )
    if not url.partition(":///")[2] or ":memory:" in url:
        raise ConfigError(
            f"{without_password(url)} names no file, and a journal in memory would not "
            "survive.",
            "Use 'sqlite:///journal.sqlite'.",
        )
    # One file has one name, through whatever link: the executors' locks are beside it.
    return Path(url.partition(":///")[2].partition("?")[0]).resolve()


def without_password(url: str) -> str:
    """The URL as it may be shown and logged."""
    # By what stands where, not by parsing: the URL may be one that nothing can parse.
    shown = re.sub(r"(?<=://)([^:/@?]*):.*@", r"\1:***@", url)
    return re.sub(r"(?i)((?:password|passwd|pwd|secret)=)[^&#]*", r"\1***", shown)


def url_from_environment() -> str | None:
    """The database URL the environment asks for, if it does."""
    return os.environ.get(URL_VARIABLE) or None


def token_from_environment(variable: str = TOKEN_VARIABLE) -> str | None:
    """The token that a server shall want of its clients, if the environment has one."""
    return os.environ.get(variable) or None


def default_url() -> str:
    """The journal below the current folder: a kernel starts in its notebook's."""
    return f"sqlite:///{Path.cwd() / DEFAULT_JOURNAL}"
