"""What `WorkflowServer` asks of a runtime, under the names of `llama-agents-dbos`."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from durable_notebook.errors import ConfigError
from durable_notebook.runtime._life import Life

if TYPE_CHECKING:
    from durable_notebook.runtime.state._meter import Readings
    from durable_notebook.server import JournalStore, ServedRuntime

_DEFAULT_IDLE_TIMEOUT_S = 600.0


class Serving(Life):
    """A part of `DBOSRuntime`. Both halves of a server read its one journal."""

    async def readings(self) -> Readings:
        """What this process does, from its loop.

        Bodies and commits are counted from the first call on.
        """
        return self._opened.runs.readings()

    def create_workflow_store(self) -> JournalStore:
        """Give a server what it reads of handlers, events and ticks: the journal.

        It writes nothing of its own, but which run a handler went on with. Callable
        before and after launch.

        Raises:
            ConfigError: The extra `server` is not installed.
        """
        return cast("JournalStore", _server().JournalStore(self))

    def build_server_runtime(
        self, *, idle_timeout: float | None = _DEFAULT_IDLE_TIMEOUT_S
    ) -> ServedRuntime:
        """Give a server the runtime that executes its workflows: this one.

        A run that waits for `idle_timeout` seconds is taken out of memory, and comes
        back with the next event for it; None for never.

        Raises:
            ConfigError: The extra `server` is not installed.
        """
        served: Any = _server().ServedRuntime(self)
        self.release_idle_after(idle_timeout)
        return cast("ServedRuntime", served)


def require_server() -> None:
    """Refuse to go on where the extra `server` is not installed.

    Raises:
        ConfigError: It is not; with the command that installs it.
    """
    _server()


def _server() -> ModuleType:
    try:
        # A program without a server must not load one, nor need it installed.
        from durable_notebook import server  # noqa: PLC0415
    except ModuleNotFoundError as e:
        raise ConfigError(
            f"A server needs the package {(e.name or '').partition('.')[0]!r}, which "
            "is not installed.",
            "Run: pip install 'durable-notebook[server]'",
        ) from e
    return server
