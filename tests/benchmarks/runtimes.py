"""The runtimes that are compared, as a program would make them; not launched."""

from __future__ import annotations

import functools
from typing import Any

RUNTIMES = ("memory", "floor", "ours", "peer")


def make(name: str, url: str, executor_id: str, is_quiet: bool = True) -> Any:
    """A runtime on a database. `is_quiet` off leaves logging as it is by itself."""
    if name == "memory":
        from workflows.plugins.basic import BasicRuntime

        return BasicRuntime()
    if name == "ours":
        from durable_notebook import DBOSRuntime

        return DBOSRuntime(database_url=url, executor_id=executor_id)
    return _peer(url, executor_id, is_quiet)


def _peer(url: str, executor_id: str, is_quiet: bool) -> Any:
    from dbos import DBOS, DBOSConfig

    config: DBOSConfig = {
        "name": "benchmarks",
        "system_database_url": url,
        "executor_id": executor_id,
        "application_version": "benchmarks",
    }
    if is_quiet:
        config["log_level"] = "ERROR"
    DBOS(config=config)
    _let_the_peer_start()
    from llama_agents.dbos import DBOSRuntime

    return DBOSRuntime()


def _let_the_peer_start() -> None:
    """Give llama-agents-dbos 0.7.0 what dbos 3 has taken away.

    Its `launch()` constructs a `Queue`, which dbos 3 keeps to itself, and reads an
    application database that dbos 3 does not have.
    """
    import llama_agents.dbos.runtime as peer
    from dbos import DBOS, _queue

    token = getattr(_queue, "_INTERNAL_QUEUE_CONSTRUCTION", None)
    if token is not None:
        peer.Queue = functools.partial(_queue.Queue, token=token)
        DBOS._app_db = None


def is_installed(name: str) -> bool:
    """Whether a runtime can be measured in this environment."""
    from importlib.util import find_spec

    try:
        return name != "peer" or find_spec("llama_agents.dbos") is not None
    except ModuleNotFoundError:
        return False
