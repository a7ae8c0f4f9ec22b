"""A real kernel that runs cells, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient


class Kernel:
    """Runs cells one at a time, as a person does."""

    def __init__(self, client: NotebookClient) -> None:
        self._client = client

    def run(self, source: str) -> str:
        """Run a cell; what it printed and displayed, as text."""
        cell = nbformat.v4.new_code_cell(source)
        self._client.nb.cells.append(cell)
        self._client.execute_cell(cell, len(self._client.nb.cells) - 1)
        return "\n".join(_text(output) for output in cell.outputs)

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
def kernel(folder: Path, name: str = "python3") -> Iterator[Kernel]:
    """Start a kernel in a folder; killed at the end, as if its machine went off."""
    client = NotebookClient(
        nbformat.v4.new_notebook(),
        kernel_name=name,
        timeout=60,
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )
    with client.setup_kernel():
        yield Kernel(client)
