"""An empty environment, to see what a stranger gets."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]

_BEGAN = time.monotonic()


def say(text: str) -> None:
    """Print a line of progress with the time since the beginning."""
    print(f"[{time.monotonic() - _BEGAN:5.1f} s] {text}", flush=True)


class Empty:
    """A virtual environment with nothing in it but pip, and a folder to be in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        venv.create(folder / "env", with_pip=True)
        self._python = folder / "env" / "bin" / "python"

    def install(self, *what: str) -> None:
        """Install what pip is told to, or end with what pip says."""
        self.run("-m", "pip", "install", "-q", "--disable-pip-version-check", *what)

    def run(self, *arguments: str) -> None:
        """Run its Python; if that fails, so does this program."""
        command = [str(self._python), *arguments]
        done = subprocess.run(command, cwd=self.folder, check=False)
        if done.returncode:
            sys.exit(done.returncode)

    def output(
        self, *arguments: str, folder: Path | None = None, may_fail: bool = False
    ) -> str:
        """Run its Python, and give what that prints."""
        done = subprocess.run(
            [str(self._python), *arguments],
            cwd=folder or self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and not may_fail:
            sys.exit(done.stdout + done.stderr)
        return done.stdout + done.stderr

    def tour(self, prepare: Path | None = None) -> None:
        """Run lesson 1, killed and resumed, with what is installed here."""
        lessons = self.folder / "notebooks"
        shutil.copytree(ROOT / "notebooks", lessons)
        if prepare is not None:
            self.run(str(prepare), str(lessons))
        self.run(str(lessons / "tour.py"))


@contextmanager
def empty() -> Iterator[Empty]:
    """Make an empty environment, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="durable-empty-") as name:
        yield Empty(Path(name))


def built(folder: Path) -> tuple[Path, Path]:
    """Build the wheel and the sdist of this tree."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    (sdist,) = folder.glob("*.tar.gz")
    return wheel, sdist
