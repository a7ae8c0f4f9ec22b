"""A server from its start to its end, and what is told of it."""

from __future__ import annotations

import json
import shlex
from argparse import Namespace

from workflows import Workflow

from durable_notebook._config import TOKEN_VARIABLE
from durable_notebook._model import Json
from durable_notebook.client._requests import adopt
from durable_notebook.runtime import DBOSRuntime
from durable_notebook.server import AccessPolicy, Listener
from durable_notebook.views import words
from durable_notebook.views.serving import asked_at, served


class Serving:
    """Serves workflows by their names.

    `is_told` is whether it has been told to stop: then it ends as it should.
    """

    def __init__(
        self,
        args: Namespace,
        runtime: DBOSRuntime,
        workflows: dict[str, Workflow],
        policy: AccessPolicy,
    ) -> None:
        self._args = args
        self._runtime = runtime
        self._workflows = workflows
        self._policy = policy
        self.is_told = False

    async def serve(self) -> None:
        """Serve until it is told to stop, and steps in flight have ended."""
        for workflow in self._workflows.values():
            adopt(workflow, self._runtime)
        listener = Listener(
            self._runtime,
            self._workflows,
            self._policy,
            idle_timeout=self._args.idle_timeout,
            drain_timeout=self._args.drain_timeout,
        )
        async with listener:
            self._tell_up(asked_at(listener.url))
            await listener.until_told()
            self.is_told = True
            self._tell_leaving()
            await listener.until_stopped()

    def _tell_up(self, url: str) -> None:
        unfinished = self._runtime.store.unfinished(self._runtime.executor_id)
        waiting = self._runtime.undefined()
        if self._args.json:
            document: dict[str, Json] = {
                "url": url,
                "workflows": list(self._workflows),
                "executor_id": self._runtime.executor_id,
                "unfinished": len(unfinished),
                "not_served": sorted(waiting),
            }
            text = json.dumps(document)
        else:
            going_on = len(unfinished) - len(waiting)
            notes = (*_runs(going_on, set(waiting.values())), "Ctrl-C stops it.")
            text = repr(served(url, self._workflows, self._token(), notes))
        print(text, flush=True)

    def _token(self) -> str | None:
        """The token, as a shell is told to find it: it is on no screen."""
        if self._policy.token is None:
            return None
        file = self._args.token_file
        return f"${TOKEN_VARIABLE}" if file is None else f"$(cat {shlex.quote(file)})"

    def _tell_leaving(self) -> None:
        if not self._args.json:
            longest = f"{self._args.drain_timeout:g} s"
            print(f"Stopping: steps in flight may end, within {longest}.", flush=True)


def _runs(going_on: int, not_served: set[str]) -> list[str]:
    lines = []
    if going_on:
        verb = "goes" if going_on == 1 else "go"
        lines.append(f"{words.plural(going_on, 'unfinished run')} {verb} on.")
    if not_served:
        names = ", ".join(sorted(not_served))
        lines.append(f"Unfinished runs of what is not served stay as they are: {names}")
    return lines
