"""Do one trial again and show what happened: see the package's docstring."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import get_args

from tests.postgres_server import PostgresServer

from .backends import PostgresDatabases, SqliteFiles
from .bodies import read_log
from .child import Job
from .expected import EXPECTED
from .forkserver import Forkserver
from .points import Ending, When
from .trial import (
    ANSWERS,
    DEFINED,
    WHENS,
    Kill,
    Trial,
    at_random,
    backend_of,
    commits_of,
)


def main() -> int:
    """Run the trial that the command line names; 1 if something is wrong with it."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.replay")
    parser.add_argument("workflow", nargs="?", choices=list(EXPECTED))
    parser.add_argument(
        "kills", nargs="*", type=_kill, metavar="before:N|after:N[:ENDING]"
    )
    parser.add_argument("--answers", choices=ANSWERS, default="on-disk")
    parser.add_argument("--defined", choices=DEFINED, default="before-launch")
    parser.add_argument("--fresh", action="store_true", help="with no database yet")
    parser.add_argument("--snapshot-every", type=int, default=256)
    parser.add_argument("--postgres", action="store_true", help="instead of SQLite")
    parser.add_argument("--closes", action="store_true", help="its 'async with' ends")
    parser.add_argument("--leased", action="store_true", help="its executor is")
    parser.add_argument("--idle-timeout", type=float, help="is released after it")
    parser.add_argument("--seed", type=int, help="the trial of a seed, instead")
    given = parser.parse_args()
    if given.seed is not None:
        trial = at_random(given.seed)
        given.postgres = given.postgres or backend_of(given.seed) == "postgres"
    elif given.workflow is not None:
        trial = Trial(
            given.workflow,
            tuple(given.kills),
            answers=given.answers,
            defined=given.defined,
            fresh=given.fresh,
            closes=given.closes,
            snapshot_every=given.snapshot_every,
            idle_timeout_s=given.idle_timeout,
            leased=given.leased,
        )
    else:
        parser.error("name a workflow or a seed")
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    (folder / "opened").mkdir()
    postgres = PostgresServer() if given.postgres else None
    backend = PostgresDatabases(postgres) if postgres else SqliteFiles()
    url = backend.fresh(folder / "opened")
    with Forkserver() as server:
        server.run(Job("counter", str(folder / "opened"), url, 0, only_launch=True))
        backend.keep(url)
        problems = trial.run(server, folder / "trial", backend)
    if postgres is not None:
        postgres.remove()
    _show(trial, folder / "trial", problems)
    return 1 if problems else 0


def _kill(text: str) -> Kill:
    when, commit, *ending = text.split(":")
    known: dict[str, When] = {name: name for name in WHENS}
    endings: dict[str, Ending] = {name: name for name in get_args(Ending)}
    return Kill(known[when], int(commit), endings[(ending or ["kill"])[0]])


def _show(trial: Trial, folder: Path, problems: list[str]) -> None:
    print(trial)
    bodies = read_log(folder / "bodies")
    for process in range(1, len(trial.kills) + 2):
        print(f"\nProcess {process}, its commits:")
        print(*(f"  {line}" for line in commits_of(folder, process)), sep="\n")
        ran = [f"{b.step}({b.input})" for b in bodies if b.process == process]
        print("Its step bodies:", *ran)
    print(f"\nFiles: {folder}")
    print(*(problems or ["Nothing is wrong."]), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
