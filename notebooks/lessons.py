"""Run a lesson as a person does: all its cells, and again when its kernel has died.

`make notebooks` runs every lesson and keeps the outputs of its last life; tests fill in
guesses before. A cell with the tag `meanwhile:NAME` waits for somebody else: while it
runs, another kernel runs the notebook NAME beside it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from traitlets.config import Config

from durable_notebook import Client, DBOSRuntime
from durable_notebook.views import frames, words

HERE = Path(__file__).parent
LESSONS = sorted(p for p in HERE.glob("0*.ipynb") if "_the_other_" not in p.name)
MEANWHILE = "meanwhile:"
_MOST_LIVES = 6
_CELL_S = 60
_BEGAN = time.monotonic()


def say(text: str) -> None:
    """Print a line of progress with the time since the beginning."""
    print(f"[{time.monotonic() - _BEGAN:5.1f} s] {text}", flush=True)


@dataclass
class Taught:
    """A lesson that has run to its end: its notebook, how often a kernel ran it."""

    notebook: Any
    lives: int
    folder: Path
    others: dict[str, Any]

    def outputs(self, cell_id: str) -> str:
        """What a cell has shown, as text."""
        cell = next(c for c in self.notebook.cells if c.id == cell_id)
        return "\n".join(map(_text, cell.get("outputs", [])))

    def printed(self) -> str:
        """What all cells have shown, as text."""
        cells = [c for c in self.notebook.cells if c.cell_type == "code"]
        return "\n".join(self.outputs(cell.id) for cell in cells)

    def journals(self) -> dict[str, Any]:
        """The runs' journals as frames, as a script reads them."""
        return asyncio.run(read_journals(self.folder))


@contextmanager
def sockets() -> Iterator[Config]:
    """Have a kernel be spoken to by files, where there are such sockets.

    Of two kernels that begin at once and are given one port, one dies.
    """
    with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
        by_file = {"transport": "ipc", "ip": f"{folder}/to"}
        yield Config({"KernelManager": by_file} if os.name == "posix" else {})


class Life(NotebookClient):
    """One kernel that runs a notebook from its first cell."""

    def __init__(self, path: Path, config: Config, *, is_quiet: bool) -> None:
        self._path, self._is_quiet = path, is_quiet
        self._beside: dict[str, asyncio.Task[Any]] = {}
        self.others: dict[str, Any] = {}
        resources = {"metadata": {"path": str(path.parent)}}
        super().__init__(
            nbformat.read(path, as_version=4),
            timeout=_CELL_S,
            resources=resources,
            record_timing=False,
            config=config,
            # It warns of its own sockets, which are of this machine alone.
            extra_arguments=["--log-level=ERROR"],
        )

    async def run(self) -> bool:
        """Run all cells. False if the kernel died on the way."""
        try:
            # As Jupyter's server tells a kernel whose it is.
            await self.async_execute(
                env=os.environ | {"JPY_SESSION_NAME": str(self._path)}
            )
        except DeadKernelError:
            return False
        finally:
            ended = await asyncio.gather(*self._beside.values())
        self.others = dict(zip(self._beside, ended, strict=True))
        return True

    async def async_execute_cell(
        self, cell: Any, cell_index: int, **options: Any
    ) -> Any:
        if cell.cell_type == "code" and not self._is_quiet:
            say(f"  {words.cut(cell.source.strip().splitlines()[0], 78)}")
        for tag in cell.metadata.get("tags", []):
            if tag.startswith(MEANWHILE):
                name = tag.removeprefix(MEANWHILE)
                beside = _whole(self._path.with_name(name), is_quiet=self._is_quiet)
                self._beside[name] = asyncio.create_task(beside)
        return await super().async_execute_cell(cell, cell_index, **options)


async def _whole(path: Path, *, is_quiet: bool) -> Any:
    with sockets() as config:
        life = Life(path, config, is_quiet=is_quiet)
        if not await life.run():
            raise AssertionError("the kernel beside the lesson died")
    return life.nb


def teach(
    lesson: Path,
    folder: Path,
    *,
    filled: Mapping[str, str] | None = None,
    is_quiet: bool = True,
) -> Taught:
    """Run a copy of a lesson in a folder until no kernel dies any more.

    `filled` has other sources for cells, by their ids: guesses in the place of dots.

    Raises:
        CellExecutionError: A cell failed that is not tagged `raises-exception`.
        AssertionError: Its kernel dies again and again.
    """
    for path in (*HERE.glob("*.ipynb"), HERE / "replica.py"):
        shutil.copy(path, folder)
    shutil.copytree(HERE / "documents", folder / "documents")
    copy = folder / lesson.name
    notebook = nbformat.read(copy, as_version=4)
    for cell in notebook.cells:
        cell.source = (filled or {}).get(cell.id, cell.source)
    nbformat.write(notebook, copy)
    for number in range(1, _MOST_LIVES + 1):
        if not is_quiet:
            say(f"Kernel {number} runs {lesson.name}.")
        with sockets() as config:
            life = Life(copy, config, is_quiet=is_quiet)
            is_whole = run_sync(life.run)()
        if is_whole:
            return Taught(life.nb, number, folder, life.others)
        if not is_quiet:
            say("The kernel is dead (SIGKILL).")
    raise AssertionError(f"{lesson.name} kills every kernel that runs it")


async def read_journals(folder: Path) -> dict[str, Any]:
    """Read the runs' journals as a script does: no notebook is needed for it."""
    url = f"sqlite:///{folder / '.durable_notebook' / 'journal.sqlite'}"
    async with DBOSRuntime(database_url=url, executor_id="tour") as runtime:
        client = Client(runtime)
        return {
            info.run_id: frames.journal(info, await client.run(info.run_id).journal())
            for info in await client.runs()
        }


def keep(taught: Taught, lesson: Path) -> None:
    """Keep the outputs of the last life in the lesson, and beside it."""
    for name, notebook in {lesson.name: taught.notebook, **taught.others}.items():
        # A kept notebook has no live widgets: what stands for them is in its outputs.
        notebook.metadata.pop("widgets", None)
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
        nbformat.write(notebook, HERE / name)
        say(f"Outputs kept in {name}.")


def _text(output: Any) -> str:
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def main() -> int:
    """Run the lessons that are named, or all of them, and keep their outputs."""
    names = sys.argv[1:]
    for lesson in LESSONS:
        if names and not any(lesson.name.startswith(name) for name in names):
            continue
        with tempfile.TemporaryDirectory(prefix="durable-lesson-") as name:
            began = time.monotonic()
            taught = teach(lesson, Path(name), is_quiet=False)
            keep(taught, lesson)
            took = time.monotonic() - began
            say(f"{lesson.name}: {taught.lives} kernels, {took:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
