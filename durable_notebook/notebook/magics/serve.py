"""`%durable_serve`: the notebook's workflows over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import line_magic, magics_class, no_var_expand

from durable_notebook._config import TOKEN_VARIABLE, token_from_environment
from durable_notebook.errors import ConfigError
from durable_notebook.notebook._cells import is_workflow, workflow_named
from durable_notebook.notebook._cures import magic
from durable_notebook.notebook._fields import Line, parse
from durable_notebook.notebook._sentences import plainly, say
from durable_notebook.notebook._workspace import MOST_NAMED, DurableNotebook
from durable_notebook.notebook.magics._base import DurableMagics
from durable_notebook.runtime import require_server
from durable_notebook.views import words
from durable_notebook.views.serving import Served, asked_at, served

if TYPE_CHECKING:
    from durable_notebook.notebook._serving import Server
    from durable_notebook.server import AccessPolicy

_VALUED = ("port", "host", "token-env", "origin")


@magics_class
class ServeMagics(DurableMagics):
    """Serves workflows of the notebook on the session's runtime."""

    def __init__(self, shell: Any, durable: DurableNotebook) -> None:
        super().__init__(shell, durable)
        self._server: Server | None = None
        self._is_all = False
        self._variable = ""
        self._last_port = 0

    @no_var_expand
    @line_magic
    def durable_serve(self, line: str) -> Served | None:
        """Serve workflows of this notebook over HTTP: `%durable_serve [WORKFLOW ...]`.

        %durable_serve [WORKFLOW ...] [--port N] [--host ADDRESS] [--token-env NAME]
                       [--origin ORIGIN[,ORIGIN]] [--stop]

        Shows where, with a page to start, watch and answer runs. Without names, serves
        every workflow that is defined, and shows what is served if something is. A
        class that is defined again is served anew. It listens on 127.0.0.1 and a port
        that is free; any other address needs a token, which comes from an environment
        variable: $DURABLE_NOTEBOOK_TOKEN, or NAME. `--stop` ends it, as the end of the
        kernel does; runs go on.
        """
        with plainly():
            wanted = parse(line, valued=_VALUED, flags=("stop",), most_targets=None)
            if wanted.fields:
                raise UsageError("%durable_serve takes names of workflows, no fields.")
            if wanted.options.get("stop"):
                self._stop()
                return None
            if self._running is None or line.strip():
                self._start(wanted)
            return self._shown()

    @property
    def _running(self) -> Server | None:
        server = self._server
        return None if server is None or server.is_stopped else server

    def _stop(self) -> None:
        server = self._running
        self._server = None
        if server is None:
            say("Nothing is served.")
        else:
            server.stop()
            say(f"Stopped serving at {asked_at(server.url)}. Runs go on.")

    def _start(self, wanted: Line) -> None:
        """Serve what was asked for in the place of what was served until then."""
        require_server()
        from durable_notebook.notebook._serving import Server

        policy, is_all = self._policy(wanted), not wanted.targets
        values = self._values(wanted.targets)
        server = Server(self._session)
        _say(server.prepare(values, is_all=is_all))
        before, self._server = self._running, None
        if before is not None:
            before.stop()
        idle_timeout = self._durable.idle_timeout
        try:
            server.listen(policy, idle_timeout=idle_timeout)
        except ConfigError:
            if "port" in wanted.options or not policy.port:
                raise
            # The port that it had before is somebody else's by now.
            server.listen(replace(policy, port=0), idle_timeout=idle_timeout)
        self._server, self._is_all = server, is_all
        self._variable = _variable(wanted)
        self._last_port = int(server.url.rpartition(":")[2])

    def _values(self, targets: tuple[str, ...]) -> dict[str, Any]:
        from durable_notebook.notebook._serving import served_names

        names = self._shell.user_ns
        found = {t: workflow_named(self._shell, t) for t in targets}
        found = found or {name: names[name] for name in served_names(names)}
        for name, value in found.items():
            if not (is_workflow(value) and name.isidentifier()):
                raise UsageError(
                    f"{name} is no workflow of this notebook. Give the name of a "
                    "class or of an instance."
                )
        if not found:
            raise UsageError(
                "There is no workflow in this notebook. Run the cell that defines one."
            )
        return found

    def _policy(self, wanted: Line) -> AccessPolicy:
        from durable_notebook.server import AccessPolicy

        options = {name: str(value) for name, value in wanted.options.items()}
        port = options.get("port", str(self._last_port))
        if not port.isdecimal() or int(port) > 65535:
            raise UsageError(f"{port} is no port. Write a number up to 65535.")
        variable = _variable(wanted)
        token = token_from_environment(variable)
        if token is None and "token-env" in options:
            raise UsageError(
                f"${variable} is not set. Set it where the notebook was started, "
                "so that it stands in no cell."
            )
        return AccessPolicy(
            host=options.get("host", "127.0.0.1"),
            port=int(port),
            token=token,
            origins=tuple(filter(None, options.get("origin", "").split(","))),
        )

    def _shown(self) -> Served:
        server = self._server
        assert server is not None
        session = self._session
        rows = session.call(session.client.runs())
        asking = [row.run_id for row in rows if row.prompts]
        unfinished = sum(not row.status.is_final for row in rows)
        notes = [
            f"{words.plural(unfinished, 'unfinished run')}. Stop: %durable_serve --stop"
        ]
        notes += [
            f"{run_id} asks: {magic('resume', run_id)} shows the form."
            for run_id in asking[:MOST_NAMED]
        ]
        variable = f"${self._variable}" if server.has_token else None
        url = asked_at(server.url)
        return served(url, server.workflows, variable, tuple(notes))

    def after_cell(self, _: object) -> None:
        """Serve what a cell has just defined; say so if the server has ended."""
        server = self._server
        if server is None:
            return
        if server.is_stopped:
            self._server = None
            say(
                f"The server at {asked_at(server.url)} has stopped with the session. "
                "Serve again with %durable_serve."
            )
            return
        with plainly():
            _say(server.renew(self._shell.user_ns, is_all=self._is_all))


def _variable(wanted: Line) -> str:
    """The environment variable that has the token."""
    return str(wanted.options.get("token-env", TOKEN_VARIABLE)).lstrip("$")


def _say(problems: list[str]) -> None:
    for problem in problems:
        say(problem)
