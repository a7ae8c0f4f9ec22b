"""What a kernel serves: workflows of the notebook, as it defines them today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows import Workflow

from durable_notebook.client._requests import adopt, instantiate
from durable_notebook.errors import NotAWorkflowError
from durable_notebook.notebook._cells import is_workflow
from durable_notebook.notebook._session import Session
from durable_notebook.server import AccessPolicy, Listener


class Server:
    """Serves workflows by the names they have in the notebook, on a session's runtime.

    A name that is defined again is served anew; runs that go on keep what they began
    with. `is_stopped` is whether it has been, by whomever.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._values: dict[str, Any] = {}
        self._refused: dict[str, Any] = {}
        self.workflows: dict[str, Workflow] = {}
        self.is_stopped = False
        self._policy: AccessPolicy
        self._listener: Listener

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._listener.url

    @property
    def has_token(self) -> bool:
        """Whether whoever asks needs a token."""
        return self._policy.token is not None

    def prepare(self, values: Mapping[str, Any], *, is_all: bool) -> list[str]:
        """Have these classes and instances ready to be served.

        With `is_all`, what cannot be is left out. Gives why that is.

        Raises:
            NotAWorkflowError: One of them cannot be served.
        """
        problems = []
        for name, value in values.items():
            try:
                self._session.call(self._prepare(name, value))
            except NotAWorkflowError as e:
                if not is_all:
                    raise
                self._refused[name] = value
                problems.append(f"{name} is not served: {e}")
        return problems

    def listen(self, policy: AccessPolicy, *, idle_timeout: float | None) -> None:
        """Serve what was prepared; whoever asks is answered on return.

        `idle_timeout` is that of the session: serving does not change it.

        Raises:
            ConfigError: The address cannot be listened on.
        """
        self._session.call(self._listen(policy, idle_timeout))
        self._session.server = self

    async def _listen(self, policy: AccessPolicy, idle_timeout: float | None) -> None:
        listener = Listener(
            self._session.runtime,
            self.workflows,
            policy,
            idle_timeout=idle_timeout,
            takes_signals=False,  # They are the kernel's.
        )
        await listener.__aenter__()
        self._listener, self._policy = listener, policy

    async def _prepare(self, name: str, value: Any) -> Workflow:
        """Make the instance to be served. After a restart its variable does that."""
        workflow, runtime = instantiate(value), self._session.runtime
        adopt(workflow, runtime)
        runtime.define(workflow, name if workflow is value else None)
        self._values[name] = value
        self.workflows[name] = workflow
        return workflow

    def renew(self, names: Mapping[str, Any], *, is_all: bool) -> list[str]:
        """Serve what a notebook defines by now under the names that are served.

        With `is_all` also what it did not define before. Gives why something is not.
        """
        problems = []
        for name in served_names(names) if is_all else tuple(self._values):
            value = names.get(name)
            known = (self._values.get(name), self._refused.get(name))
            if not is_workflow(value) or any(value is each for each in known):
                continue
            try:
                self._session.call(self._serve(name, value))
            except NotAWorkflowError as e:
                self._refused[name] = value
                problems.append(f"{name} is not served: {e}")
        return problems

    async def _serve(self, name: str, value: Any) -> None:
        self._listener.serve(name, await self._prepare(name, value))

    def stop(self) -> None:
        """Close the address, and end open streams. Runs go on."""
        if not self.is_stopped:
            self.is_stopped = True
            self._session.server = None
            self._session.call(self._listener.__aexit__())


def served_names(names: Mapping[str, Any]) -> list[str]:
    """The names under which a notebook defines workflows."""
    return [
        name
        for name, value in names.items()
        if not name.startswith("_") and is_workflow(value)
    ]
