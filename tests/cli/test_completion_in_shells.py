"""What a shell makes of a line at the press of Tab, in a terminal of its own."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .lives import asked, counted, on_a_file

pytestmark = on_a_file


@dataclass(frozen=True)
class Shell:
    """How a shell is started and asked.

    `setup` has it complete our command, and write the line down at Ctrl-G, which it
    takes away then. `split` prints the arguments that it makes of its own argument.
    """

    command: tuple[str, ...]
    setup: str
    split: str
    # What it is given there before that argument.
    name: tuple[str, ...] = ()


BASH = Shell(
    ("bash", "--norc", "--noprofile", "-i"),
    r"""
PS1=; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'
keep() { printf '%s' "$READLINE_LINE" > line.new; mv line.new line; READLINE_LINE=; }
bind -x '"\C-g": keep'
source <(durable-notebook completion bash)
""",
    'durable-notebook() { printf "%s\\n" "$@"; }; eval "$1"',
    ("bash",),
)
ZSH = Shell(
    ("zsh", "-f", "-i"),
    r"""
PS1=; unsetopt beep; autoload -Uz compinit; compinit -u -D; bindkey -e
keep() { print -rn -- "$BUFFER" > line.new; mv line.new line; BUFFER=; }
zle -N keep; bindkey '^G' keep
source <(durable-notebook completion zsh)
""",
    'durable-notebook() { printf "%s\\n" "$@"; }; eval "$1"',
    ("zsh",),
)
FISH = Shell(
    ("fish", "--no-config", "-i"),
    r"""
function keep
printf '%s' (commandline) > line.new; mv line.new line; commandline ''
end
function fish_prompt; end; bind \cg keep
durable-notebook completion fish | source
""",
    r'function durable-notebook; printf "%s\n" $argv; end; eval $argv[1]',
)
SHELLS = {"bash": BASH, "zsh": ZSH, "fish": FISH}

# Each with a beginning that is its alone.
ODD = {
    "\\$": "$(touch ran)",
    "\\`": "`touch ran`",
    "my\\ r": "my run; touch ran",
    "quote\\'s\\ ": 'quote\'s "end"',
    "\\*": "*",
    "at:t": "at:ten:$x",
    "\\(": "(touch ran)",
    "\\{": "{x,y}",
    "b\\\\": "b\\",
    "é": "é ü",
    "\\#": "#",
}
QUOTED = {
    "'$(to": "$(touch ran)",
    "'quote": 'quote\'s "end"',
    "\"quote's": 'quote\'s "end"',
    '"my': "my run; touch ran",
}


def until(path: Path) -> Path:
    """Wait for a file."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path.name} was written"
        time.sleep(0.005)
    return path


@dataclass(frozen=True)
class Terminal:
    """A shell that waits for keys."""

    shell: Shell
    keys: int
    folder: Path

    def press(self, words: str) -> str:
        """Type a beginning of a line and Tab; gives the line that is there then."""
        os.write(self.keys, f"durable-notebook {words}\t\x07".encode())
        line = until(self.folder / "line")
        found = line.read_text()
        line.unlink()
        return found.removeprefix("durable-notebook ")

    def words(self, line: str) -> list[str]:
        """The arguments that the shell makes of a line."""
        split = ["-c", self.shell.split, *self.shell.name, f"durable-notebook {line}"]
        done = subprocess.run(
            [self.shell.command[0], *split],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout.splitlines()


@pytest.fixture(params=SHELLS)
def terminal(
    request: pytest.FixtureRequest, script: Path, journal_url: str, tmp_path: Path
) -> Iterator[Terminal]:
    shell = SHELLS[request.param]
    if shutil.which(request.param) is None:
        # CI installs them.
        assert not os.environ.get("CI"), f"{request.param} is not installed"
        pytest.skip(f"{request.param} is not installed")
    path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    environment |= {"DURABLE_NOTEBOOK_URL": journal_url, "HOME": str(tmp_path)}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", *shell.command],
        cwd=tmp_path,
        env={**os.environ, **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    # Otherwise it would stand still with a screen that is full.
    screen = threading.Thread(target=_read_all, args=(ours,))
    screen.start()
    try:
        os.write(ours, f"{shell.setup}touch ready\n".encode())
        until(tmp_path / "ready")
        yield Terminal(shell, ours, tmp_path)
    finally:
        process.kill()
        process.wait()
        screen.join(10)
        os.close(ours)


def _read_all(terminal: int) -> None:
    with contextlib.suppress(OSError):  # Nobody has the other end any more.
        while os.read(terminal, 65_536):
            pass


def test_a_line_is_completed(terminal: Terminal, journal_url: str) -> None:
    asked(journal_url, "open")

    assert terminal.press("jour") == "journal "
    assert terminal.press("answer o") == "answer open "
    assert terminal.press("answer open ").rstrip() == "answer open text="
    nowhere = "journal --database sqlite:///nowhere "
    assert terminal.press(nowhere) == nowhere


def test_an_odd_id_is_completed_as_it_is_and_never_executed(
    terminal: Terminal, journal_url: str, tmp_path: Path
) -> None:
    counted(journal_url, *ODD.values())

    everything = terminal.press("journal ")
    lines = {b: terminal.press(f"journal {b}") for b in ODD | QUOTED}

    found = {begin: terminal.words(line) for begin, line in lines.items()}
    assert found == {b: ["journal", i] for b, i in (ODD | QUOTED).items()}
    assert everything == "journal "
    assert not (tmp_path / "ran").exists()
