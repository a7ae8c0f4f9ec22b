"""What bash makes of a line at the press of Tab, in a terminal of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .lives import asked, counted, on_a_file

pytestmark = on_a_file

# Ctrl-X writes down what stands on the line, and takes it away.
SETUP = r"""
PS1=; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'
keep() { printf '%s' "$READLINE_LINE" > line.new; mv line.new line; READLINE_LINE=; }
bind -x '"\C-x": keep'
source <(durable-notebook completion bash)
touch ready
"""

ODD = [
    "$(touch ran)",
    "`touch ran`",
    "my run; touch ran",
    'quote\'s "end"',
    "*",
    "at:ten:$x",
]

Press = Callable[[str], str]


def until(path: Path) -> Path:
    """Wait for a file."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path.name} was written"
        time.sleep(0.005)
    return path


@pytest.fixture
def press(script: Path, journal_url: str, tmp_path: Path) -> Iterator[Press]:
    """Types a beginning of a line and Tab, and gives the line that is there then."""
    ours, theirs = pty.openpty()
    path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    bash = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        cwd=tmp_path,
        env={**os.environ, **environment, "DURABLE_NOTEBOOK_URL": journal_url},
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)

    def pressed(words: str) -> str:
        os.write(ours, f"durable-notebook {words}\t\x18".encode())
        line = until(tmp_path / "line")
        found = line.read_text()
        line.unlink()
        return found.removeprefix("durable-notebook ")

    try:
        os.write(ours, SETUP.encode())
        until(tmp_path / "ready")
        yield pressed
    finally:
        bash.kill()
        bash.wait()
        os.close(ours)


def words(line: str, folder: Path) -> list[str]:
    """The arguments that bash makes of a line."""
    said = 'durable-notebook() { printf "%s\\n" "$@"; }; eval "durable-notebook $1"'
    done = subprocess.run(
        ["bash", "-c", said, "bash", line],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.splitlines()


def test_a_line_is_completed(press: Press, journal_url: str) -> None:
    asked(journal_url, "open")

    assert press("jour") == "journal "
    assert press("answer o") == "answer open "
    assert press("answer open ") == "answer open text="
    nowhere = "journal --database sqlite:///nowhere "
    assert press(nowhere) == nowhere


def test_an_odd_id_is_completed_as_it_is_and_never_executed(
    press: Press, journal_url: str, tmp_path: Path
) -> None:
    counted(journal_url, *ODD)

    everything = press("journal ")
    begun = [
        press("journal \\$"),
        press("journal \\`"),
        press("journal my\\ r"),
        press("journal quote\\'s\\ "),
        press("journal \\*"),
        press("journal at:t"),
    ]
    quoted = [
        press("journal '$(to"),
        press("journal 'quote"),
        press("journal \"quote's"),
        press('journal "my'),
    ]

    assert [words(line, tmp_path) for line in begun] == [["journal", i] for i in ODD]
    assert [words(line, tmp_path)[1] for line in quoted] == [
        ODD[n] for n in (0, 3, 3, 2)
    ]
    assert everything == "journal "
    assert not (tmp_path / "ran").exists()
