"""A trial: kill a run's process at chosen commits, go on in new processes, compare."""

from __future__ import annotations

import random
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from . import verdict
from .bodies import read_log
from .child import Job
from .forkserver import Forkserver
from .points import When
from .workflows import WORKFLOWS

Kill = tuple[int, When]


@dataclass(frozen=True, slots=True)
class Trial:
    """A run whose n-th process is killed at the n-th of `kills`; then one finishes.

    `is_fresh` begins with no database, otherwise it has been opened once before.
    """

    workflow: str
    kills: tuple[Kill, ...] = ()
    answers: str = "on disk"
    defined: str = "before launch"
    is_fresh: bool = False

    def __str__(self) -> str:
        kills = ", ".join(f"{when} commit {number}" for number, when in self.kills)
        words = [self.workflow, f"answered {self.answers}", f"defined {self.defined}"]
        return f"{', '.join(words)}{', fresh' * self.is_fresh}: {kills or 'no kill'}"

    def run(self, server: Forkserver, folder: Path, opened: Path) -> list[str]:
        """Run it in a folder; `opened` has a database that was launched on before."""
        folder.mkdir(parents=True)
        if not self.is_fresh:
            for path in opened.glob("journal.sqlite*"):
                shutil.copy(path, folder)
        finished = []
        problems = []
        kills: list[Kill | tuple[None, When]] = [*self.kills, (None, "before")]
        for process, (number, when) in enumerate(kills, 1):
            code = server.run(
                Job(
                    workflow=self.workflow,
                    folder=str(folder),
                    process=process,
                    kill_at=number,
                    when=when,
                    defined=self.defined,
                    answers=self.answers,
                )
            )
            output = (folder / f"output-{process}").read_text()
            if output or code not in (0, -signal.SIGKILL):
                problems.append(f"process {process} ended with {code}: {output}")
            stored = verdict.Stored.read(folder)
            finished.append(stored.finished)
        if code == 0:
            outcome = verdict.outcome_of(folder, process)
            problems += verdict.of_run(self.workflow, stored, outcome)
        problems += verdict.of_bodies(read_log(folder / "bodies"), finished)
        return problems


def commits_of(folder: Path, process: int = 1) -> list[str]:
    """What each commit of a process was, in order."""
    return (folder / f"commits-{process}").read_text().splitlines()


def every_point(workflow: str, commits: int, answers: str = "on disk") -> list[Trial]:
    """One kill before and one after each commit of the uninterrupted run.

    Half of the resuming processes launch before the workflow is defined, as a
    notebook does.
    """
    defined = ("before launch", "after launch")
    return [
        Trial(workflow, ((number, when),), answers, defined[number % 2])
        for number in range(1, commits + 1)
        for when in ("before", "after")
    ]


def at_random(seed: int, commits: dict[str, int]) -> Trial:
    """Two kills or more: the run's, that of its resume, ...; the same for a seed."""
    chance = random.Random(seed)
    workflow = chance.choice(list(WORKFLOWS))
    kills: list[Kill] = []
    for _ in range(chance.choice((2, 2, 2, 3, 5))):
        number = chance.randint(1, commits[workflow])
        kills.append((number, chance.choice(("before", "after"))))
    return Trial(
        workflow,
        tuple(kills),
        chance.choice(("on disk", "at once")),
        chance.choice(("before launch", "after launch")),
    )
