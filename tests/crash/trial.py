"""A trial: kill a run's process at chosen commits, go on in new processes, compare."""

from __future__ import annotations

import random
import shlex
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from . import verdict
from .backends import BACKENDS, Backend
from .bodies import read_log
from .child import DRAINED, INTERRUPTED, STOPPED, Answers, Defined, Job
from .expected import EXPECTED
from .forkserver import Forkserver
from .points import Ending, When

WHENS: tuple[When, ...] = get_args(When)
ANSWERS: tuple[Answers, ...] = get_args(Answers)
DEFINED: tuple[Defined, ...] = get_args(Defined)

# The commit after which the database knows of the run; those before are the launch.
BEGINS_A_RUN = "workflow_input"

# It lasts for longer than a process does: no commit is a sign of life.
LEASE = {"pool_size": 1, "heartbeat_s": 60.0, "timeout_s": 600.0}


@dataclass(frozen=True, slots=True)
class Kill:
    """The death of one process, or another ending, at its n-th commit."""

    when: When
    commit: int
    ending: Ending = "kill"

    def __str__(self) -> str:
        return f"{self.when}:{self.commit}:{self.ending}"

    @property
    def code(self) -> int:
        """What the process ends with, if it gets as far as that commit."""
        codes = {"kill": -signal.SIGKILL, "stop": STOPPED, "drain": DRAINED}
        codes |= {"full": 0, "limit": 0}
        return codes.get(self.ending, INTERRUPTED)


@dataclass(frozen=True, slots=True)
class Trial:
    """A run whose n-th process dies by the n-th of `kills`; then one finishes.

    `fresh` begins with no database, otherwise it was launched on once before. `closes`
    has each process close its runtime if it can; `leased` has it lease its executor,
    on Postgres.
    """

    workflow: str
    kills: tuple[Kill, ...] = ()
    answers: Answers = "on-disk"
    defined: Defined = "before-launch"
    fresh: bool = False
    snapshot_every: int = 256
    closes: bool = False
    idle_timeout_s: float | None = None
    leased: bool = False

    def __str__(self) -> str:
        """What does it again."""
        words = ["python", "-m", "tests.crash.replay", self.workflow]
        words += [str(kill) for kill in self.kills]
        words += ["--answers", self.answers, "--defined", self.defined]
        words += ["--snapshot-every", str(self.snapshot_every)]
        words += ["--fresh"] * self.fresh + ["--closes"] * self.closes
        words += ["--leased"] * self.leased
        if self.idle_timeout_s is not None:
            words += ["--idle-timeout", str(self.idle_timeout_s)]
        return shlex.join(words)

    def run(self, server: Forkserver, folder: Path, backend: Backend) -> list[str]:
        """Run it in a new folder, on a database of its own.

        Gives what is wrong, in words: nothing is right.
        """
        folder.mkdir(parents=True)
        url = backend.fresh(folder) if self.fresh else backend.opened(folder)
        try:
            return self._run(server, folder, backend, url)
        finally:
            backend.drop(url)

    def _run(
        self, server: Forkserver, folder: Path, backend: Backend, url: str
    ) -> list[str]:
        finished = []
        problems = []
        for process, kill in enumerate([*self.kills, None], 1):
            code = server.run(self._job(folder, url, process, kill))
            said = _complaints(folder, process, kill)
            is_as_told = kill is not None and code == kill.code
            if said or not (code == 0 or is_as_told):
                problems.append(f"process {process} ended with {code}\n{said}")
            stored = verdict.Stored.read(backend, url)
            finished.append(stored.finished)
            if self.leased:
                backend.free_executors(url)
        if code == 0:
            outcome = verdict.outcome_of(folder, process)
            problems += verdict.of_run(EXPECTED[self.workflow], stored, outcome)
        return problems + verdict.of_bodies(read_log(folder / "bodies"), finished)

    def _job(self, folder: Path, url: str, process: int, kill: Kill | None) -> Job:
        return Job(
            workflow=self.workflow,
            folder=str(folder),
            url=url,
            process=process,
            kill_at=None if kill is None else kill.commit,
            when="before" if kill is None else kill.when,
            ending="kill" if kill is None else kill.ending,
            closes=self.closes,
            answers=self.answers,
            defined=self.defined,
            snapshot_every=self.snapshot_every,
            idle_timeout_s=self.idle_timeout_s,
            lease=LEASE if self.leased else None,
        )


def _complaints(folder: Path, process: int, kill: Kill | None) -> str:
    """What a process has said, without what its ending explains."""
    said = (folder / f"output-{process}").read_text()
    ending = "kill" if kill is None else kill.ending
    if ending in ("full", "limit"):
        # DBOS's background jobs warn of it, and the run says why it stands still.
        return said if "Traceback" in said else ""
    # The library's task that waits for the result can outlive the runtime.
    is_late = ending != "kill" and "the journal was closed" in said
    return "" if is_late else said


def commits_of(folder: Path, process: int = 1) -> list[str]:
    """What each commit of a process was, in order."""
    return (folder / f"commits-{process}").read_text().splitlines()


def every_point(workflow: str, commits: range, **options: Any) -> list[Trial]:
    """One kill before and one after each of these commits.

    Every second process launches before its workflow is defined, as a notebook does.
    """
    return [
        Trial(workflow, (Kill(when, commit),), defined=DEFINED[commit % 2], **options)
        for commit in commits
        for when in WHENS
    ]


def backend_of(seed: int) -> str:
    """On which kind of database the trial of a seed is: on each, every second."""
    return BACKENDS[seed % len(BACKENDS)]


def at_random(seed: int) -> Trial:
    """A run that is killed, whose resume is killed, ...: the same for a seed."""
    chance = random.Random(seed)
    workflow = chance.choice(list(EXPECTED))
    number = chance.choice((2, 2, 2, 3, 5))
    commits = range(1, EXPECTED[workflow].commits + 1)
    kills = [Kill(chance.choice(WHENS), chance.choice(commits)) for _ in range(number)]
    return Trial(
        workflow,
        tuple(kills),
        answers=chance.choice(ANSWERS),
        defined=chance.choice(DEFINED),
        snapshot_every=chance.choice((2, 7, 256)),
        idle_timeout_s=chance.choice((None, 0.0)),
    )
