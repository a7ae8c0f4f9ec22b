"""The terms under which processes share a pool of executor ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from durable_notebook.errors import ConfigError

# An id is in rows of DBOS, in messages and in lists.
_LONGEST_PREFIX = 100

_NAMES = {
    "pool_size": "pool_size",
    "acquire_timeout": "acquire_timeout_s",
    "heartbeat_interval": "heartbeat_s",
    "lease_timeout": "timeout_s",
    "slot_prefix": "prefix",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """How long a lease of an executor id lasts, and of how many ids it is one.

    Attributes:
        pool_size: How many ids there are.
        acquire_timeout_s: How long a launch waits for one; 0 to try once.
        heartbeat_s: The time between two signs of life.
        timeout_s: The time without one after which others may take the id.
        prefix: How the ids begin.
    """

    pool_size: int
    acquire_timeout_s: float = 60.0
    heartbeat_s: float = 10.0
    timeout_s: float = 30.0
    prefix: str = "executor"

    def __post_init__(self) -> None:
        if not isinstance(self.pool_size, int) or self.pool_size < 1:
            raise ConfigError(
                f"A pool of {self.pool_size!r} executor ids has none.",
                "Give the lease a 'pool_size' of 1 or more.",
            )
        self._check_times()
        is_name = isinstance(self.prefix, str) and self.prefix.isprintable()
        if not is_name or not 0 < len(self.prefix) <= _LONGEST_PREFIX:
            raise ConfigError(
                f"{self.prefix!r} cannot be the beginning of executor ids.",
                f"Give a 'slot_prefix' of 1 to {_LONGEST_PREFIX} printable characters.",
            )

    def _check_times(self) -> None:
        times = (self.acquire_timeout_s, self.heartbeat_s, self.timeout_s)
        if not all(isinstance(each, int | float) for each in times):
            raise ConfigError(
                "'acquire_timeout', 'heartbeat_interval' and 'lease_timeout' are times "
                "in seconds.",
                "Give numbers.",
            )
        # What is no number at all compares as false.
        if not self.acquire_timeout_s >= 0:
            raise ConfigError(
                f"Nobody can wait {self.acquire_timeout_s} s for an executor id.",
                "Give an 'acquire_timeout' of 0 or more.",
            )
        if not 0 < self.heartbeat_s < self.timeout_s < float("inf"):
            raise ConfigError(
                f"A lease of {self.timeout_s} s that is renewed each "
                f"{self.heartbeat_s} s would run out while its process lives.",
                "Give a 'heartbeat_interval' above zero, and a 'lease_timeout' of "
                "some times as long.",
            )

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> LeaseTerms:
        """The terms that a runtime was given, under the peer's names.

        Raises:
            ConfigError: A name or a value that cannot be one of a lease.
        """
        unknown = [name for name in options if name not in _NAMES]
        if unknown or "pool_size" not in options:
            problem = (
                f"'executor_lease' has no option {unknown[0]!r}."
                if unknown
                else "'executor_lease' does not say how many executor ids there are."
            )
            known = ", ".join(f"'{name}'" for name in _NAMES)
            raise ConfigError(problem, f"It takes {known}; only the first is needed.")
        return cls(**{_NAMES[name]: value for name, value in options.items()})

    def executor_ids(self) -> list[str]:
        """The ids of the pool."""
        return [f"{self.prefix}-{number}" for number in range(self.pool_size)]
