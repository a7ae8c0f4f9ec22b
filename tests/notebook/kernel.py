"""A real kernel that runs cells, without a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.utils import ensure_async, run_sync
from lessons import sockets
from nbclient import NotebookClient


class Kernel:
    """Runs cells one at a time, as a person does."""

    def __init__(self, client: NotebookClient) -> None:
        self._client = client
        self._cell_id: str | None = None
        self._request = ""
        session = client.kc.session
        make = session.msg
        receive = client.kc.iopub_channel.get_msg

        def msg(msg_type: str, *args: Any, **options: Any) -> Any:
            made = make(msg_type, *args, **options)
            if msg_type == "execute_request" and self._cell_id is not None:
                made["metadata"]["cellId"] = self._cell_id
            if msg_type == "execute_request":
                self._request = made["header"]["msg_id"]
            return made

        async def get_msg(**options: Any) -> Any:
            got = await ensure_async(receive(**options))
            if got["header"]["msg_type"] == "update_display_data":
                got["parent_header"]["msg_id"] = self._request
            return got

        session.msg = msg
        # A front end finds a display by its id. nbclient hears only the cell that runs,
        # and would miss for good what is said between two cells.
        client.kc.iopub_channel.get_msg = get_msg

    def run(self, source: str, cell_id: str | None = None) -> str:
        """Run a cell; what it printed and displayed, as text.

        With an id it is sent as JupyterLab does, which nbclient does not.
        """
        cell = nbformat.v4.new_code_cell(source)
        self._client.nb.cells.append(cell)
        self._cell_id = cell_id
        self._client.execute_cell(cell, len(self._client.nb.cells) - 1)
        return "\n".join(_text(output) for output in cell.outputs)

    def complete(self, line: str) -> list[str]:
        """What the Tab key offers at the end of a line."""

        async def ask() -> list[str]:
            reply = await self._client.kc.complete(line, reply=True, timeout=30)
            return list(reply["content"]["matches"])

        return run_sync(ask)()

    def outputs(self) -> list[nbformat.NotebookNode]:
        """The cells run so far, with what has come into their outputs since."""
        return list(self._client.nb.cells)


def _text(output: nbformat.NotebookNode) -> str:
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return f"TRACEBACK {output.ename}: {output.evalue}"
    return str(output.data.get("text/plain", ""))


@contextmanager
def kernel(
    folder: Path,
    name: str = "python3",
    *,
    notebook: str | None = None,
    is_killed: bool = True,
) -> Iterator[Kernel]:
    """Start a kernel in a folder; killed at the end, as if its machine went off.

    Or it is shut down, as Jupyter does when it restarts one. `notebook` is the file
    whose kernel it is, as Jupyter's server says it.
    """
    named = {} if notebook is None else {"JPY_SESSION_NAME": notebook}
    with sockets() as config:
        client = NotebookClient(
            nbformat.v4.new_notebook(),
            kernel_name=name,
            timeout=60,
            allow_errors=True,
            resources={"metadata": {"path": str(folder)}},
            shutdown_kernel="immediate" if is_killed else "graceful",
            config=config,
        )
        with client.setup_kernel(env=os.environ | named):
            yield Kernel(client)
