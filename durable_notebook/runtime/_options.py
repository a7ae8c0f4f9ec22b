"""The options of `llama-agents-dbos`, under its names: its programs run unchanged."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, TypedDict

from durable_notebook._config import Settings
from durable_notebook._lease import LeaseTerms
from durable_notebook.errors import ConfigError


class ExecutorLease(TypedDict, total=False):
    """How processes share a number of executor ids, on Postgres.

    Attributes:
        pool_size: How many executor ids there are. Only this one is needed.
        acquire_timeout: Seconds that a launch waits for one; 60 if left out.
        heartbeat_interval: Seconds between two signs of life; 10 if left out.
        lease_timeout: Seconds without one after which another process may take the
            id, with the runs that are its own; 30 if left out.
        slot_prefix: How the ids begin; `executor` if left out, for `executor-0`.
    """

    pool_size: int
    acquire_timeout: float
    heartbeat_interval: float
    lease_timeout: float
    slot_prefix: str


class Options(TypedDict, total=False):
    """The further options of a runtime. One that would have no effect is refused.

    Attributes:
        polling_interval_sec: How often it looks for what other processes did.
        queue_polling_interval_sec: How often it looks for runs that DBOS's tools have
            forked or resumed; `polling_interval_sec` if left out.
        run_migrations_on_launch: False to refuse a launch until `run_migrations` has
            brought the tables up to date.
        schema: Where the tables are in a Postgres database.
        pool_size: How many connections to Postgres reads share at most.
        pool_min_size: How many of them are open from the beginning.
        max_recovery_attempts: How often a run is begun again before it is left alone.
        executor_lease: Take an executor id from a pool; `_experimental_executor_lease`
            is the same.
        idle_timeout: See `DBOSRuntime.release_idle_after`.
    """

    polling_interval_sec: float
    queue_polling_interval_sec: float | None
    run_migrations_on_launch: bool
    schema: str | None
    pool_size: int
    pool_min_size: int
    max_recovery_attempts: int
    executor_lease: ExecutorLease | None
    _experimental_executor_lease: ExecutorLease | None
    idle_timeout: float | None


_SETTINGS = {
    "polling_interval_sec": "mailbox_poll_s",
    "queue_polling_interval_sec": "queue_poll_s",
    "run_migrations_on_launch": "migrate",
    "schema": "schema",
    "pool_size": "pool_size",
    "pool_min_size": "pool_min_size",
    "max_recovery_attempts": "max_recoveries",
    "executor_lease": "executor_lease",
    "_experimental_executor_lease": "executor_lease",
    "idle_timeout": "idle_timeout_s",
}


def settings_of(settings: Settings | None, options: dict[str, Any]) -> Settings:
    """The settings that a runtime was given, in one way or in the other.

    Raises:
        ConfigError: In both ways, or with values that cannot work.
        TypeError: There is no such option.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if settings is not None:
        if not isinstance(settings, Settings):
            raise ConfigError(
                f"A runtime takes Settings, not a value of type "
                f"'{type(settings).__name__}'.",
                "Name the database: DBOSRuntime(database_url='sqlite:///journal.sqlite').",
            )
        if given:
            names = ", ".join(f"'{name}'" for name in given)
            raise ConfigError(
                f"{names} would have no effect beside 'settings'.",
                "Put everything into the Settings.",
            )
        return settings
    known = Settings.__dataclass_fields__.keys()
    for name in given:
        if name not in _SETTINGS and name not in known:
            like = get_close_matches(name, [*Options.__annotations__, *known], n=1)
            meant = f"; perhaps it is {like[0]!r}" if like else ""
            raise TypeError(f"DBOSRuntime() got an unexpected option {name!r}{meant}")
    values = {_SETTINGS.get(name, name): value for name, value in given.items()}
    lease = values.get("executor_lease")
    if lease is not None and not isinstance(lease, LeaseTerms):
        values["executor_lease"] = LeaseTerms.read(lease)
    return Settings(**values)
